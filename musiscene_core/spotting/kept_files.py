"""Files of what was measured, in the cache folder: checked when read, and bounded.

A file is named for what it is known by. One that is missing, cut short or altered is not there, and
what it held is measured again; the files longest unused go first.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec

from musiscene_core.codec import write_atomically
from musiscene_core.errors import MusiSceneError

T = TypeVar("T")
_SUM = hashlib.sha256().digest_size
_BLOCK = 4096
"""Bytes of a disk that the smallest file takes."""
_MOST_OF_A_DRAWER = 80 * 1000 * 1000


def place_of(folder: Path, known_by: str) -> Path:
    """The file under `folder` of what is known by a text of any length."""
    digest = hashlib.sha256(known_by.encode()).hexdigest()
    return folder / digest[:2] / f"{digest}.bin"


def read_checked(path: Path) -> bytes | None:
    """What was written whole; None where it is missing or damaged."""
    try:
        data = path.read_bytes()
        if hashlib.sha256(data[_SUM:]).digest() != data[:_SUM]:
            return None
        os.utime(path)
    except OSError:
        return None
    return data[_SUM:]


def write_checked(path: Path, data: bytes) -> bool:
    """Keep `data` where that is possible; whether it was."""
    with contextlib.suppress(MusiSceneError):
        write_atomically(path, hashlib.sha256(data).digest() + data, durable=False)
        return True
    return False


def last_written(status: os.stat_result) -> int:
    """When a file was wanted last, where `read_checked` dates it."""
    return status.st_mtime_ns


def prune(
    folder: Path,
    most_bytes: int,
    *,
    ending: str = "bin",
    wanted: Callable[[os.stat_result], int] = last_written,
) -> None:
    """Let the files go that were not wanted for longest, where there is too much.

    Args:
        folder: of the folders that hold them.
        most_bytes: kept at most.
        ending: of their names.
        wanted: when each was wanted last.
    """
    with contextlib.suppress(OSError):
        found = [(path.stat(), path) for path in folder.glob(f"*/*.{ending}")]
        left = sum(_on_disk(status) for status, _ in found)
        for status, path in sorted(found, key=lambda one: wanted(one[0])):
            if left <= most_bytes:
                return
            path.unlink(missing_ok=True)
            left -= _on_disk(status)


def _on_disk(status: os.stat_result) -> int:
    """The bytes of whole blocks that a file takes: most of a folder of small answers is these."""
    return -(-status.st_size // _BLOCK) * _BLOCK


class Drawer:
    """Small values, a file each, by what they are known by."""

    def __init__(self, folder: Path, most_bytes: int = _MOST_OF_A_DRAWER) -> None:
        self._folder = folder
        self._most_bytes = most_bytes

    def get(self, known_by: str, kind: type[T]) -> T | None:
        """The value; None where it is missing, damaged or of another kind."""
        data = read_checked(place_of(self._folder, known_by))
        if data is None:
            return None
        try:
            return msgspec.json.decode(data, type=kind)
        except msgspec.MsgspecError:
            return None

    def put(self, known_by: str, value: object) -> None:
        """Keep a value where that is possible."""
        write_checked(place_of(self._folder, known_by), msgspec.json.encode(value))

    def prune(self) -> None:
        """Let the values go that were not wanted for longest, where there is too much."""
        prune(self._folder, self._most_bytes)
