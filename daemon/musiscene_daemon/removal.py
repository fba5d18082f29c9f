"""Taking takes out of the library: in one step each, never a favourite unasked, never outside.

A take is moved to the workshop, whence it is deleted in the background, or at the next start.
"""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import islice
from pathlib import Path

from musiscene_core.errors import OutputError, RequestError
from musiscene_core.library import Catalogue, TakeRecord
from musiscene_core.library.folders import TAKES, is_plain
from musiscene_daemon.takes import TakeLibrary, sync_folder

log = logging.getLogger(__name__)

Ended = Callable[[str], bool]
"""Whether a job, by its id, has ended or is not remembered."""

_PURGED_AT_ONCE = 200
"""Takes moved before other clients are heard again: about 10 ms."""


def delete_take(
    library: TakeLibrary,
    catalogue: Catalogue,
    take_id: str,
    *,
    even_favourite: bool,
    ended: Ended,
) -> TakeRecord:
    """Delete one take, wherever it lies; returns what it was.

    Raises:
        InputError: there is no such take.
        RequestError: it is a favourite, or its job has not ended.
        OutputError: it cannot be moved.
    """
    take = catalogue.get(take_id)
    if catalogue.marks.is_favourite(take.id) and not even_favourite:
        raise RequestError(
            f"{take.name} of {take.cue} is a favourite.",
            hint="Take the mark off first, or delete it with --even-favourite.",
        )
    places = catalogue.use(lambda index: index.places(take.id))
    if not all(ended(job_of(place)) for place in places):
        raise RequestError("The job that makes this take has not ended.", hint="Wait for it.")
    remove(library, places)
    with suppress(OutputError):
        catalogue.marks.forget(take.id)
    return take


def purge(library: TakeLibrary, catalogue: Catalogue, *, ended: Ended) -> tuple[int, int, bool]:
    """Delete takes that are no favourites, the oldest first, some at a time.

    Returns:
        (takes deleted, bytes set free, whether there are more).

    Raises:
        OutputError: one cannot be moved.
    """
    takes = library.root / TAKES
    doomed = (
        (place, size)
        for take_id, place, _, size in catalogue.use(lambda index: index.oldest_first())
        # The index may not know yet what the last call deleted.
        if os.path.isdir(takes / place)
        and not catalogue.marks.is_favourite(take_id)
        and ended(job_of(place))
    )
    now = list(islice(doomed, _PURGED_AT_ONCE))
    remove(library, [place for place, _ in now])
    return len(now), sum(size for _, size in now), next(doomed, None) is not None


def shrink(library: TakeLibrary, catalogue: Catalogue, *, to_bytes: int, before: float) -> int:
    """Delete the oldest takes until the library fits; favourites and young takes stay.

    Args:
        library: whose takes.
        catalogue: what is in it, up to date.
        to_bytes: what it may occupy.
        before: Unix time; takes made since stay.

    Returns:
        How many were deleted.

    Raises:
        OutputError: one cannot be moved.
    """
    excess = catalogue.use(lambda index: index.total_bytes()) - to_bytes
    doomed = []
    for take_id, place, created, size in catalogue.use(lambda index: index.oldest_first()):
        if excess <= 0 or created >= before:
            break
        if not catalogue.marks.is_favourite(take_id):
            doomed.append(place)
            excess -= size
    remove(library, doomed)
    return len(doomed)


def job_of(place: str) -> str:
    """The id of the job whose result lies at `place`."""
    return place.partition("/")[0].rpartition("-")[2]


def remove(library: TakeLibrary, places: Iterable[str]) -> None:
    """Move the takes at `places` out of the library; one that refuses does not keep the others.

    Raises:
        OutputError: one could not be moved, or lies elsewhere.
    """
    moved: list[Path] = []
    refused: OutputError | None = None
    for place in places:
        try:
            moved += _move(library, _checked(library.root / TAKES, place))
        except OutputError as error:
            refused = error
    if moved:
        with suppress(OSError):
            sync_folder(library.root / TAKES)
        log.info("%d takes deleted", len(moved))
        library.discard(moved)
        library.news.set()
    if refused is not None:
        raise refused


def _move(library: TakeLibrary, folder: Path) -> list[Path]:
    """Where the folder lies now; nowhere, where another was quicker."""
    target = library.partial(f"gone-{secrets.token_hex(8)}", 0)
    try:
        os.rename(folder, target)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise OutputError.from_os(error, folder) from error
    with suppress(OSError):
        # Refused while other takes of the job are in it.
        os.rmdir(folder.parent)
    return [target]


def _checked(takes: Path, place: str) -> Path:
    """The folder at `place`, which is surely below `takes` and no link's other end."""
    parts = place.split("/")
    folder = takes.joinpath(*parts)
    root = os.path.realpath(takes)
    real = os.path.realpath(folder.parent)
    inside = os.path.commonpath((root, real)) == root and os.path.dirname(real) == root
    if len(parts) != 2 or not all(map(is_plain, parts)) or not inside or folder.is_symlink():
        raise OutputError("A take lies outside the library; it was not deleted.")
    return folder
