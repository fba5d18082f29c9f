"""A folder that one process alone may work in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from musiscene_core.errors import OutputError, RequestError
from musiscene_core.instance_lock import InstanceLock

LOCK = ".lock"
"""Its file, which stays."""


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold a folder, so that no other process works in it; however this one ends, it lets go.

    Raises:
        OutputError: it cannot be made.
        RequestError: another process holds it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = InstanceLock(folder / LOCK)
        held = lock.acquire()
    except OSError as error:
        raise OutputError.from_os(error, folder) from error
    if not held:
        raise RequestError(
            f"Another process ({lock.holder()}) is at work in {folder}.",
            hint="Wait for it, or end it.",
        )
    try:
        yield
    finally:
        lock.release()
