"""TakesModel: the takes laid out to be listened to, the selected one, and what is done with it.

Selecting auditions; nothing is placed unless asked for. Each take keeps its letter as long as it
is laid out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from dataclasses import replace as changed_to
from pathlib import Path
from typing import Any, Protocol

import msgspec

from musiscene_core.editor import PlacePolicy
from musiscene_core.errors import InputError, MusiSceneError
from musiscene_core.library import Catalogue, TakeRecord
from musiscene_gui.viewmodels.asking import Asker
from musiscene_gui.viewmodels.observable import Signal
from musiscene_gui.viewmodels.take_files import TakeFiles, lead_sheet_of, read_files

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True)
class Placed:
    """A take that was placed.

    Attributes:
        where: the tracks, in the editor's words.
        undo: what the editor needs to take it away again.
    """

    where: str
    undo: object = None


class Placer(Protocol):
    """Whoever lays takes on the editor's timeline, in a thread or process of its own."""

    def place(
        self,
        files: TakeFiles,
        policy: PlacePolicy,
        done: Callable[[Placed], object],
        failed: Callable[[MusiSceneError], object],
    ) -> None:
        """Lay the take on tracks of its own."""

    def unplace(
        self,
        placed: Placed,
        done: Callable[[object], object],
        failed: Callable[[MusiSceneError], object],
    ) -> None:
        """Take it away again, and nothing else."""


@dataclass(frozen=True)
class Card:
    """A take laid out.

    Attributes:
        letter: names it: "A".
        files: what lies on the disk.
        placements: where it was placed, the last one last; none where it was not.
        placing: whether the editor is at it.
    """

    letter: str
    files: TakeFiles
    placements: tuple[Placed, ...] = ()
    placing: bool = False

    @property
    def placed(self) -> Placed | None:
        """Where it was placed last; None where it is not."""
        return self.placements[-1] if self.placements else None

    @property
    def title(self) -> str:
        """What the user calls it, else its own name."""
        return self.files.record.label or self.files.take.name

    @property
    def favourite(self) -> bool:
        """Whether the user wants it kept."""
        return self.files.record.favourite


class TakesModel:
    """The takes column.

    Attributes:
        changed: emits nothing, when other takes are laid out.
        card_changed: emits the letter of a take of which something changed.
        selection_changed: emits nothing, when another take is selected.
        failed: emits an error that the user should see.
        marked: emits nothing, when a name or star was written down.
        placing_begun: emits nothing, when a take is about to be placed.
        captions_wanted: emits a TakeFiles whose captions shall go into the scene again.
        cards: the takes, in order.
    """

    def __init__(
        self,
        files: Asker[Catalogue],
        placer: Placer | None = None,
        *,
        drawing: Asker[Catalogue] | None = None,
    ) -> None:
        """Lay out none yet.

        Args:
            files: reads takes and notes marks, in a thread of its own.
            placer: lays takes on the editor's timeline.
            drawing: draws lead sheets, which takes longer; `files` where None.
        """
        self.changed, self.card_changed = Signal(), Signal()
        self.selection_changed, self.failed = Signal(), Signal()
        self.captions_wanted, self.marked = Signal(), Signal()
        self.placing_begun = Signal()
        self.cards: tuple[Card, ...] = ()
        self.placer = placer
        self._files = files
        self._drawing = drawing or files
        self._selected = ""
        self._placed_order: list[str] = []

    @property
    def selected(self) -> Card | None:
        """The take that is auditioned; None where none is."""
        return self.card(self._selected)

    def card(self, letter: str) -> Card | None:
        """The take with that letter."""
        return next((card for card in self.cards if card.letter == letter), None)

    def show(self, folders: Sequence[Path]) -> None:
        """Lay out the takes in these folders and no others; the best ranked is selected."""
        self._open(folders, ())

    def add(self, folders: Sequence[Path]) -> None:
        """Lay out the takes in these folders too, unless they are there already."""
        there = {card.files.folder for card in self.cards}
        new = [folder for folder in folders if folder.absolute() not in there]
        if new:
            self._open(new, self.cards)

    def close_card(self, letter: str) -> None:
        """Lay one out no longer; its files stay."""
        self._lay_out(tuple(card for card in self.cards if card.letter != letter))

    def close_missing(self) -> None:
        """Lay out no longer what has been deleted."""
        there = tuple(card for card in self.cards if card.files.folder.is_dir())
        if there != self.cards:
            self._lay_out(there)

    def clear(self) -> None:
        """Lay out none."""
        self._lay_out(())

    def select(self, letter: str) -> None:
        """Audition a take; an unknown letter none."""
        letter = letter if self.card(letter) else ""
        if letter != self._selected:
            self._selected = letter
            self.selection_changed.emit()

    def select_next(self, step: int = 1) -> None:
        """Audition the take after (or before) the selected one, round and round."""
        if self.cards:
            letters = [card.letter for card in self.cards]
            at = letters.index(self._selected) if self._selected in letters else -step
            self.select(letters[(at + step) % len(letters)])

    def set_favourite(self, letter: str, favourite: bool) -> None:
        """Keep a take, or no longer."""
        self._mark(
            letter,
            lambda catalogue, take_id: catalogue.marks.set_favourite(take_id, favourite),
            favourite=favourite,
        )

    def rename(self, letter: str, label: str) -> None:
        """Call a take `label`; an empty one gives it back its own name."""
        words = " ".join(label.split())
        self._mark(
            letter,
            lambda catalogue, take_id: catalogue.marks.set_label(take_id, words),
            label=words,
        )

    def reuse_captions(self, letter: str) -> None:
        """Have a take's captions go into the scene again."""
        card = self.card(letter)
        if card is None:
            return
        if card.files.brief is None:
            self.failed.emit(
                InputError(
                    "This take does not say which captions it was made from.",
                    hint="Its request.json is missing or damaged.",
                )
            )
            return
        self.captions_wanted.emit(card.files)

    def lead_sheet(self, letter: str, done: Callable[[tuple[bytes, ...]], object]) -> None:
        """Have `done` get the pages of a take's lead sheet, PNG; drawn where none lies there."""
        card = self.card(letter)
        if card is not None:
            files = card.files
            self._drawing.ask(lambda _: lead_sheet_of(files), done, self.failed.emit)

    def place(self, letter: str, policy: PlacePolicy = "new") -> None:
        """Lay a take on the editor's timeline; it becomes a favourite."""
        card = self.card(letter)
        if card is None or card.placing:
            return
        if self.placer is None:
            self.failed.emit(
                InputError(
                    "No timeline is open to place this take on.",
                    hint="Open one in the editor or as a file, then place again.",
                )
            )
            return
        self.placing_begun.emit()
        self._put(changed_to(card, placing=True))
        self.placer.place(
            card.files,
            policy,
            lambda placed: self._have_placed(letter, placed, policy),
            lambda error: self._not_placed(letter, error),
        )

    @property
    def undoable(self) -> Card | None:
        """The take that was placed last and is still there."""
        cards = (self.card(letter) for letter in reversed(self._placed_order))
        return next((card for card in cards if card is not None and card.placements), None)

    def undo_place(self, letter: str = "") -> None:
        """Take a placed take away again; the last one where none is named."""
        card = self.card(letter) if letter else self.undoable
        if card is None or card.placed is None or card.placing or self.placer is None:
            return
        self._put(changed_to(card, placing=True))
        self.placer.unplace(
            card.placed,
            lambda _: self._have_taken_away(card.letter),
            lambda error: self._not_placed(card.letter, error),
        )

    def _have_placed(self, letter: str, placed: Placed, policy: PlacePolicy) -> None:
        self._placed_order.append(letter)
        card = self.card(letter)
        before = card.placements if card is not None and policy != "replace" else ()
        self._change(letter, placements=(*before, placed), placing=False)
        self.set_favourite(letter, True)

    def _have_taken_away(self, letter: str) -> None:
        # The last one of them: what was placed earlier can still be taken away after it.
        for at in reversed(range(len(self._placed_order))):
            if self._placed_order[at] == letter:
                del self._placed_order[at]
                break
        card = self.card(letter)
        if card is not None:
            self._change(letter, placements=card.placements[:-1], placing=False)

    def _not_placed(self, letter: str, error: MusiSceneError) -> None:
        self._change(letter, placing=False)
        self.failed.emit(error)

    def _mark(self, letter: str, note: Callable[[Catalogue, str], object], **changes: Any) -> None:
        """Show the change at once, and take it back where it cannot be noted."""
        card = self.card(letter)
        if card is None:
            return
        before = card.files.record
        self._record(letter, msgspec.structs.replace(before, **changes))

        def failed(error: MusiSceneError) -> None:
            self._record(letter, before)
            self.failed.emit(error)

        self._files.ask(
            lambda catalogue: note(catalogue, before.id), lambda _: self.marked.emit(), failed
        )

    def _record(self, letter: str, record: TakeRecord) -> None:
        card = self.card(letter)
        if card is not None:
            self._change(letter, files=changed_to(card.files, record=record))

    def _open(self, folders: Sequence[Path], before: tuple[Card, ...]) -> None:
        wanted = tuple(folders)

        def read(catalogue: Catalogue) -> tuple[list[TakeFiles], list[MusiSceneError]]:
            opened: list[TakeFiles] = []
            refused: list[MusiSceneError] = []
            for folder in wanted:
                try:
                    opened.append(read_files(folder, catalogue))
                except MusiSceneError as error:
                    refused.append(error)
            return opened, refused

        def have(result: tuple[list[TakeFiles], list[MusiSceneError]]) -> None:
            opened, refused = result
            if opened:
                self._lay_out((*before, *_lettered(opened, before)), fresh=opened)
            for error in refused:
                self.failed.emit(error)

        self._files.ask(read, have, self.failed.emit)

    def _lay_out(self, cards: tuple[Card, ...], fresh: Sequence[TakeFiles] = ()) -> None:
        self.cards = cards
        kept = self.card(self._selected)
        if fresh or kept is None:
            fitting = [card for card in cards if card.files in fresh] or list(cards)
            best = min(fitting, key=_standing, default=None)
            self._selected = best.letter if best else ""
        self.changed.emit()
        self.selection_changed.emit()

    def _change(self, letter: str, **changes: Any) -> None:
        card = self.card(letter)
        if card is not None:
            self._put(changed_to(card, **changes))

    def _put(self, card: Card) -> None:
        self.cards = tuple(card if c.letter == card.letter else c for c in self.cards)
        self.card_changed.emit(card.letter)


def _standing(card: Card) -> tuple[int, str]:
    critique = card.files.critique
    return (critique.rank if critique and critique.rank else len(LETTERS), card.letter)


def _lettered(opened: Sequence[TakeFiles], before: Sequence[Card]) -> list[Card]:
    taken = {card.letter for card in before}
    free = [letter for letter in LETTERS if letter not in taken]
    free += [f"{a}{b}" for a in LETTERS for b in LETTERS]
    return [Card(letter, files) for letter, files in zip(free, opened, strict=False)]
