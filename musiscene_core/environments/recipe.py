"""Recipes: what an environment is made of. Values; knows nothing of processes or disks."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TypeVar

import msgspec

from musiscene_core.errors import RequestError

Known = TypeVar("Known")


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
        engines: engines and captioners of ours that its worker has.
        inside: whether MusiScene is in it, so that its worker runs by its own interpreter; else
            ours runs it, and drives a child there.
        indexes: where packages come from that the usual index does not have, by their names.
        archives: addresses of the source of packages that no index has, by their names.
        variant: which of several of the same name; empty where there is one.
    """

    name: str
    title: str
    pythons: tuple[int, ...]
    requirements: tuple[str, ...]
    imports: tuple[str, ...]
    disk_bytes: int
    licence: str
    engines: tuple[str, ...] = ()
    inside: bool = False
    indexes: dict[str, str] = {}
    archives: dict[str, str] = {}
    variant: str = ""

    @property
    def digest(self) -> str:
        """Changes whenever the environment would be another one."""
        parts: tuple[object, ...] = (self.name, self.requirements, self.imports)
        if self.variant:
            parts = (*parts, self.variant)
        if self.archives:
            parts = (*parts, self.archives)
        return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()


def packaged(name: str, known: Mapping[str, Known], *, further: tuple[str, ...] = ()) -> Known:
    """What is known as `name`.

    Args:
        name: which.
        known: those there are.
        further: names of others that are set up otherwise, to be told.

    Raises:
        RequestError: there is none.
    """
    if name not in known:
        raise RequestError(
            f"There is no environment called {name!r}.",
            hint=f"They are {', '.join((*known, *further))}.",
        )
    return known[name]
