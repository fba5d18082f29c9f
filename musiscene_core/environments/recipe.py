"""Recipes: what an environment is made of. Values; knows nothing of processes or disks."""

from __future__ import annotations

import hashlib

import msgspec

from musiscene_core.errors import RequestError


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """An environment to make.

    Attributes:
        name: of its folder.
        title: what it is for, a few words.
        pythons: the minor versions of Python 3 that its packages are made for, best first.
        requirements: exact pins, each installed by itself and in order, without dependencies.
        imports: modules that must load in it before it counts as made.
        disk_bytes: what it takes on the disk at its largest, about.
        licence: what the user has to know before it is made.
        engines: engines of ours that work through it, by our own interpreter.
    """

    name: str
    title: str
    pythons: tuple[int, ...]
    requirements: tuple[str, ...]
    imports: tuple[str, ...]
    disk_bytes: int
    licence: str
    engines: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """Changes whenever the environment would be another one."""
        parts = (self.name, self.requirements, self.imports)
        return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()


def packaged(name: str, known: dict[str, Recipe]) -> Recipe:
    """The recipe called `name`.

    Raises:
        RequestError: there is none.
    """
    if name not in known:
        raise RequestError(
            f"There is no environment called {name!r}.", hint=f"They are {', '.join(known)}."
        )
    return known[name]
