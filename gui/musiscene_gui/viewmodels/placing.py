"""EditorPlacer: takes laid on the timeline of an editor that knows only folders and placements."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Protocol

from musiscene_core.editor import Placement, PlacePolicy
from musiscene_core.errors import InputError, MusiSceneError
from musiscene_core.ranges import FrameRange
from musiscene_core.timeline import TimelineClip
from musiscene_gui.viewmodels.take_files import TakeFiles
from musiscene_gui.viewmodels.takes import Placed
from musiscene_gui.viewmodels.timeline import TimelineModel, material

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

    def __init__(self, editor: Editing, timeline: TimelineModel) -> None:
        self._editor, self._timeline = editor, timeline

    def place(
        self,
        files: TakeFiles,
        policy: PlacePolicy,
        done: Callable[[Placed], object],
        failed: OnError,
    ) -> None:
        """Lay the take on tracks of its own; one that the policy passes over is an error."""
        if self._is_of_another_film(files):
            failed(
                InputError(
                    "The take was made for other footage than lies there; nothing was placed.",
                    hint="Open the timeline that it was made for and place again: the take is"
                    " kept.",
                )
            )
            return

        def have(placement: Placement) -> None:
            if files.take.name in placement.skipped and not placement.tracks:
                failed(
                    InputError(
                        "The take was not placed: music of ours lies there already.",
                        hint="Place it on new tracks, or replace the earlier music.",
                    )
                )
                return
            done(Placed(where_of(placement), placement))

        self._editor.place((files.folder,), policy, have, failed)

    def unplace(self, placed: Placed, done: Callable[[object], object], failed: OnError) -> None:
        """Take it away again."""
        assert isinstance(placed.undo, Placement)
        self._editor.undo(placed.undo, done, failed)

    def _is_of_another_film(self, files: TakeFiles) -> bool:
        """Whether nothing of what a take was made for lies where it would be placed.

        Takes stay laid out when another film is opened, and its frames may be the same.
        """
        if files.brief is None:
            return False
        scene = files.brief.timeline
        made_for = _footage(scene.clips, scene.record)
        there = _footage(self._timeline.clips, scene.record)
        return bool(made_for and there) and made_for.isdisjoint(there)


def _footage(clips: Iterable[TimelineClip], under: FrameRange) -> set[str]:
    """The files under a range; by name alone, since proxies and moved films have other folders."""
    media = [clip.media for clip in material(clips, under)]
    return {Path(one.path or one.name).stem.casefold() for one in media} - {""}


def where_of(placement: Placement) -> str:
    """Where music was placed, in a few words: the copy of a file, or an editor's tracks."""
    if placement.host == "file":
        return Path(placement.timeline).name
    places = [track.index for track in placement.added]
    if not places:
        return placement.timeline
    first, last = min(places), max(places)
    return f"A{first}" if first == last else f"A{first}–A{last}"
