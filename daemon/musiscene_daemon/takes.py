"""The take library: finished results appear in it whole or not at all.

    <data folder>/jobs/<job>.<attempt>.partial/    being made
    <data folder>/takes/<cue>-<job>/take-1/ ...    finished takes of a score, compose or conform
    <data folder>/briefs/<cue>-<job>/              a finished brief, or captions of sound

A result's place follows from its job alone, so that publishing twice is publishing once. What is
in a take names it (musiscene_core.library), and equal files of equal takes are stored once.
"""

from __future__ import annotations

import os
import re
import shutil
import threading
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from musiscene_core.errors import OutputError
from musiscene_core.protocol.state import JobKind

_SHELVES: dict[JobKind, str] = {
    "spot": "briefs",
    "caption": "briefs",
    "listen": "briefs",
    "score": "takes",
    "compose": "takes",
    "conform": "takes",
}
_PARTIAL = ".partial"
_MAX_SLUG = 40


class TakeLibrary:
    """Where results are made and kept, below one data folder."""

    def __init__(self, data_folder: Path) -> None:
        """Make the library's folders where they are not there.

        Raises:
            OutputError: they cannot be made.
        """
        self._root = data_folder
        self._workshop = data_folder / "jobs"
        self.news = threading.Event()
        try:
            for folder in (self._workshop, *(data_folder / shelf for shelf in _SHELVES.values())):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError.from_os(error, data_folder) from error

    @property
    def root(self) -> Path:
        """The data folder."""
        return self._root

    def partial(self, job_id: str, attempt: int) -> Path:
        """Where an attempt builds its result. No two attempts share one: the last may linger."""
        return self._workshop / f"{job_id}.{attempt}{_PARTIAL}"

    def place(self, kind: JobKind, cue: str, job_id: str) -> str:
        """Where a job's result goes, relative to the data folder."""
        return f"{_SHELVES[kind]}/{slug(cue)}-{job_id}"

    def published(self, place: str) -> Path | None:
        """The result at `place`, where there is one."""
        path = self._root / place
        return path if path.is_dir() else None

    def publish(self, partial: Path, place: str) -> None:
        """Move a finished result, already on the disk, to its place in one step.

        Raises:
            OutputError: the move failed; nothing is half there.
        """
        target = self._root / place
        if target.is_dir():
            self.discard([partial])
            return
        try:
            os.rename(partial, target)
            sync_folder(target.parent)
        except OSError as error:
            raise OutputError.from_os(error, target) from error
        self.news.set()

    def takes(self, place: str) -> tuple[str, ...]:
        """The names of the takes at `place`, in order."""
        found = [path.parent.name for path in (self._root / place).glob("*/take.json")]
        return tuple(sorted(found, key=_natural))

    def leftovers(self) -> list[Path]:
        """What attempts left behind that never finished."""
        return sorted(self._workshop.glob(f"*{_PARTIAL}"))

    def discard(self, folders: Iterable[Path]) -> None:
        """Delete `folders` in the background: gigabytes may take a while."""
        doomed = list(folders)
        if doomed:
            threading.Thread(target=_delete, args=(doomed,), daemon=True, name="discard").start()


def _delete(folders: list[Path]) -> None:
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def slug(cue: str) -> str:
    """`cue` as a folder name that every platform takes."""
    plain = unicodedata.normalize("NFKD", cue).encode("ascii", "ignore").decode()
    words = re.sub(r"[^A-Za-z0-9]+", "-", plain).strip("-")
    return words[:_MAX_SLUG].rstrip("-") or "cue"


def _natural(name: str) -> tuple[object, ...]:
    return tuple(
        (0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", name)
    )


def sync_tree(folder: Path) -> None:
    """Push every file below `folder`, and the folders themselves, onto the disk."""
    for parent, _, names in os.walk(folder):
        for name in names:
            _sync(Path(parent, name), os.O_RDWR if os.name == "nt" else os.O_RDONLY)
        sync_folder(Path(parent))


def sync_folder(folder: Path) -> None:
    """Push a folder's entries onto the disk, where the platform knows how."""
    if os.name == "posix":
        _sync(folder, os.O_RDONLY)


def _sync(path: Path, flags: int) -> None:
    handle = os.open(path, flags)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
