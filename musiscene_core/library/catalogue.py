"""The take library as clients see it: takes found, named and marked, daemon or no daemon.

Opens the index for each question, so that a file another process replaced is never held on to.
Where nothing may be written (a read-only disk, another user's library) it works in memory.
"""

from __future__ import annotations

import logging
import os
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import TypeVar

from msgspec.structs import replace

from musiscene_core.errors import InputError, OutputError
from musiscene_core.library.folders import TAKES
from musiscene_core.library.index import Index
from musiscene_core.library.marks import Marks
from musiscene_core.library.records import TakePage, TakeQuery, TakeRecord

log = logging.getLogger(__name__)

INDEX_NAME = "library.sqlite3"
_REPAIR_LOCK = "library.lock"
_BUSY_S = 2.0
_GLANCE_S = 0.25
"""Readers wait only for the instant in which another connection closes or mends the log; without
any wait they would take that instant for a disk that cannot be used, and see an empty library."""
_SIDE_FILES = ("-wal", "-shm", "")
_ID_PREFIX = re.compile(r"[0-9a-f]{4,16}")

R = TypeVar("R")


class Catalogue:
    """The takes below one data folder."""

    def __init__(self, data_folder: Path) -> None:
        """Nothing is opened or made yet."""
        self.data_folder = data_folder
        self.marks = Marks(data_folder)
        self._path = data_folder / INDEX_NAME

    def find(self, query: TakeQuery | None = None, *, refresh: bool = True) -> TakePage:
        """The takes that answer `query`, the youngest first.

        Args:
            query: None asks for all.
            refresh: look at the folders first. Else a take may be missing that was just made;
                one that was just deleted never shows.

        Raises:
            OutputError: the index cannot be used, nor made anew.
        """
        wanted = query or TakeQuery()
        if refresh:
            return self.use(lambda index: index.find(wanted), refresh=True)
        page = self.use(lambda index: _glance(index, wanted), patient=False)
        there = tuple(take for take in page.takes if os.path.isdir(take.folder))
        lost = len(page.takes) - len(there)
        return TakePage(takes=there, total=page.total - lost, total_bytes=page.total_bytes)

    def get(self, take_id: str) -> TakeRecord:
        """The one take whose id is, or begins with, `take_id`.

        Looks at the folders only where the index knows no such take: that takes its time.

        Raises:
            InputError: there is none, or several.
        """
        found: tuple[TakeRecord, ...] = ()
        if _ID_PREFIX.fullmatch(take_id):
            found = self.use(lambda index: index.by_prefix(take_id))
            if not all(os.path.isdir(take.folder) for take in found) or not found:
                found = self.use(lambda index: index.by_prefix(take_id), refresh=True)
        if len(found) == 1:
            mark = self.marks.of(found[0].id)
            return replace(found[0], favourite=mark.favourite, label=mark.label)
        raise InputError(
            f"{'Several takes begin' if found else 'There is no take that begins'} "
            f"with {take_id[:40]!r}.",
            hint="`musiscene takes` lists them; four letters of the ID or more are needed.",
        )

    def set_favourite(self, take_id: str, favourite: bool = True) -> TakeRecord:
        """Make a take a favourite, or no longer one; safe beside the daemon.

        Raises:
            InputError: there is no such take.
            OutputError: it cannot be noted.
        """
        take = self.get(take_id)
        self.marks.set_favourite(take.id, favourite)
        return self.get(take.id)

    def set_label(self, take_id: str, label: str) -> TakeRecord:
        """Call a take `label`, or by its own name again where that is empty.

        Raises:
            InputError: there is no such take, or the label is too long.
            OutputError: it cannot be noted.
        """
        take = self.get(take_id)
        self.marks.set_label(take.id, label)
        return self.get(take.id)

    def use(
        self,
        work: Callable[[Index], R],
        *,
        refresh: bool = False,
        thorough: bool = False,
        patient: bool = True,
    ) -> R:
        """Do `work` with the index, mended or in memory where need be.

        Args:
            work: may be called again from the start, with another index.
            refresh: bring the index up to date first.
            thorough: do so with every take.json, and read the whole index for damage.
            patient: wait for another process that writes.

        Raises:
            OutputError: the index cannot be used.
        """

        def whole(index: Index) -> R:
            if thorough:
                index.check()
            if refresh or thorough:
                _if_free(lambda: index.refresh(thorough=thorough))
            return work(index)

        wait_s = _BUSY_S if patient else _GLANCE_S

        try:
            try:
                return self._on_disk(whole, wait_s)
            except sqlite3.DatabaseError as error:
                if _unwritable(error):
                    return self._in_memory(whole)
                log.warning("the take index is made anew: %s", type(error).__name__)
                self._discard_damaged()
                return self._on_disk(whole, wait_s)
        except sqlite3.Error as error:
            raise OutputError(
                f"The list of takes cannot be used: {error}.",
                hint=f"Delete {INDEX_NAME} in the data folder; it is made anew from the takes.",
            ) from error

    def _on_disk(self, work: Callable[[Index], R], wait_s: float) -> R:
        if not os.path.isdir(self.data_folder / TAKES) or not os.access(self.data_folder, os.W_OK):
            # Looking at a library must not make one.
            return self._in_memory(work)
        with closing(sqlite3.connect(self._path, timeout=wait_s)) as db:
            db.execute("pragma journal_mode = wal")
            # A lost commit is read again from the folders.
            db.execute("pragma synchronous = normal")
            return work(Index(db, self.data_folder))

    def _in_memory(self, work: Callable[[Index], R]) -> R:
        with closing(sqlite3.connect(":memory:")) as db:
            with suppress(sqlite3.Error, OSError):
                self._copy_into(db)
            try:
                return work(Index(db, self.data_folder))
            except sqlite3.DatabaseError:
                log.debug("the index on the disk is of no use")
        with closing(sqlite3.connect(":memory:")) as db:
            return work(Index(db, self.data_folder))

    def _copy_into(self, db: sqlite3.Connection) -> None:
        """Begin with what the disk has, where it is complete without its log."""
        log_file = Path(f"{self._path}-wal")
        if not self._path.is_file() or (log_file.exists() and log_file.stat().st_size):
            return
        address = f"{self._path.absolute().as_uri()}?mode=ro&immutable=1"
        with closing(sqlite3.connect(address, uri=True)) as source:
            source.backup(db)

    def _discard_damaged(self) -> None:
        """Delete the index, unless another process has just done so."""
        # Here and not above: the protocol's messages are made of this package's records.
        from musiscene_core.instance_lock import InstanceLock

        lock = InstanceLock(self.data_folder / _REPAIR_LOCK)
        try:
            with lock.held(self._path, _being_mended, _BUSY_S):
                if not self._sound():
                    for ending in _SIDE_FILES:
                        Path(f"{self._path}{ending}").unlink(missing_ok=True)
        except OSError as error:
            raise OutputError.from_os(error, self._path) from error

    def _sound(self) -> bool:
        try:
            with closing(sqlite3.connect(self._path, timeout=_BUSY_S)) as db:
                index = Index(db, self.data_folder)
                index.check()
                index.total_bytes()
                # A table that is missing shows only when it is asked.
                index.find(TakeQuery(words="a"))
                index.oldest_first()
        except sqlite3.DatabaseError as error:
            return _unwritable(error)
        return True


def _being_mended(process: int) -> OutputError:
    return OutputError(
        f"The list of takes is being made anew by process {process}.", hint="Ask again in a moment."
    )


def _glance(index: Index, query: TakeQuery) -> TakePage:
    _if_free(index.refresh_marks)
    return index.find(query)


def _if_free(refresh: Callable[[], object]) -> None:
    try:
        refresh()
    except sqlite3.OperationalError as error:
        if "locked" not in str(error):
            raise
        # Another process brings it up to date at this moment.
        log.debug("the take index is being written by another process")


def _unwritable(error: sqlite3.DatabaseError) -> bool:
    """Whether the file cannot be used here and now, rather than being damaged."""
    text = str(error)
    return isinstance(error, sqlite3.OperationalError) and not text.startswith(
        ("no such", "table ", "malformed", "vtable")
    )
