"""Timelines read by OpenTimelineIO's own adapters: EDL (CMX 3600) and AAF.

An adapter trusts its file; whatever it makes of a bad one becomes our error. An EDL says neither
its frame rate nor where its media lie, and its sound events are left out: dialogue and temp track
cannot be heard from it.
"""

from __future__ import annotations

import gc
import logging
import re
import traceback
import warnings
from contextlib import redirect_stdout, suppress
from io import StringIO
from pathlib import Path
from typing import Any

from opentimelineio.opentime import TimeRange

from musiscene_core.errors import RequestError, TimecodeError, TimelineError
from musiscene_core.timecode import FrameRate, parse_timecode
from musiscene_plugins.formats.aaf_reading import read_plain_aaf
from musiscene_plugins.formats.safe_xml import EXPORT_AGAIN, read_bytes
from musiscene_plugins.otio.document import Document, document_of, timeline_in
from musiscene_plugins.otio.exact_time import rational_time
from musiscene_plugins.otio.from_edit import document_from

logger = logging.getLogger(__name__)

MAX_EDL_BYTES = 32 << 20
MAX_AAF_BYTES = 2 << 30
EDL_SILENT = "An EDL holds only the picture: dialogue and temp track were not heard."
_EVENT = re.compile(r"^\s*\d+\s+\S+\s+(\S+)\s+\S+")
_RECORD_IN = re.compile(
    r"^\s*\d+\s+.*\s\d\d:\S+\s+\d\d:\S+\s+(\d\d:\d\d:\d\d[:;]\d\d)\s+\d\d:\S+\s*$", re.MULTILINE
)
_SOUND = re.compile(r"^(A\d*|AA|A\d*/A\d*|NONE)$", re.IGNORECASE)
_PICTURE_AND_SOUND = re.compile(r"^(B|AA/V|A\d*/V|V/A\d*)$", re.IGNORECASE)
_AAF_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def edl_document(path: Path, *, rate: FrameRate | None) -> Document:
    """The EDL at `path`.

    Raises:
        InputError: it cannot be read.
        TimelineError: no EDL, damaged, or no frame rate given.
    """
    from otio_cmx3600_adapter import cmx_3600

    data = read_bytes(path)
    if len(data) > MAX_EDL_BYTES:
        raise TimelineError(f"{path} is too large to be an EDL.")
    if rate is None:
        raise TimelineError(
            f"{path} is an EDL, which does not say its frame rate.",
            hint='Give it with --rate, such as --rate 24 or --rate "29.97 DF".',
        )
    text = _picture_events(data.decode("utf-8-sig", errors="replace"))
    drop = rate.drop_frame or ";" in text or re.search(r"^FCM:\s*DROP", text, re.M) is not None
    can_drop = rate.denominator == 1001 and rate.nominal % 30 == 0
    counted = FrameRate.from_fraction(rate.fps, drop_frame=drop and can_drop)
    try:
        timeline = cmx_3600.read_from_string(
            text, rate=float(rate.fps), ignore_timecode_mismatch=True
        )
    except Exception as error:  # whatever the adapter makes of it, the file is at fault
        understood = isinstance(error, (cmx_3600.EDLParseError, ValueError))
        reason = str(error).rstrip(".") if understood else "its events make no sense"
        raise TimelineError(
            f"{path} is not an EDL that can be read at {rate.name}: {reason}.", hint=EXPORT_AGAIN
        ) from error
    start = _first_record_frame(text, counted)
    for track in timeline.tracks:
        # The adapter trims tracks to before their first clip, by the record timecode.
        track.source_range = None
    timeline.global_start_time = rational_time(start, float(rate.fps))
    _lift_locators(timeline)
    return document_of(
        timeline,
        root=timeline,
        path=path,
        rate=counted,
        format="edl",
        warnings=(EDL_SILENT,),
    )


def aaf_document(path: Path, *, rate: FrameRate | None, name: str | None) -> Document:
    """The AAF at `path`.

    Raises:
        InputError: it cannot be read.
        RequestError: the extra `aaf` is not installed.
        TimelineError: no AAF, damaged, or of no use.
    """
    try:
        from otio_aaf_adapter.adapters import advanced_authoring_format as adapter
    except ImportError as error:
        raise RequestError(
            "AAF files need an addition that is not installed.",
            hint="Install it with: pip install 'musiscene[aaf]'",
        ) from error
    with open(path, "rb") as file:
        start = file.read(len(_AAF_MAGIC))
    if start != _AAF_MAGIC or path.stat().st_size > MAX_AAF_BYTES:
        raise TimelineError(f"{path} is damaged or not an AAF.", hint=EXPORT_AGAIN)
    plain = read_plain_aaf(path, name)
    if plain is not None:
        return document_from(plain, path, rate=rate, format="aaf", chosen=name)
    logging.getLogger("aaf2").setLevel(logging.ERROR)
    try:
        # The adapter prints what it passes over; a command's output, or a protocol's, is no place.
        with redirect_stdout(StringIO()) as said:
            root: Any = adapter.read_from_file(str(path))
        if said.getvalue():
            logger.info("%s: %s", path, said.getvalue().strip())
        drops = _counts_drop_frame(path)
    except Exception as error:  # whatever the adapter makes of it, the file is at fault
        reason = str(error) or type(error).__name__
        with warnings.catch_warnings():
            # The library leaves a file open that it gives up on; its frames hold it.
            warnings.simplefilter("ignore", ResourceWarning)
            traceback.clear_frames(error.__traceback__)
            gc.collect()
        raise TimelineError(
            f"{path} is damaged, or an AAF that cannot be read: {reason}.", hint=EXPORT_AGAIN
        ) from None
    timeline = timeline_in(root, path, name)
    document = document_of(timeline, root=root, path=path, rate=rate, format="aaf", chosen=name)
    can_drop = document.rate.denominator == 1001 and document.rate.nominal % 30 == 0
    return document.counting_drop_frame() if drops and can_drop else document


def _lift_locators(timeline: Any) -> None:
    """Locators count record timecode; the adapter hangs them on the clip they stand below."""
    first = timeline.global_start_time
    last = first + timeline.tracks.duration()
    for clip in timeline.find_clips():
        for index in reversed(range(len(clip.markers))):
            at = clip.markers[index].marked_range
            if first <= at.start_time < last:
                lifted = clip.markers[index].clone()
                lifted.marked_range = TimeRange(at.start_time - first, at.duration)
                timeline.tracks.markers.append(lifted)
                del clip.markers[index]


def _first_record_frame(text: str, rate: FrameRate) -> int:
    """Where the earliest event lies: the adapter counts from there."""
    found = []
    for match in _RECORD_IN.finditer(text):
        with suppress(TimecodeError):
            found.append(parse_timecode(match[1], rate))
    return min(found, default=0)


def _counts_drop_frame(path: Path) -> bool:
    import aaf2

    with aaf2.open(str(path), "r") as file:
        return any(
            bool(slot.segment["Drop"].value)
            for mob in file.content.toplevel()
            for slot in mob.slots
            if isinstance(slot.segment, aaf2.components.Timecode)
        )


def _picture_events(text: str) -> str:
    """The EDL without its sound events and their comments, which the adapter cannot hold."""
    kept, taking = [], True
    for line in text.splitlines():
        event = _EVENT.match(line)
        if event is not None:
            taking = _SOUND.match(event[1]) is None
            if _PICTURE_AND_SOUND.match(event[1]):
                line = line[: event.start(1)] + "V" + line[event.end(1) :]
        if taking or line.upper().startswith("FCM"):
            kept.append(line)
    return "\n".join(kept) + "\n"
