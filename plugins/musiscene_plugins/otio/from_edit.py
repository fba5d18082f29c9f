"""A timeline of any other format as an OpenTimelineIO Timeline, and so as a Document."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import opentimelineio as otio

from musiscene_core.timecode import SAMPLE_RATE, FrameRate
from musiscene_plugins.formats.edit import Edit, Event, Lane, media_length
from musiscene_plugins.otio.document import OURS, Document, document_of
from musiscene_plugins.otio.exact_time import rational_time, time_range
from musiscene_plugins.otio.levels import Levels, set_levels

_MARKS = "fcp_xml"
"""Where OpenTimelineIO's own adapter keeps a sequence's In and Out."""


def document_from(
    edit: Edit, path: Path, *, rate: FrameRate | None, format: str, chosen: str | None
) -> Document:
    """`edit`, read from `path` in the format of that key, as an open timeline.

    Raises:
        TimelineError: no sense in its times.
    """
    timeline = timeline_from(edit)
    return document_of(
        timeline,
        root=timeline,
        path=path,
        rate=rate,
        format=format,
        chosen=chosen,
        warnings=edit.warnings,
        edit=edit,
    )


def timeline_from(edit: Edit) -> Any:
    """`edit` as an OpenTimelineIO Timeline."""
    rate = float(edit.rate.fps)
    timeline = otio.schema.Timeline(edit.name)
    timeline.metadata[OURS] = {
        "rate": f"{edit.rate.numerator}/{edit.rate.denominator}",
        "drop_frame": edit.rate.drop_frame,
        "width": edit.width,
        "height": edit.height,
    }
    if edit.marks is not None:
        timeline.metadata[_MARKS] = {"in": edit.marks[0], "out": edit.marks[1]}
    timeline.global_start_time = rational_time(edit.start, rate)
    timeline.tracks.extend([_track(lane, edit.rate) for lane in edit.lanes])
    for note in edit.notes:
        at = time_range(note.start, note.length, rate)
        marker = otio.schema.Marker(note.name, at, color=note.color or "", comment=note.comment)
        if note.tag is not None:
            marker.metadata[OURS] = note.tag.to_mapping()
        timeline.tracks.markers.append(marker)
    return timeline


def _track(lane: Lane, rate: FrameRate) -> Any:
    kinds = {"video": otio.schema.TrackKind.Video, "audio": otio.schema.TrackKind.Audio}
    track = otio.schema.Track(lane.name, kind=kinds[lane.kind])
    track.enabled = lane.enabled
    if lane.is_ours:
        track.metadata[OURS] = {"role": lane.name}
    at = 0
    items = []
    for event in lane.events:
        if event.start > at:
            span = time_range(0, event.start - at, float(rate.fps))
            items.append(otio.schema.Gap(source_range=span))
        items.append(_clip(event, rate))
        at = event.end
    track.extend(items)
    return track


def _clip(event: Event, rate: FrameRate) -> Any:
    media = event.media
    played = rate.seconds(event.length)
    reference: Any = otio.schema.GeneratorReference()
    begin = event.source
    if media is not None:
        if event.speed < 0:
            begin -= played * -event.speed
        reference = otio.schema.ExternalReference(target_url=media.url)
        if not media.url:
            reference = otio.schema.MissingReference()
        reference.name = media.name
        length = media_length(event, rate)
        own = media.rate or rate
        reference.available_range = otio.opentime.TimeRange(
            _time(media.start, own, rate), _time(length, own, rate)
        )
    span = otio.opentime.TimeRange(
        _time(begin, media.rate or rate if media is not None else rate, rate),
        rational_time(event.length, float(rate.fps)),
    )
    clip = otio.schema.Clip(event.name, reference, span)
    clip.enabled = event.enabled
    ours = {"audio_stream": event.stream} if event.stream else {}
    if event.tag is not None:
        ours |= event.tag.to_mapping()
    if ours:
        clip.metadata[OURS] = ours
    if event.speed == 0:
        clip.effects.append(otio.schema.FreezeFrame())
    elif event.speed != 1:
        clip.effects.append(otio.schema.LinearTimeWarp(time_scalar=float(event.speed)))
    set_levels(clip, Levels(event.gain_db, event.fade_in, event.fade_out))
    return clip


def _time(seconds: Fraction, own: FrameRate, rate: FrameRate) -> Any:
    """`seconds` in whole frames of one of the rates where it falls on one, else in fractions."""
    for candidate in (own, rate):
        frames = seconds * candidate.fps
        if frames.denominator == 1:
            return rational_time(int(frames), float(candidate.fps))
    return otio.opentime.RationalTime(float(seconds * SAMPLE_RATE), float(SAMPLE_RATE))
