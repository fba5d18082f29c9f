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
from musiscene_plugins.formats.tags import Removal, Tag
from musiscene_plugins.otio.document import OURS, Document, is_ours, metadata_of
from musiscene_plugins.otio.exact_time import exact_duration, exact_seconds
from musiscene_plugins.otio.flatten import stack_origin


@dataclass(frozen=True)
class OurClip:
    """A clip that we placed and nobody touched.

    Attributes:
        track: on which it lies.
        index: its place there.
        record: its record frames.
        tag: which take of ours it is.
    """

    track: Any
    index: int
    record: FrameRange
    tag: Tag


def untouched_ours(timeline: Any, document: Document) -> Iterator[OurClip]:
    """Our clips on `timeline`, which has the clock of `document`."""
    origin = stack_origin(timeline)
    for track in timeline.tracks:
        if not is_ours(track):
            continue
        for index, clip in enumerate(track):
            tag = _tag_of(clip) if isinstance(clip, otio.schema.Clip) else None
            made_for = clip.media_reference.available_range if tag is not None else None
            if tag is None or made_for is None:
                continue
            lies, shown = clip.range_in_parent(), clip.trimmed_range()
            start = document.record_frame(exact_seconds(lies.start_time) - origin)
            length = document.rate.frame_nearest(exact_duration(lies.duration))
            begins = exact_seconds(made_for.start_time)
            placed_on = document.rate.frame_nearest(begins) if tag.start is None else tag.start
            as_long = length if tag.length is None else tag.length
            untrimmed = exact_seconds(shown.start_time) == begins and exact_duration(
                shown.duration
            ) == exact_duration(made_for.duration)
            if untrimmed and (placed_on, as_long) == (start, length):
                yield OurClip(track, index, FrameRange.from_length(start, length), tag)


def take_ours_away(timeline: Any, document: Document, ranges: Sequence[FrameRange]) -> Removal:
    """Take our clips that touch `ranges`, with their hits' markers, off `timeline`.

    A gap keeps what follows in its place; a track of ours on which no clip is left goes too.

    Returns:
        What was taken away, for documents to which the rest is joined.
    """
    origin = stack_origin(timeline)
    gone = [
        ours
        for ours in untouched_ours(timeline, document)
        if any(ours.record.overlap(record) for record in ranges)
    ]
    heard = {ours.tag.of_take for ours in gone}
    for ours in gone:
        clip = ours.track[ours.index]
        ours.track[ours.index] = otio.schema.Gap(source_range=clip.trimmed_range())
    marked = set()
    markers = timeline.tracks.markers
    for index in reversed(range(len(markers))):
        tag = _tag_of(markers[index])
        if tag is None or tag.of_take not in heard:
            continue
        at = document.record_frame(exact_seconds(markers[index].marked_range.start_time) - origin)
        if any(at in ours.record for ours in gone):
            marked.add((tag.of_take, at - document.record.start))
            del markers[index]
    for index in reversed(range(len(timeline.tracks))):
        track = timeline.tracks[index]
        has_clips = any(isinstance(child, otio.schema.Clip) for child in track)
        if is_ours(track) and not has_clips and any(track is ours.track for ours in gone):
            del timeline.tracks[index]
    clips = {(ours.tag, ours.record.start - document.record.start) for ours in gone}
    return Removal(frozenset(clips), frozenset(marked))


def _tag_of(item: Any) -> Tag | None:
    return Tag.from_mapping(metadata_of(item, OURS))
