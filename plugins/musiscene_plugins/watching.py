"""Timeline files that appear in a folder: which are whole, which are new, and what became of them.

Looks at the folder now and then: notices of change do not come from network shares, and say
nothing of whether a file is finished. A file counts as whole once two looks find the same size and
time. Knows nothing of scoring.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from musiscene_core.codec import read_json, to_json, write_atomically
from musiscene_core.errors import InputError
from musiscene_core.whole_files import blocks_of

STATE_NAME = ".musiscene-watch.json"
LOCK_NAME = ".musiscene-watch.lock"
_OURS = re.compile(r"\.scored(-\d+)?$", re.IGNORECASE)
_HALF = re.compile(r"\.(tmp|temp|part|partial|download|crdownload|filepart|swp)$", re.IGNORECASE)
_MAX_PARTS = 10_000


class FileRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a file.

    Attributes:
        digest: SHA-256 of what it held.
        result: the timeline that was written, by its name in the folder; empty where none was.
        error: why not, or which cues failed.
    """

    digest: str
    result: str = ""
    error: str = ""


class WatchState(msgspec.Struct, frozen=True, kw_only=True):
    """What became of each file in a folder, by name."""

    files: dict[str, FileRecord] = {}
    schema_version: int = 1


class WatchedFolder:
    """A folder in which timelines appear."""

    def __init__(self, folder: Path, suffixes: tuple[str, ...]) -> None:
        """Read what was done here before.

        Args:
            folder: where to look; folders in it are not looked into.
            suffixes: of timelines, in lower case with the dot.

        Raises:
            InputError: what was noted here is damaged.
        """
        self.folder = folder
        self._suffixes = suffixes
        self._stamps: dict[str, tuple[int, int]] = {}
        self._done: dict[str, tuple[int, int]] = {}
        path = folder / STATE_NAME
        try:
            self._state = read_json(path, WatchState) if path.exists() else WatchState()
        except InputError as error:
            hint = "Delete it; timelines that were scored already are then looked at anew."
            raise InputError(error.message, hint=hint) from error

    def look(self) -> tuple[list[Path], int]:
        """Files that are whole and new, and how many others are still being written.

        Raises:
            OSError: the folder cannot be looked at.
        """
        whole, growing = [], 0
        stamps = {}
        for path in sorted(self._timelines()):
            try:
                stamp = _stamp(path)
            except OSError:
                continue
            stamps[path.name] = stamp
            if self._done.get(path.name) == stamp:
                continue
            if stamp[0] > 0 and self._stamps.get(path.name) == stamp:
                whole.append(path)
            else:
                growing += 1
        self._stamps = stamps
        return whole, growing

    def digest(self, path: Path) -> str:
        """Digest of what `path` holds now; empty where another program still writes to it."""
        before = self._stamps.get(path.name)
        try:
            found = _digest(path)
            return found if _stamp(path) == before else ""
        except OSError:
            return ""

    def record(self, path: Path) -> FileRecord | None:
        """What became of the file of this name before."""
        return self._state.files.get(path.name)

    def pass_over(self, path: Path) -> None:
        """Look at `path` again only once it has changed."""
        self._done[path.name] = self._stamps[path.name]

    def note(self, path: Path, record: FileRecord) -> None:
        """Remember what became of `path`.

        Raises:
            OutputError: it cannot be written.
        """
        self._state = WatchState(files=self._state.files | {path.name: record})
        write_atomically(self.folder / STATE_NAME, to_json(self._state))
        self.pass_over(path)

    def _timelines(self) -> Iterator[Path]:
        for path in self.folder.iterdir():
            name = path.name
            if name.startswith((".", "~")) or path.suffix.lower() not in self._suffixes:
                continue
            if not _OURS.search(path.stem) and not _HALF.search(path.stem):
                yield path


def _stamp(path: Path) -> tuple[int, int]:
    """Size and time of last change; of a bundle, of all that is in it."""
    size = changed = 0
    for part in _parts(path):
        found = part.stat()
        size, changed = size + found.st_size, max(changed, found.st_mtime_ns)
    return size, changed


def _digest(path: Path) -> str:
    whole = hashlib.sha256()
    for part in _parts(path):
        whole.update(os.fsencode(str(part.relative_to(path))))
        for block in blocks_of(part):
            whole.update(block)
    return whole.hexdigest()


def _parts(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found: list[Path] = []
    for part in path.rglob("*"):
        if part.is_file():
            found.append(part)
        if len(found) > _MAX_PARTS:
            break
    return sorted(found)
