"""TimelineRange: what an editor host hands over, before anything was watched or heard.

Every frame in it is a record frame of the editor's timeline (absolute, as its timecode counts).
"""

from __future__ import annotations

from typing import Literal

import msgspec

from musiscene_core.errors import RangeError
from musiscene_core.ranges import FrameRange, SourceMapping
from musiscene_core.timecode import FrameRate

Role = Literal["picture", "dialogue", "temp_track", "effects", "mixed", "score"]
"""What a clip is for. `mixed` is a movie's own sound: dialogue and music in one, listened to for
both. `score` is music we or a composer placed: never listened to when spotting."""


class MediaReference(msgspec.Struct, frozen=True, kw_only=True):
    """A media file.

    Attributes:
        path: absolute path; empty where the editor knows only a name.
        name: what the editor calls it.
        audio_stream: which of the file's audio streams, counted from 0.
    """

    path: str
    name: str = ""
    audio_stream: int = 0


class TimelineClip(msgspec.Struct, frozen=True, kw_only=True):
    """One clip under the range.

    Attributes:
        name: the clip's name on the timeline.
        media: the file it shows or plays.
        mapping: its record frames, and which source time they show.
        track: the track's name.
        track_index: the track's place among those of its kind, 0 at the bottom; a picture clip on
            a higher track hides those below.
        role: what it is for.
    """

    name: str
    media: MediaReference
    mapping: SourceMapping
    track: str = ""
    track_index: int = 0
    role: Role = "picture"


class Marker(msgspec.Struct, frozen=True, kw_only=True):
    """A marker in the range.

    Attributes:
        record: its frames; a plain marker is one frame long.
        name: its text.
        color: as the editor names it, empty where unknown.
        comment: its note.
    """

    record: FrameRange
    name: str = ""
    color: str = ""
    comment: str = ""


class Subtitle(msgspec.Struct, frozen=True, kw_only=True):
    """A line of subtitles or captions: what is said, as somebody wrote it down.

    Attributes:
        record: its frames.
        text: its words, without markup; lines are parted by a newline.
        speaker: who says it, where the file tells.
    """

    record: FrameRange
    text: str
    speaker: str = ""


class TimelineRange(msgspec.Struct, frozen=True, kw_only=True):
    """The range to score, with all that lies under it.

    Attributes:
        cue: what the cue is called; names its folder.
        rate: the timeline's frame rate.
        record: record In and Out, half-open.
        clips: the clips that touch the range, in track then time order.
        markers: the markers in the range.
        subtitles: the subtitle lines in the range, in order of time; they may overlap.
        schema_version: of this struct.
    """

    cue: str
    rate: FrameRate
    record: FrameRange
    clips: tuple[TimelineClip, ...] = ()
    markers: tuple[Marker, ...] = ()
    subtitles: tuple[Subtitle, ...] = ()
    schema_version: int = 1

    def __post_init__(self) -> None:
        if self.record.length == 0:
            raise RangeError(
                "The range is empty: In and Out are the same frame.", hint="Set Out after In."
            )

    def by_role(self, *roles: Role) -> tuple[TimelineClip, ...]:
        """The clips with one of these roles."""
        return tuple(clip for clip in self.clips if clip.role in roles)

    @property
    def length_samples(self) -> int:
        """Samples at 48 kHz of a cue over this range."""
        return self.record.samples(self.rate)

    @property
    def length_seconds(self) -> float:
        """Seconds of a cue over this range."""
        return float(self.record.seconds(self.rate))
