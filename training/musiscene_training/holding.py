"""A folder that one process alone may work in."""

from __future__ import annotations

from collections.abc import Collection, Iterator
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
    except OSError as error:
        raise OutputError.from_os(error, folder) from error

    def busy(process: int) -> RequestError:
        return RequestError(
            f"Another process ({process}) is at work in {folder}.", hint="Wait for it, or end it."
        )

    with InstanceLock(folder / LOCK).held(folder, busy):
        yield


def check_folder(folder: Path, mark: str, work: str, besides: Collection[str] = ()) -> None:
    """Refuse a folder in which other things lie than `work` that was begun there.

    Args:
        folder: may be missing.
        mark: the file that such work has.
        work: what it is called, "experiment".
        besides: what may lie there before it has begun.

    Raises:
        RequestError: it is not empty, and nothing of that kind was begun there.
        OutputError: it cannot be looked into.
    """
    try:
        there = {path.name for path in folder.iterdir()} if folder.exists() else set()
    except OSError as error:
        raise OutputError.from_os(error, folder) from error
    if there - {LOCK, *besides} and mark not in there:
        raise RequestError(
            f"{folder} is not empty, and no {work} was begun there.",
            hint="Choose another folder with --output.",
        )
