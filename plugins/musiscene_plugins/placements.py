"""Placements on disk: TAKE/placement.json, beside the take, and -2, -3 where it is placed again.

Written before the first change to an editor's timeline and after every step, so that a placement
that broke off can be taken away too. Knows nothing of editors.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from musiscene_core.codec import read_json, to_json, write_atomically
from musiscene_core.errors import InputError, OutputError
from musiscene_plugins.host import Placement, TakeInFolder

_FILE = re.compile(r"^placement(?:-([1-9]\d{0,3}))?\.json$")
_MAX_NUMBER = 10_000


class Ledger:
    """The file that a placement in the making is written to."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def beside(cls, take: TakeInFolder) -> Ledger:
        """Claim the next free name in the take's folder.

        Raises:
            OutputError: nothing can be written there.
        """
        try:
            for number in range(1, _MAX_NUMBER):
                name = "placement.json" if number == 1 else f"placement-{number}.json"
                path = take.folder.absolute() / name
                try:
                    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
                except FileExistsError:
                    continue
                return cls(path)
        except OSError as error:
            raise OutputError.from_os(error, take.folder) from error
        raise OutputError(f"{take.folder} was placed too often.", hint="Score again.")

    def write(self, placement: Placement) -> None:
        """Replace what the file says.

        Raises:
            OutputError: it cannot be written.
        """
        write_atomically(self.path, to_json(placement))

    def discard(self) -> None:
        """Forget it: nothing of it is left on the timeline."""
        self.path.unlink(missing_ok=True)


def find_placement(path: Path) -> tuple[Path, Placement]:
    """The placement at `path`, and its file; a take's folder means the last one in it.

    Raises:
        InputError: none there, or it is damaged.
    """
    path = path.expanduser().absolute()
    if path.is_dir():
        found = _present(path)
        if not found:
            raise InputError(
                f"{path} holds no placement.", hint="Give the placement.json of a placed take."
            )
        path = found[-1]
    return path, read_json(path, Placement)


def placements_about(media: Iterable[str]) -> list[tuple[Path, Placement]]:
    """All placements that lie beside takes to which the sounds at `media` belong.

    A file that is no placement is passed over: it is not ours.
    """
    folders = {folder for path in media for folder in Path(path).parents[:2]}
    return [found for folder in sorted(folders) for found in placements_in(folder)]


def placements_in(folder: Path) -> list[tuple[Path, Placement]]:
    """The placements beside the take in `folder`, the oldest first."""
    found = []
    for path in _present(folder):
        with suppress(InputError):
            found.append((path, read_json(path, Placement)))
    return found


def _present(folder: Path) -> list[Path]:
    """The placements in `folder`, the oldest first."""
    try:
        numbered = {
            int(match[1] or 1): path
            for path in folder.iterdir()
            if (match := _FILE.match(path.name))
        }
    except OSError:
        return []
    return [numbered[number] for number in sorted(numbered)]
