"""Music of ours that lies on a timeline already, and taking it away again.

Ours is a clip with our notes that still lies on the frames its media was made for. One that
somebody moved or trimmed has become theirs and is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import opentimelineio as otio

from musiscene_core.ranges import FrameRange
from musiscene_plugins.otio.document import OURS, Document, is_ours, metadata_of
from musiscene_plugins.otio.exact_time import exact_duration, exact_seconds
from musiscene_plugins.otio.flatten import stack_origin


@dataclass(frozen=True)
class OurClip:
    """A clip that we placed and nobody touched: its track, its place there, its record frames."""

    track: Any
    index: int
    record: FrameRange


def untouched_ours(timeline: Any, document: Document) -> Iterator[OurClip]:
    """Our clips on `timeline`, which has the clock of `document`."""
    origin = stack_origin(timeline)
    for track in timeline.tracks:
        if not is_ours(track):
            continue
        for index, clip in enumerate(track):
            if not isinstance(clip, otio.schema.Clip) or not is_ours(clip):
                continue
            made_for = clip.media_reference.available_range
            lies = clip.range_in_parent()
            start = document.record_frame(exact_seconds(lies.start_time) - origin)
            length = document.rate.frame_nearest(exact_duration(lies.duration))
            if made_for is None or clip.trimmed_range() != made_for:
                continue
            if document.rate.frame_nearest(exact_seconds(made_for.start_time)) == start:
                yield OurClip(track, index, FrameRange.from_length(start, length))


def take_ours_away(timeline: Any, document: Document, ranges: Sequence[FrameRange]) -> None:
    """Take our clips that touch `ranges`, with their hits' markers, off `timeline`.

    A gap keeps what follows in its place; a track of ours on which no clip is left goes too.
    """
    origin = stack_origin(timeline)
    gone = [
        ours
        for ours in untouched_ours(timeline, document)
        if any(ours.record.overlap(record) for record in ranges)
    ]
    heard = set()
    for ours in gone:
        clip = ours.track[ours.index]
        heard.add(_take_of(clip))
        ours.track[ours.index] = otio.schema.Gap(source_range=clip.trimmed_range())
    markers = timeline.tracks.markers
    for index in reversed(range(len(markers))):
        at = document.record_frame(exact_seconds(markers[index].marked_range.start_time) - origin)
        theirs = not is_ours(markers[index]) or _take_of(markers[index]) not in heard
        if not theirs and any(at in ours.record for ours in gone):
            del markers[index]
    for index in reversed(range(len(timeline.tracks))):
        track = timeline.tracks[index]
        has_clips = any(isinstance(child, otio.schema.Clip) for child in track)
        if is_ours(track) and not has_clips and any(track is ours.track for ours in gone):
            del timeline.tracks[index]


def _take_of(item: Any) -> tuple[Any, ...]:
    return tuple(metadata_of(item, OURS, key) for key in ("cue", "take", "request_digest"))
