"""One daemon a user: a lock the system drops when its holder dies, however it dies.

The file also names the holder's process, for messages; only the lock itself is trusted.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from musiscene_core.errors import MusiSceneError, OutputError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_LOCKED_BYTE = 1 << 30
"""Where the locked byte lies on Windows: away from the text, which stays readable."""

_RETRY_S = 0.02


class InstanceLock:
    """The lock of the one daemon. Never deletes its file: that would let two hold "the" lock."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[bytes] | None = None

    def acquire(self, wait_s: float = 0.0) -> bool:
        """Take the lock, and write our process into the file; False where another holds it.

        Args:
            wait_s: how long to try.

        Raises:
            OSError: the file cannot be opened.
        """
        deadline = time.monotonic() + wait_s
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
        file = os.fdopen(handle, "r+b", buffering=0)
        while not _try_lock(file):
            if time.monotonic() >= deadline:
                file.close()
                return False
            time.sleep(_RETRY_S)
        file.truncate(0)
        file.write(f"{os.getpid()}\n".encode())
        self._file = file
        return True

    def taken(self) -> bool:
        """Whether another holds it. Whoever tries to take it at that very moment has to wait.

        Raises:
            OSError: the file cannot be opened.
        """
        try:
            with open(self._path, "r+b", buffering=0) as file:
                return not _try_lock(file)
        except FileNotFoundError:
            return False

    def release(self) -> None:
        """Let the lock go."""
        if self._file is not None:
            self._file.close()
            self._file = None

    @contextmanager
    def held(
        self, about: Path, busy: Callable[[int], MusiSceneError], wait_s: float = 0.0
    ) -> Iterator[None]:
        """Hold the lock for as long as the block takes.

        Args:
            about: what is told of where the file cannot be opened.
            busy: what to raise where another process holds it, from its number.
            wait_s: how long to try.

        Raises:
            OutputError: the file cannot be opened.
            MusiSceneError: what `busy` made.
        """
        try:
            free = self.acquire(wait_s)
        except OSError as error:
            raise OutputError.from_os(error, about) from error
        if not free:
            raise busy(self.holder())
        try:
            yield
        finally:
            self.release()

    def holder(self) -> int:
        """The process that took the lock last; 0 where unknown."""
        try:
            return int(self._path.read_text().strip() or 0)
        except (OSError, ValueError):
            return 0


def _try_lock(file: IO[bytes]) -> bool:
    try:
        if sys.platform == "win32":
            file.seek(_LOCKED_BYTE)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            file.seek(0)
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
