"""EditorPlacer: takes laid on the timeline of an editor that knows only folders and placements."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from musiscene_core.editor import Placement, PlacePolicy
from musiscene_core.errors import InputError, MusiSceneError
from musiscene_core.take import Take
from musiscene_gui.viewmodels.takes import Placed

OnError = Callable[[MusiSceneError], object]


class Editing(Protocol):
    """An open timeline."""

    def place(
        self,
        folders: Sequence[Path],
        policy: PlacePolicy,
        done: Callable[[Placement], object],
        failed: OnError,
    ) -> None:
        """Lay the takes in these folders on tracks of their own."""

    def undo(self, placement: Placement, done: Callable[[object], object], failed: OnError) -> None:
        """Take away what was placed, and nothing else."""


class EditorPlacer:
    """A Placer over an open timeline."""

    def __init__(self, editor: Editing) -> None:
        self._editor = editor

    def place(
        self,
        take: Take,
        folder: Path,
        policy: PlacePolicy,
        done: Callable[[Placed], object],
        failed: OnError,
    ) -> None:
        """Lay the take on tracks of its own; one that the policy passes over is an error."""

        def have(placement: Placement) -> None:
            if take.name in placement.skipped and not placement.tracks:
                failed(
                    InputError(
                        "The take was not placed: music of ours lies there already.",
                        hint="Place it on new tracks, or replace the earlier music.",
                    )
                )
                return
            done(Placed(where_of(placement), placement))

        self._editor.place((folder,), policy, have, failed)

    def unplace(self, placed: Placed, done: Callable[[object], object], failed: OnError) -> None:
        """Take it away again."""
        assert isinstance(placed.undo, Placement)
        self._editor.undo(placed.undo, done, failed)


def where_of(placement: Placement) -> str:
    """Where music was placed, in a few words: the copy of a file, or an editor's tracks."""
    if placement.host == "file":
        return Path(placement.timeline).name
    places = [track.index for track in placement.added]
    if not places:
        return placement.timeline
    first, last = min(places), max(places)
    return f"A{first}" if first == last else f"A{first}–A{last}"
