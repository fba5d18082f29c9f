"""EditorModel: the open timeline's editor: opening, reading ranges, placing takes, undoing that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, TypeVar

from musiscene_core.codec import read_json
from musiscene_core.editor import Placement, PlacePolicy, RangeChoice
from musiscene_core.errors import (
    HostError,
    HostLostError,
    MusiSceneError,
    OutputError,
    RangeError,
)
from musiscene_core.protocol.hosting import (
    HostRequest,
    LocateMedia,
    MediaLocated,
    Opened,
    OpenFile,
    OpenResolve,
    Placed,
    PlaceTakes,
    RangeRead,
    ReadRange,
    Removed,
    RemovePlacement,
)
from musiscene_core.ranges import FrameRange
from musiscene_core.take import Take
from musiscene_core.timeline import MediaReference, TimelineClip, TimelineRange
from musiscene_gui.viewmodels.asking import Asker, ignored
from musiscene_gui.viewmodels.observable import Signal
from musiscene_gui.viewmodels.timeline import TimelineModel

EditorState = Literal["none", "opening", "open", "failed"]
R = TypeVar("R")
OnError = Callable[[MusiSceneError], object]


@dataclass(frozen=True)
class PlacedMusic:
    """A placement, the folders of its takes, their record frames, and what to call it."""

    placement: Placement
    folders: tuple[str, ...]
    record: FrameRange
    label: str


class EditorSide(Protocol):
    """A process that holds the timeline."""

    def ask(self, request: HostRequest, kind: type[R]) -> R:
        """The answer to `request`, which must be a `kind`; raises our errors."""


class EditorModel:
    """Which timeline is open, where, and what was placed on it.

    Attributes:
        changed: emits nothing, whenever anything of this changes.
        state: see EditorState.
        opened: what the editor said of itself and its timeline; None while none is open.
        error: why it could not be opened or read; None while all is well.
        path: of the open file; None in an editor.
        placements: what was placed from this panel, in order.
    """

    def __init__(self, side: Asker[EditorSide], timeline: TimelineModel) -> None:
        self.changed = Signal()
        self.state: EditorState = "none"
        self.opened: Opened | None = None
        self.error: MusiSceneError | None = None
        self.path: Path | None = None
        self.placements: list[PlacedMusic] = []
        self._side, self._timeline = side, timeline
        self._asked: OpenFile | OpenResolve | None = None
        self._shown: OpenFile | OpenResolve | None = None

    @property
    def live(self) -> bool:
        """Whether it is a running editor and no file."""
        return isinstance(self._asked, OpenResolve)

    def open_file(self, path: Path) -> None:
        """Open a movie or timeline file."""
        self._open(OpenFile(path=str(path.expanduser().absolute())))

    def open_resolve(self, *, bridge: bool = False) -> None:
        """Connect to the timeline open in DaVinci Resolve."""
        self._open(OpenResolve(bridge=bridge))

    def reload(self) -> None:
        """Read the timeline again: it may have been edited."""
        if self._asked is not None:
            self._open(self._asked)

    def read_range(
        self, record: FrameRange, done: Callable[[TimelineRange], object], failed: OnError
    ) -> None:
        """What lies under a range now."""
        choice = RangeChoice(record_in=str(record.start), record_out=str(record.end))

        def refused(error: MusiSceneError) -> None:
            self._lost(error)
            failed(error)

        self._side.ask(lambda side: side.ask(ReadRange(choice), RangeRead).timeline, done, refused)

    def locate(self, reference: MediaReference, done: Callable[[Path], object]) -> None:
        """The file of a reference; nothing is heard where it is offline."""
        self._side.ask(lambda side: Path(side.ask(LocateMedia(reference), MediaLocated).path), done)

    def place(
        self,
        folders: Sequence[Path],
        policy: PlacePolicy,
        done: Callable[[Placement], object],
        failed: OnError,
    ) -> None:
        """Lay the takes in these folders on tracks of their own; a file's copy gets them."""
        if self._asked is None:
            failed(HostError("No timeline is open.", hint="Open a film or timeline first."))
            return
        names = tuple(str(folder) for folder in folders)

        def work(side: EditorSide) -> PlacedMusic:
            take = read_json(folders[0] / "take.json", Take)
            answer = side.ask(PlaceTakes(folders=names, policy=policy), Placed)
            return PlacedMusic(answer.placement, names, take.record, take.name)

        def placed(music: PlacedMusic) -> None:
            if music.placement.tracks:
                self.placements.append(music)
            self._show_placed()
            done(music.placement)

        def refused(error: MusiSceneError) -> None:
            self._lost(error)
            failed(_without_options(error))

        self._side.ask(work, placed, refused)

    def undo(
        self,
        placement: Placement,
        done: Callable[[object], object] = ignored,
        failed: OnError = ignored,
    ) -> None:
        """Take away what was placed, and nothing else."""
        mine = (music.folders for music in self.placements if music.placement == placement)
        folders = next(mine, ())

        def removed(answer: Removed) -> None:
            self.placements = [one for one in self.placements if one.placement != placement]
            self._show_placed()
            done(answer)

        self._side.ask(
            lambda side: side.ask(RemovePlacement(placement, folders), Removed), removed, failed
        )

    def _open(self, request: OpenFile | OpenResolve) -> None:
        self._asked = request
        self.state, self.error = "opening", None
        self.changed.emit()
        self._side.ask(lambda side: _read_all(side, request), self._have, self._fail)

    def _have(self, read: tuple[Opened, tuple[TimelineClip, ...], FrameRange | None]) -> None:
        opened, clips, chosen = read
        # Two films of one name in two folders are two films.
        again = self._asked == self._shown
        if self.opened is not None:
            again = again and self.opened.description.name == opened.description.name
        self._shown = self._asked
        self.opened, self.state = opened, "open"
        asked = self._asked
        self.path = Path(asked.path) if isinstance(asked, OpenFile) else None
        if not again:
            self.placements = []
        about = opened.description
        self._timeline.open(
            about.name, about.rate, about.record, clips, opened.markers, chosen, same=again
        )
        self._show_placed()
        self.changed.emit()

    def _fail(self, error: MusiSceneError) -> None:
        self.state, self.error = "failed", error
        self.changed.emit()

    def _lost(self, error: MusiSceneError) -> None:
        if isinstance(error, HostLostError):
            self._fail(error)

    def _show_placed(self) -> None:
        self._timeline.set_placed([(music.record, music.label) for music in self.placements])
        self.changed.emit()


def _without_options(error: MusiSceneError) -> MusiSceneError:
    """What a copy could not be written for, with what to do about it where nothing is typed."""
    if "--output" not in error.hint:
        return error
    return OutputError(
        error.message,
        hint="Copy the film or timeline to a folder you may write to and open it there: the take "
        "is kept.",
    )


def _read_all(
    side: EditorSide, request: OpenFile | OpenResolve
) -> tuple[Opened, tuple[TimelineClip, ...], FrameRange | None]:
    """The timeline, all its clips, and the range that its markers or marks say."""
    opened = side.ask(request, Opened)
    whole = opened.description.record
    everything = RangeChoice(record_in=str(whole.start), record_out=str(whole.end))
    try:
        clips = side.ask(ReadRange(everything), RangeRead).timeline.clips
    except RangeError:
        clips = ()
    try:
        chosen = side.ask(ReadRange(RangeChoice()), RangeRead).timeline.record
    except RangeError:
        chosen = None
    return opened, clips, chosen
