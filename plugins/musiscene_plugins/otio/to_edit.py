"""An OpenTimelineIO Timeline as an Edit, for the writers of other formats.

Nested compositions are flattened: where their clips overlap, a track becomes several.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import opentimelineio as otio

from musiscene_core.timecode import FrameRate
from musiscene_core.timeline import Marker
from musiscene_plugins.formats.edit import PURPLE, Collector, Edit, Event, Lane, Media, Note
from musiscene_plugins.formats.tags import Tag
from musiscene_plugins.otio.document import OURS, Document, is_ours, metadata_of
from musiscene_plugins.otio.exact_time import exact_duration, exact_rate, exact_seconds
from musiscene_plugins.otio.flatten import FlatClip, flat_clips, kind_of, stack_origin
from musiscene_plugins.otio.levels import fades_by_transition, levels_of


def edit_of(
    timeline: Any,
    document: Document,
    *,
    markers: Sequence[Marker],
    had_tracks: int,
    had_markers: int,
    path_of: Callable[[str], str],
    only_added: bool = False,
) -> Edit:
    """`timeline`, which has the clock of `document`, as an Edit.

    Args:
        timeline: an OpenTimelineIO Timeline.
        document: gives the rate and the start.
        markers: the user's markers.
        had_tracks: how many tracks were there before ours were added.
        had_markers: the same of markers.
        path_of: turns a target_url into a path, empty where it is none.
        only_added: only our tracks and markers, for joining them to what is there.

    Raises:
        TimelineError: impossible times.
    """
    rate = document.rate
    warnings: dict[str, None] = {}
    first = had_tracks if only_added else 0
    flat = flat_clips(
        timeline, lambda text: warnings.setdefault(text), with_disabled=True, first=first
    )
    by_track: dict[int, list[FlatClip]] = {}
    for found in flat:
        by_track.setdefault(id(found.track), []).append(found)
    lanes: list[Lane] = []
    for kind in ("video", "audio"):
        for index, track in enumerate(timeline.tracks):
            is_audio = kind_of(track) == otio.schema.TrackKind.Audio
            if index < first or is_audio != (kind == "audio"):
                continue
            collector = Collector(
                name=str(track.name or ""),
                kind="audio" if is_audio else "video",
                enabled=bool(getattr(track, "enabled", True)),
                added=index >= had_tracks,
            )
            fades = _fades(track, rate)
            for found in by_track.get(id(track), ()):
                collector.add(_event(found, rate, fades, path_of))
            lanes += collector.lanes()
            _dissolves(track, warnings)
    notes = [
        Note(
            start=marker.record.start - document.record.start,
            length=marker.record.length,
            name=marker.name,
            comment=marker.comment,
            color=marker.color,
        )
        for marker in (() if only_added else markers)
    ]
    origin = stack_origin(timeline)
    notes += [
        _our_note(marker, rate, origin, added=index >= had_markers)
        for index, marker in enumerate(timeline.tracks.markers)
        if is_ours(marker) and (index >= had_markers or not only_added)
    ]
    return Edit(
        name=document.name,
        rate=rate,
        start=document.record.start,
        lanes=tuple(lanes),
        notes=tuple(sorted(notes, key=lambda note: note.start)),
        width=_size(timeline, "width", 1920),
        height=_size(timeline, "height", 1080),
        marks=None,
        warnings=tuple(warnings),
    )


def _event(
    found: FlatClip,
    rate: FrameRate,
    fades: dict[int, tuple[int, int]],
    path_of: Callable[[str], str],
) -> Event:
    clip, window = found.clip, found.window
    start, end = rate.frame_nearest(window.start), rate.frame_nearest(window.end)
    levels = levels_of(clip)
    fade_in, fade_out = fades.get(id(clip), (levels.fade_in, levels.fade_out))
    stream = metadata_of(clip, OURS, "audio_stream")
    return Event(
        name=str(clip.name or ""),
        media=_media(clip, found.track, path_of),
        start=start,
        length=end - start,
        source=window.local(rate.seconds(start)),
        speed=window.speed,
        gain_db=levels.gain_db,
        fade_in=min(fade_in, end - start),
        fade_out=min(fade_out, end - start),
        enabled=found.enabled,
        stream=stream if isinstance(stream, int) and 0 <= stream < 64 else 0,
        tag=Tag.from_mapping(metadata_of(clip, OURS)),
    )


def _media(clip: Any, track: Any, path_of: Callable[[str], str]) -> Media | None:
    reference = clip.media_reference
    if isinstance(reference, otio.schema.GeneratorReference):
        return None
    url = str(getattr(reference, "target_url", "") or "")
    available = reference.available_range
    start, length, rate = Fraction(0), None, None
    if available is not None:
        start, length = exact_seconds(available.start_time), exact_duration(available.duration)
        fps = exact_rate(available.duration.rate)
        if kind_of(track) != otio.schema.TrackKind.Audio and 1 <= fps <= 240:
            rate = FrameRate.from_fraction(fps)
    name = str(reference.name or clip.name or url.rpartition("/")[2])
    return Media(url=path_of(url) or url, name=name, start=start, length=length, rate=rate)


def _fades(track: Any, rate: FrameRate) -> dict[int, tuple[int, int]]:
    """Fades that transitions give, in frames, by the identity of the clip."""
    if not isinstance(track, otio.schema.Track):
        return {}
    children = list(track)
    return {
        id(children[index]): (rate.frame_nearest(first), rate.frame_nearest(last))
        for index, (first, last) in fades_by_transition(track).items()
    }


def _dissolves(track: Any, warnings: dict[str, None]) -> None:
    children = list(track) if isinstance(track, otio.schema.Track) else []
    clip, cut = otio.schema.Clip, otio.schema.Transition
    for before, child, after in zip(children, children[1:], children[2:], strict=False):
        if isinstance(child, cut) and isinstance(before, clip) and isinstance(after, clip):
            warnings.setdefault("Dissolves become cuts.")


def _our_note(marker: Any, rate: FrameRate, origin: Fraction, *, added: bool) -> Note:
    at = exact_seconds(marker.marked_range.start_time) - origin
    length = rate.frame_nearest(exact_duration(marker.marked_range.duration))
    return Note(
        start=rate.frame_nearest(at),
        length=max(1, length),
        name=str(marker.name or ""),
        comment=str(marker.comment or ""),
        color=PURPLE,
        added=added,
        tag=Tag.from_mapping(metadata_of(marker, OURS)),
    )


def _size(timeline: Any, key: str, default: int) -> int:
    noted = metadata_of(timeline, OURS, key)
    return int(noted) if isinstance(noted, (int, float)) and 16 <= noted <= 32_768 else default
