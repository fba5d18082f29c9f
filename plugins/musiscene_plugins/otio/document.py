"""Document: an open timeline file, with its exact rate, start and folders.

Finds the timeline in whatever object the file holds, and decides the frame rate. Does not look
at clips beyond that.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import opentimelineio as otio

from musiscene_core.errors import TimecodeError, TimelineError
from musiscene_core.ranges import FrameRange
from musiscene_core.timecode import FrameRate
from musiscene_plugins.formats.edit import Edit
from musiscene_plugins.formats.keys import OTIO_FORMAT
from musiscene_plugins.otio.bundle import read_timeline_object
from musiscene_plugins.otio.exact_time import exact_rate, exact_seconds
from musiscene_plugins.otio.flatten import duration

logger = logging.getLogger(__name__)

OURS = "musiscene"
"""Key of our metadata on timelines, tracks, clips and markers."""
_LOWEST_TIMELINE_RATE = 5
_HIGHEST_TIMELINE_RATE = 240


@dataclass(frozen=True)
class Document:
    """An open timeline.

    Attributes:
        path: the file it was read from.
        root: the object the file holds; `timeline` is it or lies in it.
        timeline: the OpenTimelineIO Timeline.
        rate: its exact frame rate.
        float_rate: the same as this file writes it, for items that join it.
        record: its record frames.
        format: key of the format it was read from; see formats/catalogue.py.
        chosen: which timeline was asked for, where the file may hold several.
        warnings: what the format does not tell, a sentence each.
        edit: the timeline as it was read, where it was not OpenTimelineIO's own.
    """

    path: Path
    root: Any
    timeline: Any
    rate: FrameRate
    float_rate: float
    record: FrameRange
    format: str = OTIO_FORMAT
    chosen: str | None = None
    warnings: tuple[str, ...] = ()
    edit: Edit | None = None

    @property
    def name(self) -> str:
        """The timeline's name, or its file's."""
        return str(self.timeline.name or "").strip() or self.path.stem

    @property
    def is_bundle(self) -> bool:
        """Whether the file carries its media with it."""
        return self.path.suffix.lower() in (".otioz", ".otiod")

    def counting_drop_frame(self) -> Document:
        """The same timeline, its timecode counted with dropped numbers.

        Raises:
            TimecodeError: its rate has no drop-frame timecode.
        """
        return replace(self, rate=FrameRate.from_fraction(self.rate.fps, drop_frame=True))

    def record_frame(self, seconds: Fraction) -> int:
        """The record frame nearest to `seconds` from the timeline's beginning."""
        return self.record.start + self.rate.frame_nearest(seconds)


def read_document(
    path: Path, *, rate: FrameRate | None = None, timeline_name: str | None = None
) -> Document:
    """Open the timeline file at `path`.

    Args:
        path: an .otio, .otioz or .otiod file.
        rate: the frame rate to take instead of the file's.
        timeline_name: which timeline, where the file holds several.

    Raises:
        InputError: the file cannot be read.
        TimelineError: damaged, no timeline in it, or no sense in its times.
    """
    root = read_timeline_object(path)
    timeline = timeline_in(root, path, timeline_name)
    return document_of(timeline, root=root, path=path, rate=rate)


def document_of(
    timeline: Any,
    *,
    root: Any,
    path: Path,
    rate: FrameRate | None,
    format: str = OTIO_FORMAT,
    chosen: str | None = None,
    warnings: tuple[str, ...] = (),
    edit: Edit | None = None,
) -> Document:
    """A Document over a Timeline object.

    Raises:
        TimelineError: no frame rate in it, or no sense in its times.
    """
    if not isinstance(timeline.tracks, otio.schema.Stack):
        raise TimelineError(f"The timeline in {path} has no tracks.")
    float_rate = float(rate.fps) if rate is not None else _rate_of(timeline, path)
    exact = rate or _exact_frame_rate(timeline, float_rate)
    start = timeline.global_start_time
    first = exact.frame_nearest(exact_seconds(start)) if start is not None else 0
    try:
        length = exact.frame_nearest(duration(timeline.tracks))
    except RecursionError as error:
        raise TimelineError(f"The timeline in {path} is nested too deeply.") from error
    return Document(
        path=path,
        root=root,
        timeline=timeline,
        rate=exact,
        float_rate=float_rate,
        record=FrameRange.from_length(first, length),
        format=format,
        chosen=chosen,
        warnings=warnings,
        edit=edit,
    )


def metadata_of(item: Any, *keys: str) -> Any:
    """`item.metadata[key][key]...`, or None where any of them is missing."""
    value = item.metadata
    for key in keys:
        # Asking an empty one first: a missed key costs the library an exception.
        if not hasattr(value, "keys") or not len(value) or key not in value:
            return None
        value = value[key]
    return value


def is_ours(item: Any) -> bool:
    """Whether we placed this track, clip or marker."""
    return metadata_of(item, OURS) is not None


def timeline_in(root: Any, path: Path, name: str | None) -> Any:
    """The timeline meant in whatever a file holds.

    Raises:
        TimelineError: none, or several and none is named.
    """
    timelines = list(_timelines(root))
    named = [found for found in timelines if name is None or found.name == name]
    if len(named) == 1:
        return named[0]
    known = ", ".join(repr(found.name) for found in timelines[:12])
    if not timelines:
        kind = type(root).__name__
        raise TimelineError(
            f"{path} holds no timeline, only a {kind}.", hint="Export a timeline, not a clip."
        )
    if name is not None and not named:
        raise TimelineError(f"{path} holds no timeline {name!r}.", hint=f"It holds {known}.")
    raise TimelineError(
        f"{path} holds {len(timelines)} timelines: {known}.", hint="Say which with --timeline NAME."
    )


def _timelines(root: Any) -> Iterator[Any]:
    if isinstance(root, otio.schema.Timeline):
        yield root
    elif isinstance(root, otio.schema.SerializableCollection):
        for child in root:
            yield from _timelines(child)
    elif isinstance(root, otio.core.Composition):
        wrapped = otio.schema.Timeline(root.name)
        if isinstance(root, otio.schema.Stack):
            wrapped.tracks = root.deepcopy()
        else:
            wrapped.tracks.append(root.deepcopy())
        yield wrapped


def _rate_of(timeline: Any, path: Path) -> float:
    """The start time's rate, else the one most items on picture tracks count in, else any's."""
    start = timeline.global_start_time
    if start is not None and _is_frame_rate(start.rate):
        return float(start.rate)
    for kind in (otio.schema.TrackKind.Video, None):
        tracks = [track for track in timeline.tracks if kind is None or _kind(track) == kind]
        counted = Counter(rate for track in tracks for rate in _rates_in(track))
        if counted:
            return counted.most_common(1)[0][0]
    raise TimelineError(
        f"The timeline in {path} does not say its frame rate.", hint="Give it with --rate."
    )


def _kind(track: Any) -> str | None:
    return track.kind if isinstance(track, otio.schema.Track) else None


def _rates_in(track: Any) -> Iterator[float]:
    for item in track if isinstance(track, otio.core.Composition) else (track,):
        trim = getattr(item, "source_range", None)
        if trim is not None and _is_frame_rate(trim.duration.rate):
            yield float(trim.duration.rate)
        elif isinstance(item, otio.schema.Clip) and trim is None:
            available = item.media_reference.available_range
            if available is not None and _is_frame_rate(available.duration.rate):
                yield float(available.duration.rate)


def _is_frame_rate(rate: float) -> bool:
    return _LOWEST_TIMELINE_RATE <= rate <= _HIGHEST_TIMELINE_RATE


def _exact_frame_rate(timeline: Any, float_rate: float) -> FrameRate:
    rate = FrameRate.from_fraction(exact_rate(float_rate))
    noted = metadata_of(timeline, OURS, "rate")
    try:
        if isinstance(noted, str) and abs(float(FrameRate.parse(noted).fps) - float_rate) < 1e-6:
            rate = FrameRate.from_fraction(FrameRate.parse(noted).fps)
        counts_drop = (
            metadata_of(timeline, OURS, "drop_frame") is True
            or metadata_of(timeline, "fcp_xml", "timecode", "displayformat") == "DF"
        )
        return FrameRate.from_fraction(rate.fps, drop_frame=counts_drop)
    except TimecodeError:
        logger.info("The timeline's notes on its frame rate (%r) make no sense", noted)
        return rate
