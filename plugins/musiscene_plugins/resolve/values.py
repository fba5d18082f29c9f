"""What api.py reads from Resolve, as plain values; `handle` names the object in Resolve itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from musiscene_plugins.host import TrackKind
from musiscene_plugins.resolve.frames import OffsetFrame, RecordFrame


@dataclass(frozen=True)
class ApiTimeline:
    """A timeline: Resolve's own id for it, and its name."""

    handle: Any
    id: str
    name: str


@dataclass(frozen=True)
class ApiTrack:
    """A track; `index` counts from 1 within its kind, `sub_type` is "stereo" and the like."""

    kind: TrackKind
    index: int
    name: str
    enabled: bool
    locked: bool
    sub_type: str


@dataclass(frozen=True)
class ApiItem:
    """A clip on a track.

    Attributes:
        handle: the object.
        id: Resolve's own id.
        name: as the user sees it.
        start: its first record frame.
        duration: in record frames.
        left_offset: frames of media before its first one.
        source_start: first source frame where Resolve says so.
        source_end: last source frame where Resolve says so.
        enabled: whether it is heard or seen.
        media: its media; None for titles, generators and transitions.
    """

    handle: Any
    id: str
    name: str
    start: RecordFrame
    duration: int
    left_offset: int
    source_start: int | None
    source_end: int | None
    enabled: bool
    media: ApiMedia | None


@dataclass(frozen=True)
class ApiMedia:
    """A clip in the media pool.

    Attributes:
        handle: the object.
        name: as the user sees it.
        path: its file; empty for compound clips and the like.
        fps: its own frame rate, as Resolve writes it.
        usage: on how many timelines it lies, as Resolve counts.
    """

    handle: Any
    name: str
    path: str
    fps: str
    usage: str


@dataclass(frozen=True)
class ApiMarker:
    """A timeline marker; `custom` is data that the user never sees."""

    frame: OffsetFrame
    name: str
    note: str
    color: str
    duration: int
    custom: str


@dataclass(frozen=True)
class Appended:
    """A clip to lay on a track: whole, from its first frame; `end_frame` as Resolve counts it."""

    media: ApiMedia
    track: int
    record: RecordFrame
    end_frame: int
