"""Media files that lie in a folder, or in a tar: music/train-000000.tar/ID.mp4 names a member.

A member is copied out to be read, one at a time, and the copy is deleted afterwards.
"""

from __future__ import annotations

import os
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from musiscene_core.errors import MediaError, MediaOfflineError, OutputError


def file_status(path: Path) -> os.stat_result:
    """The status of a file, or of the tar that a member lies in.

    Raises:
        OSError: it is not there.
    """
    tar = _tar_of(path)
    return (path if tar is None else tar).stat()


@contextmanager
def media_file(path: Path) -> Iterator[Path]:
    """`path` as a file that can be opened.

    Raises:
        MediaOfflineError: the tar has no such member.
        MediaError: the tar is damaged.
        OutputError: no room to copy it out.
    """
    tar = _tar_of(path)
    if tar is None:
        yield path
        return
    name = path.relative_to(tar).as_posix()
    try:
        with tar.open("rb") as file:
            start, size = _place(tar, name)
            file.seek(start)
            with tempfile.TemporaryDirectory(prefix="musiscene-") as folder:
                copy = Path(folder) / path.name
                _copy(file, size, copy)
                yield copy
    except tarfile.TarError as error:
        raise MediaError(f"{tar} is damaged: {error}.", hint="Make or copy it again.") from error


def _copy(file: BinaryIO, size: int, copy: Path) -> None:
    try:
        with copy.open("wb") as out:
            left = size
            while left > 0:
                block = file.read(min(left, 1 << 20))
                if not block:
                    raise tarfile.ReadError("it ends too early")
                out.write(block)
                left -= len(block)
    except OSError as error:
        raise OutputError.from_os(error, copy) from error


def _tar_of(path: Path) -> Path | None:
    if path.exists():
        return None
    return next((up for up in path.parents if up.suffix == ".tar" and up.is_file()), None)


def _place(tar: Path, name: str) -> tuple[int, int]:
    status = tar.stat()
    places = _places(str(tar), status.st_size, status.st_mtime_ns)
    if name not in places:
        raise MediaOfflineError(f"{tar} holds no {name}.", hint="Put it back.")
    return places[name]


@lru_cache(maxsize=8)
def _places(tar: str, size: int, changed: int) -> dict[str, tuple[int, int]]:
    """Where each member's bytes begin, and how many there are; `size` and `changed` are its key."""
    with tarfile.open(tar, "r:") as opened:
        return {
            member.name: (member.offset_data, member.size) for member in opened if member.isfile()
        }
