"""From a Document to the nouns: clips with roles and exact source mappings, and markers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import opentimelineio as otio

from musiscene_core.ranges import FrameRange, SourceMapping
from musiscene_core.timecode import FrameRate
from musiscene_core.timeline import Marker, MediaReference, Role, TimelineClip
from musiscene_plugins.host import TrackDescription, TrackKind
from musiscene_plugins.otio.document import OURS, Document, is_ours, metadata_of
from musiscene_plugins.otio.exact_time import exact_duration, exact_rate, exact_seconds
from musiscene_plugins.otio.flatten import FlatClip, Window, flat_clips, stack_origin
from musiscene_plugins.roles import overridden, role_of_track, unmatched

_FINE_RATE = FrameRate(1000)
"""Source times that fall between frames are kept to a millisecond."""


@dataclass(frozen=True)
class Reading:
    """All that a timeline holds, before a range is chosen.

    Attributes:
        tracks: every track with its role.
        clips: every enabled clip, picture first, in track then time order.
        markers: the user's markers in order of time.
        warnings: what could not be made sense of.
    """

    tracks: tuple[TrackDescription, ...]
    clips: tuple[TimelineClip, ...]
    markers: tuple[Marker, ...]
    warnings: tuple[str, ...]


def read_everything(
    document: Document, roles: Mapping[str, Role], path_of: Callable[[str], str]
) -> Reading:
    """Read `document`.

    Args:
        document: an open timeline.
        roles: the user's roles by track name or label, in lower case.
        path_of: turns a target_url into a path, empty where it is none.

    Raises:
        TimelineError: impossible times.
    """
    warnings: list[str] = []
    flat = flat_clips(document.timeline, warnings.append)
    labelled = _labelled(document.timeline, roles)
    counted = Counter(id(found.track) for found in flat)
    tracks = tuple(
        TrackDescription(
            name=track.name or "",
            label=label,
            kind=kind,
            role=role,
            clips=counted[id(track)],
        )
        for track, label, kind, role in labelled
    )
    warnings += unmatched(roles, tracks)
    clips = []
    places = {id(track): (label, kind, role) for track, label, kind, role in labelled}
    for wanted in ("video", "audio"):
        mine = [found for found in flat if places[id(found.track)][1] == wanted]
        orders = sorted({found.order for found in mine})
        for found in mine:
            label, _, role = places[id(found.track)]
            clip = _clip(found, document, path_of)
            if clip is not None:
                index = orders.index(found.order)
                name = found.track.name or label
                clips.append(_on_track(clip, track=name, index=index, role=role))
    markers = sorted(_markers(document, flat), key=lambda marker: marker.record.start)
    return Reading(tracks, tuple(clips), tuple(markers), tuple(dict.fromkeys(warnings)))


def _on_track(clip: TimelineClip, *, track: str, index: int, role: Role) -> TimelineClip:
    return TimelineClip(
        name=clip.name,
        media=clip.media,
        mapping=clip.mapping,
        track=track,
        track_index=index,
        role=role,
    )


def _labelled(timeline: Any, roles: Mapping[str, Role]) -> list[tuple[Any, str, TrackKind, Role]]:
    counts: Counter[str] = Counter()
    found: list[tuple[Any, str, TrackKind, Role]] = []
    for track in timeline.tracks:
        is_audio = getattr(track, "kind", "Video") == otio.schema.TrackKind.Audio
        kind: TrackKind = "audio" if is_audio else "video"
        counts[kind] += 1
        label = f"{kind[0].upper()}{counts[kind]}"
        name = track.name or ""
        default: Role = "score" if is_ours(track) else role_of_track(name, kind)
        role = overridden(roles, name=name, label=label, default=default)
        found.append((track, label, kind, role))
    return sorted(found, key=lambda entry: entry[2] == "audio")


def _clip(
    found: FlatClip, document: Document, path_of: Callable[[str], str]
) -> TimelineClip | None:
    reference = found.clip.media_reference
    if isinstance(reference, otio.schema.GeneratorReference):
        return None
    record = FrameRange(
        document.record_frame(found.window.start), document.record_frame(found.window.end)
    )
    if record.length == 0:
        return None
    url = getattr(reference, "target_url", "") or ""
    name = found.clip.name or getattr(reference, "name", "") or ""
    stream = metadata_of(found.clip, OURS, "audio_stream")
    media = MediaReference(
        path=path_of(url) if url else "",
        name=reference.name or name or url.rpartition("/")[2],
        audio_stream=stream if isinstance(stream, int) and 0 <= stream < 64 else 0,
    )
    mapping = _mapping(found, record, document)
    return TimelineClip(name=name, media=media, mapping=mapping)


def _mapping(found: FlatClip, record: FrameRange, document: Document) -> SourceMapping:
    """Source time counted from the media's first frame, in source frames where it falls on one."""
    available = found.clip.media_reference.available_range
    media_start = exact_seconds(available.start_time) if available is not None else Fraction(0)
    shown_at = document.rate.seconds(record.start - document.record.start)
    seconds = found.window.local(shown_at) - media_start
    rate = _source_rate(found.clip, document.rate)
    frame = seconds * rate.fps
    if frame.denominator != 1:
        rate, frame = _FINE_RATE, Fraction(_FINE_RATE.frame_nearest(seconds))
    return SourceMapping(
        record=record,
        record_rate=document.rate,
        source_start=int(frame),
        source_rate=rate,
        speed_numerator=found.window.speed.numerator,
        speed_denominator=found.window.speed.denominator,
    )


def _source_rate(clip: Any, default: FrameRate) -> FrameRate:
    trim = clip.source_range or clip.media_reference.available_range
    exact = exact_rate(trim.start_time.rate)
    return FrameRate.from_fraction(exact) if Fraction(1) <= exact <= 1000 else default


def _markers(document: Document, flat: list[FlatClip]) -> list[Marker]:
    tracks = document.timeline.tracks
    origin = stack_origin(document.timeline)
    length = document.rate.seconds(document.record.length)
    first = document.rate.seconds(document.record.start)
    found = []
    for item in (tracks, *tracks):
        for marker in item.markers:
            at = exact_seconds(marker.marked_range.start_time) - origin
            # Some editors count a timeline's markers from midnight, as its timecode does.
            if at >= length and first <= at < first + length:
                at -= first
            found.append(_marker(marker, at, Fraction(1), document))
    for flat_clip in flat:
        window: Window = flat_clip.window
        for marker in flat_clip.clip.markers:
            source = exact_seconds(marker.marked_range.start_time)
            if window.speed == 0:
                continue
            at = window.start + (source - window.local_start) / window.speed
            if window.start <= at < window.end:
                found.append(_marker(marker, at, abs(window.speed), document))
    return [marker for marker in found if marker is not None]


def _marker(marker: Any, at: Fraction, speed: Fraction, document: Document) -> Marker | None:
    if is_ours(marker):
        return None
    start = document.record_frame(at)
    end = document.record_frame(at + exact_duration(marker.marked_range.duration) / speed)
    note = metadata_of(marker, "Resolve_OTIO", "Note")
    comment = marker.comment or (note if isinstance(note, str) else "")
    return Marker(
        record=FrameRange(start, max(end, start + 1)),
        name=marker.name or "",
        color=str(marker.color or ""),
        comment=comment,
    )
