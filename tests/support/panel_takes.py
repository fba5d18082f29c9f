"""Askers that work at once, a placer in memory of a real file host, and takes laid out."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import msgspec

from musiscene_core.codec import to_json
from musiscene_core.errors import MusiSceneError
from musiscene_core.library import Catalogue
from musiscene_core.take import Take


class AtOnce:
    """An Asker that does its work in the asking thread, with `tool`."""

    def __init__(self, tool: object) -> None:
        self.tool = tool

    def ask(self, work, done=lambda _: None, failed=lambda _: None):
        try:
            result = work(self.tool)
        except MusiSceneError as error:
            failed(error)
        else:
            done(result)


class Later:
    """An Asker that keeps its work until `go`."""

    def __init__(self, tool: object) -> None:
        self._now = AtOnce(tool)
        self._kept: list[tuple] = []

    def ask(self, work, done=lambda _: None, failed=lambda _: None) -> None:
        self._kept.append((work, done, failed))

    def go(self) -> None:
        kept, self._kept = self._kept, []
        for work in kept:
            self._now.ask(*work)


class Kept(dict):
    """A Store in memory."""

    def read(self, name: str) -> str:
        return self.get(name, "")

    def write(self, name: str, text: str) -> None:
        self[name] = text


def copies(composed: tuple[Path, Take], data: Path, count: int = 3, **changes) -> list[Path]:
    """`count` takes of one job in a library, alike but for their seeds and loudness."""
    folder, take = composed
    made = []
    for number in range(count):
        copy = data / "takes" / "scene-abcd" / f"take-{number + 1}"
        shutil.copytree(folder, copy, copy_function=_sounds_linked)
        provenance = msgspec.structs.replace(take.provenance, seed=3 + number)
        other = msgspec.structs.replace(
            take,
            name=f"take-{number + 1}",
            provenance=provenance,
            loudness_lufs=take.loudness_lufs - number,
            **changes,
        )
        (copy / "take.json").write_bytes(to_json(other))
        made.append(copy)
    return made


def _sounds_linked(source: str, copy: str) -> None:
    if source.endswith(".wav"):
        os.link(source, copy)
    else:
        shutil.copy2(source, copy)


def catalogue(data: Path) -> Catalogue:
    return Catalogue(data)
