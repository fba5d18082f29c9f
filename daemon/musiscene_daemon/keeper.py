"""The library's keeper: one background thread that indexes new takes and holds the size cap.

It also stores equal files once, and notes every new take in the ledger. Nothing waits for it, and
nothing is lost where it does not run: the index is made from the folders, and the next round does
what this one missed.
"""

from __future__ import annotations

import filecmp
import logging
import os
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from musiscene_core.errors import MusiSceneError
from musiscene_core.library import Catalogue
from musiscene_core.library.folders import TAKES
from musiscene_core.provenance.ledger import Ledger
from musiscene_core.provenance.noting import note
from musiscene_core.provenance.statement import STATEMENT_FILE
from musiscene_daemon.removal import shrink
from musiscene_daemon.settings import Settings
from musiscene_daemon.takes import TakeLibrary

log = logging.getLogger(__name__)

_FIRST_AFTER_S = 1.0
"""A daemon that was just started is about to be asked something."""

_SMALLEST_SHARED_BYTES = 1 << 16
_LEAVE_S = 2.0


class Keeper:
    """Looks after the takes of one library, from `start` until `stop`."""

    def __init__(self, library: TakeLibrary, catalogue: Catalogue, settings: Settings) -> None:
        self._library = library
        self._catalogue = catalogue
        self._settings = settings
        self._ledger = Ledger(library.root)
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="keeper")

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, after the round that is under way where that is short."""
        self._leaving.set()
        self._library.news.set()
        if self._thread.is_alive():
            self._thread.join(_LEAVE_S)

    def round(self, *, thorough: bool = False) -> None:
        """Index what is new, store equal files once, and delete what exceeds the cap.

        Raises:
            MusiSceneError: the disk refuses.
        """
        new = self._catalogue.use(lambda index: index.refresh(), thorough=thorough)
        self._note(self._places() if thorough else new)
        shared = share_equal_files(self._library.root / TAKES, self._equals(new))
        if shared:
            self._catalogue.use(lambda index: index.reread(shared))
        deleted = shrink(
            self._library,
            self._catalogue,
            to_bytes=self._settings.library_bytes,
            before=time.time() - self._settings.keep_takes_s,
        )
        if deleted:
            log.info("the library was over its size: %d takes deleted, the oldest", deleted)
            self._catalogue.use(lambda index: index.refresh())

    def _run(self) -> None:
        thorough = True
        self._leaving.wait(_FIRST_AFTER_S)
        while not self._leaving.is_set():
            self._library.news.clear()
            try:
                self.round(thorough=thorough)
                thorough = False
            except MusiSceneError as error:
                log.warning("the library was not looked after: %s", error.code)
                log.debug("in full", exc_info=error)
            except Exception as error:
                # Never the daemon's end: the library can be read without its keeper.
                log.error("the library's keeper made a mistake: %s", type(error).__name__)
                log.debug("in full", exc_info=error)
            self._library.news.wait()

    def _note(self, places: Sequence[str]) -> None:
        """Write down what was made, before anything is deleted."""
        takes = self._library.root / TAKES
        for place in places:
            note(self._ledger, takes, place)

    def _places(self) -> list[str]:
        """All takes there are, the oldest first: a daemon that was killed may have noted fewer."""
        found = list((self._library.root / TAKES).glob(f"*/*/{STATEMENT_FILE}"))
        found.sort(key=_age)
        return [f"{path.parent.parent.name}/{path.parent.name}" for path in found]

    def _equals(self, places: Sequence[str]) -> list[list[str]]:
        """The places of each take that lies in several, one of them new."""
        fresh = set(places)
        if not fresh:
            return []
        groups = self._catalogue.use(lambda index: index.copied())
        return [group for group in groups if fresh.intersection(group)]


def _age(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except OSError:
        return 0.0


def share_equal_files(takes: Path, groups: Sequence[Sequence[str]]) -> list[str]:
    """Store large files that are equal, byte for byte, once.

    Args:
        takes: the library's folder.
        groups: places of takes that are probably equal, the oldest first.

    Returns:
        The places that share files now.
    """
    shared: list[str] = []
    for first, *others in groups:
        for other in others:
            if _share(takes / first, takes / other):
                shared += [first, other]
    return shared


def _share(first: Path, other: Path) -> bool:
    any_shared = False
    for parent, _, names in os.walk(other):
        for name in names:
            copy = Path(parent, name)
            original = first / copy.relative_to(other)
            try:
                if _worth_sharing(original, copy) and filecmp.cmp(original, copy, shallow=False):
                    _replace_by_link(original, copy)
                    any_shared = True
            except OSError as error:
                # A disk without links, or a take deleted meanwhile.
                log.debug("a file is not shared: %s", error.strerror)
    return any_shared


def _worth_sharing(original: Path, copy: Path) -> bool:
    one, two = os.lstat(original), os.lstat(copy)
    return (
        not os.path.islink(original)
        and not os.path.islink(copy)
        and one.st_size == two.st_size >= _SMALLEST_SHARED_BYTES
        and (one.st_dev, one.st_ino) != (two.st_dev, two.st_ino)
    )


def _replace_by_link(original: Path, copy: Path) -> None:
    link = copy.with_name(f".{copy.name}.link")
    with suppress(FileNotFoundError):
        # Left by a process that was killed here.
        link.unlink()
    os.link(original, link)
    os.replace(link, copy)
