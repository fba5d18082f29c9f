"""Where environments lie, and the stamp by which one that was made here is known.

<data folder>/environments/<name>/                    in use
<data folder>/environments/<name>/musiscene.json      its stamp, written last
<data folder>/environments/.<name>.new/               being made
<data folder>/environments/.<name>.old/               kept until the new one works
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from musiscene_core.codec import read_json
from musiscene_core.errors import InputError
from musiscene_core.paths import data_folder

FOLDER = "environments"
STAMP = "musiscene.json"
WATCHING = "watching"
"""Stands among a stamp's engines for the models that look at pictures and listen to speech."""
_INTERPRETERS = ("bin/python", "Scripts/python.exe")


class Stamp(msgspec.Struct, frozen=True, kw_only=True):
    """What an environment is.

    Attributes:
        recipe: name of the recipe.
        digest: of the recipe as it was.
        engines: engines of ours that work through it.
        python: version of its interpreter.
        inside: whether its worker runs by its own interpreter.
        variant: of the recipe.
    """

    recipe: str
    digest: str
    engines: tuple[str, ...] = ()
    python: str = ""
    inside: bool = False
    variant: str = ""


def folder_of(name: str, data: Path | None = None) -> Path:
    """Where the environment called `name` is used from."""
    return (data or data_folder()) / FOLDER / name


def stamp_of(folder: Path) -> Stamp | None:
    """The stamp of a finished environment; None where there is none to be read."""
    try:
        return read_json(folder / STAMP, Stamp)
    except (InputError, OSError, ValueError):
        return None


def interpreter_of(folder: Path) -> Path | None:
    """The interpreter in an environment; None where there is none."""
    return next((folder / name for name in _INTERPRETERS if (folder / name).is_file()), None)
