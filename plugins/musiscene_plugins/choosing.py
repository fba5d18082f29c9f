"""From what the user said to record In and Out, and to a name for the cue.

The order: In and Out given; a marker given; the only marker with a length, or the only one whose
name begins with "score" or "cue"; In and Out marks that the timeline carries; the whole timeline.
Works on record frames alone; knows nothing of files or editors.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from musiscene_core.errors import RangeError, TimecodeError
from musiscene_core.ranges import FrameRange
from musiscene_core.timecode import FrameRate, format_timecode, parse_timecode
from musiscene_core.timeline import Marker
from musiscene_plugins.host import RangeChoice

_SCORE_MARKER = re.compile(r"^\s*(score|cue|musiscene)\b", re.IGNORECASE)
_UNSAFE = re.compile(r"[^\w.\- ]+")
_RESERVED = re.compile(r"^(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
MAX_NAME = 80
"""Longest cue name in characters, well inside what every file system takes."""
_MAX_BYTES = 200
"""The same in UTF-8, where a character may have four: 255 with all that is put to it."""


class ChosenRange(msgspec.Struct, frozen=True):
    """Record In and Out, and the name of the cue over them."""

    record: FrameRange
    cue: str


def choose_range(
    choice: RangeChoice,
    *,
    timeline: FrameRange,
    rate: FrameRate,
    markers: Sequence[Marker],
    marks: FrameRange | None,
    stem: str,
) -> ChosenRange:
    """The range that `choice` means on a timeline.

    Args:
        choice: what the user said.
        timeline: the timeline's record frames.
        rate: its frame rate.
        markers: the user's markers.
        marks: In and Out marks that the timeline itself carries.
        stem: the timeline's name, for naming the cue.

    Raises:
        TimecodeError: In or Out is not a timecode at `rate`.
        RangeError: empty, reversed, outside the timeline, or no such marker.
    """
    given = choice.record_in is not None or choice.record_out is not None
    if given and choice.marker is not None:
        raise RangeError(
            "A marker and In or Out were both given.", hint="Give either a marker or In and Out."
        )
    if given:
        start, end = timeline.start, timeline.end
        if choice.record_in is not None:
            start = record_frame(choice.record_in, rate)
        if choice.record_out is not None:
            end = record_frame(choice.record_out, rate)
        record = _inside(start, end, timeline, rate)
        name = f"{stem}-{re.sub(r'[^0-9]', '', format_timecode(record.start, rate))}"
        return ChosenRange(record, file_name(choice.cue or name))
    marker = _chosen_marker(choice.marker, markers)
    if marker is not None:
        record = _inside(marker.record.start, marker.record.end, timeline, rate)
        return ChosenRange(record, file_name(choice.cue or marker.name or stem))
    whole = marks or timeline
    record = _inside(whole.start, whole.end, timeline, rate)
    return ChosenRange(record, file_name(choice.cue or stem))


def file_name(text: str) -> str:
    """`text` as a name that every file system takes for one file or folder."""
    name = _UNSAFE.sub("_", text).strip(" .")[:MAX_NAME]
    name = name.encode()[:_MAX_BYTES].decode("utf-8", "ignore").strip(" .")
    if not name:
        return "cue"
    return f"_{name}" if _RESERVED.match(name) else name


def record_frame(text: str, rate: FrameRate) -> int:
    """The record frame that a timecode, or a plain frame number, names.

    Raises:
        TimecodeError: neither.
    """
    word = text.strip()
    if word.isascii() and word.isdigit():
        if len(word) > 12:
            raise TimecodeError(f"{word} is no frame of a timeline.")
        return int(word)
    return parse_timecode(word, rate)


def _chosen_marker(name: str | None, markers: Sequence[Marker]) -> Marker | None:
    long = [marker for marker in markers if marker.record.length > 1]
    if name is None:
        meant = [marker for marker in long if _SCORE_MARKER.match(marker.name)]
        candidates = meant or long
        if len(candidates) < 2:
            return candidates[0] if candidates else None
        raise RangeError(
            f"{len(candidates)} markers have a length: {_names(candidates)}.",
            hint="Say which one with --marker NAME, or give --in and --out.",
        )
    wanted = name.strip().casefold()
    named = [marker for marker in markers if marker.name.strip().casefold() == wanted]
    with_length = [marker for marker in named if marker.record.length > 1]
    if len(with_length) == 1:
        return with_length[0]
    if with_length:
        raise RangeError(
            f"{len(with_length)} markers are called {name!r}.",
            hint="Rename one, or give --in and --out.",
        )
    if named:
        raise RangeError(
            f"The marker {name!r} has no length.",
            hint="Stretch it over the scene in the editor, or give --in and --out.",
        )
    known = f"Markers with a length: {_names(long)}." if long else "No marker here has a length."
    raise RangeError(f"There is no marker {name!r}.", hint=known)


def _names(markers: Sequence[Marker]) -> str:
    shown = ", ".join(repr(marker.name) for marker in markers[:8])
    return f"{shown} and {len(markers) - 8} more" if len(markers) > 8 else shown


def _inside(start: int, end: int, timeline: FrameRange, rate: FrameRate) -> FrameRange:
    if timeline.length == 0:
        raise RangeError("The timeline is empty.", hint="Put the scene's clips on it first.")
    first, last = format_timecode(timeline.start, rate), format_timecode(timeline.end, rate)
    span = f"The timeline runs from {first} to {last}, and In and Out are timecodes on it."
    if start == end:
        raise RangeError(
            f"The range is empty: In and Out are both {format_timecode(start, rate)}.",
            hint="Set Out after In.",
        )
    if start > end:
        raise RangeError(
            f"The range is reversed: In is {format_timecode(start, rate)}, "
            f"Out {format_timecode(end, rate)}.",
            hint="Set Out after In.",
        )
    if start < timeline.start:
        raise RangeError(
            f"In is {format_timecode(start, rate)}, but the timeline starts at {first}.", hint=span
        )
    if end > timeline.end:
        raise RangeError(
            f"Out is {format_timecode(end, rate)}, but the timeline ends at {last}.", hint=span
        )
    return FrameRange(start, end)
