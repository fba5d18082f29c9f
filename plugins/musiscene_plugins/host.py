"""EditorHost: what every editor, and every timeline file, can do for us.

    describe -> read_range -> (the daemon spots and scores) -> place_takes -> remove_placement

A host hands out record frames and media paths and lays finished takes on the timeline. It knows
nothing of spotting or composing, and never changes what was on the timeline before. What it
answers with is in musiscene_core.editor.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from musiscene_core.editor import (
    Edition,
    EditorInfo,
    PlacedItem,
    PlacedMarker,
    PlacedTrack,
    PlaceLayout,
    Placement,
    PlacePolicy,
    RangeChoice,
    TakeInFolder,
    TimelineDescription,
    TrackDescription,
    TrackKind,
)
from musiscene_core.timeline import Marker, MediaReference, TimelineRange

__all__ = [
    "Edition",
    "EditorHost",
    "EditorInfo",
    "PlaceLayout",
    "PlacePolicy",
    "PlacedItem",
    "PlacedMarker",
    "PlacedTrack",
    "Placement",
    "RangeChoice",
    "TakeInFolder",
    "TimelineDescription",
    "TrackDescription",
    "TrackKind",
]


class EditorHost(Protocol):
    """An open timeline."""

    def editor(self) -> EditorInfo:
        """Which editor it is open in."""

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
        self,
        takes: Sequence[TakeInFolder],
        *,
        layout: PlaceLayout = "stems",
        policy: PlacePolicy = "new",
    ) -> Placement:
        """Lay `takes` at their record frames on new tracks, those of several cues together.

        The first take of a range is heard, others of the same range are muted (lanes.py). The
        hits of what is heard get a marker each. What was placed is kept as JSON in the first
        take's folder (see placements.py), so that it can be taken away another day.

        Raises:
            RequestError: a take is not for this timeline.
            MediaOfflineError: a take's file is missing.
            OutputError: the result cannot be written.
            HostError: the editor refused; all that was placed until then is taken away again.
        """

    def remove_placement(self, placement: Placement) -> None:
        """Take away exactly what `placement` says, and nothing that anyone else put there.

        Raises:
            TimelineError: it is gone, or someone has worked on it since.
            HostError: the editor refused.
        """


class LiveHost(EditorHost, Protocol):
    """A timeline that is open in a running editor: music placed earlier lies on it."""

    def clear_broken(self) -> tuple[str, ...]:
        """Take away what placements left that broke off, a sentence each.

        One that another program is at work on is let be.

        Raises:
            HostError: the editor refused.
        """

    def lying(self) -> frozenset[Path]:
        """Folders of the takes of which any sound lies on the timeline, heard or not."""

    def place_instead(
        self,
        takes: Sequence[TakeInFolder],
        earlier: Sequence[Path],
        *,
        layout: PlaceLayout = "stems",
        pieces: bool = False,
    ) -> Placement:
        """Place `takes`; once they lie there, what lies there of the takes in `earlier` goes.

        What was moved as a whole since goes too: the film may have taken it along. What someone
        cut, trimmed or moved apart stays, and is told in `Placement.left`, unless `pieces`.

        Raises:
            As place_takes.
        """
