"""What models said of pictures, kept by content: the same picture is not looked at twice.

A small file an answer, in the cache folder, named for the film's content, the moment, and the
model. Whatever is missing, damaged or deleted is simply asked again; the oldest go first.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path
from typing import TypeVar

import msgspec

from musiscene_core.codec import read_json, to_json, write_atomically
from musiscene_core.errors import MusiSceneError
from musiscene_core.paths import cache_folder
from musiscene_core.spotting.films import film_digest
from musiscene_core.spotting.seen import Source

T = TypeVar("T")
MOST_ANSWERS = 20_000
"""Kept at most: 80 MB on a disk of 4 kB blocks."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What was said of a picture.

    Attributes:
        text: its description; empty where feelings were asked for.
        feelings: its feelings; empty where a description was.
    """

    text: str = ""
    feelings: tuple[float, ...] = ()


class Drawer:
    """Small values on the disk, a file each, by what they are known by."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, known_by: str, kind: type[T]) -> T | None:
        """The value; None where it is not there or damaged."""
        path = self._path(known_by)
        if not path.is_file():
            return None
        try:
            value = read_json(path, kind)
            os.utime(path)
        except (MusiSceneError, OSError):
            return None
        return value

    def put(self, known_by: str, value: object) -> None:
        """Keep a value where that is possible."""
        with contextlib.suppress(MusiSceneError):
            write_atomically(self._path(known_by), to_json(value))

    def prune(self, most: int = MOST_ANSWERS) -> None:
        """Let the values go that were not wanted for longest, where there are too many."""
        with contextlib.suppress(OSError):
            found = [(path.stat().st_mtime, path) for path in self._folder.glob("*/*.json")]
            for _, path in sorted(found)[: max(0, len(found) - most)]:
                path.unlink(missing_ok=True)

    def _path(self, known_by: str) -> Path:
        name = hashlib.sha256(known_by.encode()).hexdigest()
        return self._folder / name[:2] / f"{name}.json"


class Kept:
    """The answers of one model that looks."""

    def __init__(self, model: str, folder: Path | None = None) -> None:
        """Look for what `model` said; its name must change with its weights and its question.

        Args:
            model: what it is known by.
            folder: default: in the cache folder.
        """
        self._model = model
        self._drawer = Drawer(folder or cache_folder() / "watching")
        self._films: dict[str, str] = {}
        self._new: dict[Source, Answer] = {}

    def get(self, source: Source | None) -> Answer | None:
        """What was said of the picture there; None where that is not known."""
        if source in self._new:
            return self._new[source]
        known_by = self._known_by(source)
        return self._drawer.get(known_by, Answer) if known_by else None

    def put(self, source: Source | None, answer: Answer) -> None:
        """Keep an answer: here, and on the disk where that is possible."""
        if source is None:
            return
        self._new[source] = answer
        known_by = self._known_by(source)
        if known_by:
            self._drawer.put(known_by, answer)

    def prune(self, most: int = MOST_ANSWERS) -> None:
        """Let the answers go that were not wanted for longest, where there are too many."""
        self._drawer.prune(most)

    def _known_by(self, source: Source | None) -> str:
        if source is None:
            return ""
        if source.path not in self._films:
            self._films[source.path] = film_digest(source.path)
        film = self._films[source.path]
        return f"{film} {source.seconds} {self._model}" if film else ""
