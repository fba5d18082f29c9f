"""EditorHost: what every editor, and every timeline file, can do for us.

    describe -> read_range -> (the daemon spots and scores) -> place_takes -> remove_placement

A host hands out record frames and media paths and lays finished takes on the timeline. It knows
nothing of spotting or composing, and never changes what was on the timeline before.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Protocol

import msgspec

from musiscene_core.ranges import FrameRange
from musiscene_core.take import Take
from musiscene_core.timecode import FrameRate
from musiscene_core.timeline import Marker, MediaReference, Role, TimelineRange

TrackKind = Literal["video", "audio"]
PlaceLayout = Literal["stems", "mix"]
"""One track per stem, or one track with the mix."""


class RangeChoice(msgspec.Struct, frozen=True, kw_only=True):
    """Which part of the timeline to score, as the user said it.

    Attributes:
        record_in: record timecode or record frame number; None is the timeline's beginning.
        record_out: the same for the frame after the last one; None is the timeline's end.
        marker: name of a marker whose length is the range; not together with In and Out.
        cue: what to call the cue; empty lets the host name it.
    """

    record_in: str | None = None
    record_out: str | None = None
    marker: str | None = None
    cue: str = ""


class TrackDescription(msgspec.Struct, frozen=True, kw_only=True):
    """One track of a timeline.

    Attributes:
        name: as the user named it; may be empty.
        label: its place among its kind: "V1", "A2".
        kind: picture or sound.
        role: what its clips are taken for.
        clips: how many clips it shows or plays.
    """

    name: str
    label: str
    kind: TrackKind
    role: Role
    clips: int


class TimelineDescription(msgspec.Struct, frozen=True, kw_only=True):
    """A timeline at a glance.

    Attributes:
        name: the timeline's name.
        rate: its frame rate.
        record: its record frames, from its start timecode to its end.
        tracks: picture from the bottom up, then sound.
        warnings: what could not be made sense of, a sentence each.
    """

    name: str
    rate: FrameRate
    record: FrameRange
    tracks: tuple[TrackDescription, ...]
    warnings: tuple[str, ...] = ()


class TakeInFolder(msgspec.Struct, frozen=True):
    """A take and the folder that its paths are relative to."""

    take: Take
    folder: Path


class Placement(msgspec.Struct, frozen=True, kw_only=True):
    """What was laid on a timeline: enough to find it again and take it away.

    Attributes:
        timeline: the timeline that carries it: a file's path, or a name inside the editor.
        tracks: names of the tracks that were added.
        fingerprint: digest of what was written; tells whether someone has worked on it since.
    """

    timeline: str
    tracks: tuple[str, ...]
    fingerprint: str


class EditorHost(Protocol):
    """An open timeline."""

    def describe(self) -> TimelineDescription:
        """The timeline at a glance."""

    def markers(self) -> tuple[Marker, ...]:
        """The user's markers in order of time; markers that we placed are left out."""

    def read_range(self, choice: RangeChoice) -> TimelineRange:
        """The range that `choice` names, with every clip and marker that touches it.

        Raises:
            TimecodeError: In or Out is not a timecode at this rate.
            RangeError: empty, reversed, past the timeline's ends, nothing under it, or no such
                marker.
        """

    def locate_media(self, reference: MediaReference) -> Path:
        """The file of `reference`: where the timeline says, else beside the timeline.

        Raises:
            MediaOfflineError: it is in neither place.
        """

    def place_takes(
        self, takes: Sequence[TakeInFolder], *, layout: PlaceLayout = "stems"
    ) -> Placement:
        """Lay `takes` at their record frames on new tracks; the first is heard, others muted.

        Raises:
            RequestError: a take is not for this timeline.
            MediaOfflineError: a take's file is missing.
            OutputError: the result cannot be written.
        """

    def remove_placement(self, placement: Placement) -> None:
        """Take away exactly what `placement` says.

        Raises:
            TimelineError: it is gone, or someone has worked on it since.
        """
