"""HistoryModel: all takes ever made, found by words, together where only the seed differs.

Reads the take library itself, so it works while the daemon is off; only deleting needs the daemon,
which knows what is being worked on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from musiscene_core.errors import MusiSceneError
from musiscene_core.library import MAX_PAGE, Catalogue, TakePage, TakeQuery, TakeRecord
from musiscene_core.protocol import Client
from musiscene_gui.viewmodels.asking import Asker
from musiscene_gui.viewmodels.observable import Signal


@dataclass(frozen=True)
class TakeGroup:
    """Takes that differ in their seed alone, the youngest first."""

    takes: tuple[TakeRecord, ...]

    @property
    def cue(self) -> str:
        """The cue they are for."""
        return self.takes[0].cue

    @property
    def created(self) -> float:
        """When the youngest was made, Unix time."""
        return self.takes[0].created

    @property
    def prompt(self) -> str:
        """What steered them."""
        return self.takes[0].prompt

    @property
    def size_bytes(self) -> int:
        """What they take on the disk."""
        return sum(take.size_bytes for take in self.takes)

    @property
    def favourites(self) -> tuple[TakeRecord, ...]:
        """Those to be kept."""
        return tuple(take for take in self.takes if take.favourite)

    @property
    def folders(self) -> tuple[Path, ...]:
        """Where they lie, in the order of their names."""
        ordered = sorted(self.takes, key=lambda take: (take.seed, take.name))
        return tuple(Path(take.folder) for take in ordered)


class HistoryModel:
    """The take library as the panel shows it.

    Attributes:
        changed: emits nothing, when other takes are found.
        failed: emits an error that the user should see.
        purged: emits how many takes were deleted, and the bytes set free.
        opened: emits the folders that the user wants laid out.
        groups: what was found, the youngest first.
        total: how many takes answer the search.
        total_bytes: what the whole library takes on the disk.
    """

    def __init__(self, files: Asker[Catalogue], daemon: Asker[Client]) -> None:
        self.changed, self.failed = Signal(), Signal()
        self.purged, self.opened = Signal(), Signal()
        self.groups: tuple[TakeGroup, ...] = ()
        self.total = 0
        self.total_bytes = 0
        self._files, self._daemon = files, daemon
        self._words, self._favourite = "", False
        self._limit = 100
        self._asked = 0

    @property
    def words(self) -> str:
        """What is searched for."""
        return self._words

    @property
    def only_favourites(self) -> bool:
        """Whether only favourites are shown."""
        return self._favourite

    @property
    def more(self) -> bool:
        """Whether the search has more takes than are shown."""
        return self.total > sum(len(group.takes) for group in self.groups)

    def search(self, words: str) -> None:
        """Show the takes that have all of `words` at the beginning of one of theirs."""
        if words != self._words:
            self._words, self._limit = words, 100
            self.refresh()

    def set_only_favourites(self, favourite: bool) -> None:
        """Show favourites alone, or all."""
        self._favourite = favourite
        self.refresh()

    def show_more(self) -> None:
        """Show older ones too."""
        self._limit = min(MAX_PAGE, self._limit * 2)
        self.refresh()

    def refresh(self) -> None:
        """Look again."""
        self._asked += 1
        number = self._asked
        query = TakeQuery(words=self._words, favourite=self._favourite, limit=self._limit)

        def have(page: TakePage) -> None:
            # An answer to an older question is of no use any more.
            if number == self._asked:
                self.groups = grouped(page.takes)
                self.total, self.total_bytes = page.total, page.total_bytes
                self.changed.emit()

        self._files.ask(lambda catalogue: catalogue.find(query), have, self.failed.emit)

    def open(self, group: TakeGroup) -> None:
        """Lay a group's takes out to be listened to."""
        self.opened.emit(group.folders)

    def set_favourite(self, take_id: str, favourite: bool) -> None:
        """Keep a take, or no longer."""
        self._files.ask(
            lambda catalogue: catalogue.marks.set_favourite(take_id, favourite),
            lambda _: self.refresh(),
            self.failed.emit,
        )

    def delete(self, takes: Sequence[TakeRecord]) -> None:
        """Delete takes that are no favourites."""
        ids = [take.id for take in takes if not take.favourite]

        def unmarked(catalogue: Catalogue) -> list[str]:
            # The list is older than a mark that was made just now, here or elsewhere.
            return [take_id for take_id in ids if not catalogue.marks.is_favourite(take_id)]

        def delete(doomed: list[str]) -> None:
            self._with_daemon(
                lambda client: (len(doomed), sum(client.delete_take(each) for each in doomed))
            )

        self._files.ask(unmarked, delete, self.failed.emit)

    def purge(self) -> None:
        """Delete all takes but the favourites."""
        # After the marks that wait to be written down.
        self._files.ask(
            lambda _: None,
            lambda _: self._with_daemon(lambda client: client.purge_takes()),
            self.failed.emit,
        )

    def _with_daemon(self, work: Callable[[Client], tuple[int, int]]) -> None:
        def done(gone: tuple[int, int]) -> None:
            self.purged.emit(*gone)
            self.refresh()

        def failed(error: MusiSceneError) -> None:
            self.failed.emit(error)
            self.refresh()

        self._daemon.ask(work, done, failed)


def grouped(takes: Sequence[TakeRecord]) -> tuple[TakeGroup, ...]:
    """Takes by what they were made from, the group with the youngest first."""
    groups: dict[str, list[TakeRecord]] = {}
    for take in takes:
        groups.setdefault(take.group, []).append(take)
    return tuple(TakeGroup(tuple(group)) for group in groups.values())
