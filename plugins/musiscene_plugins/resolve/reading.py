"""From an open Resolve timeline to the nouns: tracks with roles, clips with source mappings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from musiscene_core.errors import TimecodeError
from musiscene_core.ranges import FrameRange, SourceMapping
from musiscene_core.timecode import FrameRate
from musiscene_core.timeline import Marker, MediaReference, Role, TimelineClip
from musiscene_plugins.host import TrackDescription, TrackKind
from musiscene_plugins.resolve.api import ResolveApi
from musiscene_plugins.resolve.frames import RecordFrame, TimelineClock
from musiscene_plugins.resolve.values import ApiItem, ApiTimeline, ApiTrack
from musiscene_plugins.roles import overridden, role_of_track, unmatched

SELECTED = "selected"
"""The name under which --role means the clips that are selected: selected=temp_track."""
OURS = "musiscene:"
"""How the hidden data of our markers begins."""
_KINDS: tuple[TrackKind, ...] = ("video", "audio")


@dataclass(frozen=True)
class ResolveReading:
    """All that a timeline holds, before a range is chosen.

    Attributes:
        clock: its rate and frames.
        tracks: picture from the bottom up, then sound.
        clips: what is seen and heard, picture first.
        markers: the user's, in order of time.
        marks: record In and Out as the user set them; None where not.
        warnings: what could not be made sense of.
    """

    clock: TimelineClock
    tracks: tuple[TrackDescription, ...]
    clips: tuple[TimelineClip, ...]
    markers: tuple[Marker, ...]
    marks: FrameRange | None
    warnings: tuple[str, ...]


def read_timeline(
    api: ResolveApi, timeline: ApiTimeline, roles: Mapping[str, Role]
) -> ResolveReading:
    """Read `timeline`.

    Args:
        api: the connection.
        timeline: which one.
        roles: the user's roles by track name, label or SELECTED, in lower case.

    Raises:
        HostError: Resolve does not say.
    """
    clock = api.clock(timeline)
    chosen = api.selected_ids(timeline) if SELECTED in roles else frozenset()
    warnings: list[str] = []
    tracks: list[TrackDescription] = []
    clips: list[TimelineClip] = []
    end = clock.end
    for kind in _KINDS:
        for track in api.tracks(timeline, kind):
            label = f"{kind[0].upper()}{track.index}"
            default = role_of_track(track.name, kind)
            role = overridden(roles, name=track.name, label=label, default=default)
            seen = _shown(api, timeline, track, clock)
            tracks.append(
                TrackDescription(
                    name=track.name, label=label, kind=kind, role=role, clips=len(seen)
                )
            )
            for item, mapping in seen:
                end = RecordFrame(max(end, mapping.record.end))
                own = roles[SELECTED] if item.id in chosen else role
                clips.append(_clip(item, mapping, track, label, own, warnings))
    clock = TimelineClock(clock.rate, clock.start, end)
    warnings += unmatched((name for name in roles if name != SELECTED), tracks)
    return ResolveReading(
        clock=clock,
        tracks=tuple(tracks),
        clips=tuple(clips),
        markers=_users_markers(api, timeline, clock),
        marks=_marks(api, timeline, clock),
        warnings=tuple(dict.fromkeys(warnings)),
    )


def _shown(
    api: ResolveApi, timeline: ApiTimeline, track: ApiTrack, clock: TimelineClock
) -> list[tuple[ApiItem, SourceMapping]]:
    """Clips with media that are switched on, in order of time."""
    if not track.enabled:
        return []
    found = [
        (item, _mapping(item, clock.rate))
        for item in api.items(timeline, track.kind, track.index)
        if item.enabled and item.media is not None and item.duration > 0
    ]
    return sorted(found, key=lambda entry: entry[0].start)


def _clip(
    item: ApiItem,
    mapping: SourceMapping,
    track: ApiTrack,
    label: str,
    role: Role,
    warnings: list[str],
) -> TimelineClip:
    path = item.media.path if item.media is not None else ""
    if not path:
        warnings.append(
            f"{item.name!r} on {label} is no media file (a compound or nested clip perhaps), so "
            "it can be neither watched nor listened to there."
        )
    return TimelineClip(
        name=item.name,
        media=MediaReference(path=path, name=item.name),
        mapping=mapping,
        track=track.name or label,
        track_index=track.index - 1,
        role=role,
    )


def _mapping(item: ApiItem, rate: FrameRate) -> SourceMapping:
    """Source frames as Resolve tells them; the speed from how many pass under the clip."""
    source_rate = _media_rate(item, rate)
    start = item.source_start if item.source_start is not None else item.left_offset
    speed = Fraction(1)
    if item.source_start is not None and item.source_end is not None:
        passed = Fraction(item.source_end - item.source_start + 1) / source_rate.fps
        lasts = rate.seconds(item.duration)
        # Whether the last frame counts differs by version; less than two frames is no retime.
        if abs(passed - lasts) * source_rate.fps >= 2:
            speed = (passed / lasts).limit_denominator(1000)
    return SourceMapping(
        record=FrameRange.from_length(item.start, item.duration),
        record_rate=rate,
        source_start=max(0, start),
        source_rate=source_rate,
        speed_numerator=speed.numerator,
        speed_denominator=speed.denominator,
    )


def _media_rate(item: ApiItem, default: FrameRate) -> FrameRate:
    try:
        return FrameRate.parse(item.media.fps) if item.media is not None else default
    except TimecodeError:
        return default


def _users_markers(
    api: ResolveApi, timeline: ApiTimeline, clock: TimelineClock
) -> tuple[Marker, ...]:
    return tuple(
        Marker(
            record=FrameRange.from_length(clock.record_frame(marker.frame), marker.duration),
            name=marker.name,
            color=marker.color,
            comment=marker.note,
        )
        for marker in api.markers(timeline)
        if not marker.custom.startswith(OURS)
    )


def _marks(api: ResolveApi, timeline: ApiTimeline, clock: TimelineClock) -> FrameRange | None:
    """The picture's In and Out, else the sound's; the frame under Out still belongs to it."""
    marks = api.marks(timeline) or {}
    ends = marks.get("video") or marks.get("audio") or {}
    if not ends:
        return None
    start = clock.start + ends["in"] if "in" in ends else clock.start
    end = clock.start + ends["out"] + 1 if "out" in ends else clock.end
    return FrameRange(start, end) if start < end else None
