"""Files of any size read block by block, and the SHA-256 of a whole one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

_BLOCK = 1 << 22


def blocks_of(path: Path) -> Iterator[bytes]:
    """The bytes of the file at `path`, a few megabytes at a time.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            yield block


def file_sha256(path: Path) -> str:
    """SHA-256 of the whole file at `path`, in hex.

    Raises:
        OSError: it cannot be read.
    """
    known = hashlib.sha256()
    for block in blocks_of(path):
        known.update(block)
    return known.hexdigest()
