"""What models said of pictures, kept by content: the same picture is not looked at twice.

A small file an answer, in the cache folder, named for the film's content, the moment, and the
model. Whatever is missing, damaged or deleted is simply asked again; the oldest go first.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

import msgspec

from musiscene_core.codec import read_json, to_json, write_atomically
from musiscene_core.errors import MusiSceneError
from musiscene_core.paths import cache_folder
from musiscene_core.spotting.seen import Source

MOST_ANSWERS = 20_000
"""Kept at most: 80 MB on a disk of 4 kB blocks."""
_ENDS = 64 << 10
"""Bytes at either end of a film by which it is known, with its size and time of change."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What was said of a picture.

    Attributes:
        text: its description; empty where feelings were asked for.
        feelings: its feelings; empty where a description was.
    """

    text: str = ""
    feelings: tuple[float, ...] = ()


class Kept:
    """The answers of one model."""

    def __init__(self, model: str, folder: Path | None = None) -> None:
        """Look for what `model` said; its name must change with its weights and its question.

        Args:
            model: what it is known by.
            folder: default: in the cache folder.
        """
        self._model = model
        self._folder = folder or cache_folder() / "watching"
        self._films: dict[str, str] = {}
        self._new: dict[Source, Answer] = {}

    def get(self, source: Source | None) -> Answer | None:
        """What was said of the picture there; None where that is not known."""
        if source in self._new:
            return self._new[source]
        path = self._path(source)
        if path is None or not path.is_file():
            return None
        try:
            answer = read_json(path, Answer)
            os.utime(path)
        except (MusiSceneError, OSError):
            return None
        return answer

    def put(self, source: Source | None, answer: Answer) -> None:
        """Keep an answer: here, and on the disk where that is possible."""
        if source is None:
            return
        self._new[source] = answer
        path = self._path(source)
        if path is not None:
            with contextlib.suppress(MusiSceneError):
                write_atomically(path, to_json(answer))

    def prune(self, most: int = MOST_ANSWERS) -> None:
        """Let the answers go that were not wanted for longest, where there are too many."""
        with contextlib.suppress(OSError):
            found = [(path.stat().st_mtime, path) for path in self._folder.glob("*/*.json")]
            for _, path in sorted(found)[: max(0, len(found) - most)]:
                path.unlink(missing_ok=True)

    def _path(self, source: Source | None) -> Path | None:
        if source is None:
            return None
        if source.path not in self._films:
            self._films[source.path] = film_digest(source.path)
        film = self._films[source.path]
        if not film:
            return None
        named = f"{film} {source.seconds} {self._model}"
        name = hashlib.sha256(named.encode()).hexdigest()
        return self._folder / name[:2] / f"{name}.json"


def film_digest(path: str) -> str:
    """What a film is known by; empty where it cannot be read.

    Its size, its time of change and its ends: hours of film cannot be read for it.
    """
    try:
        with open(path, "rb") as file:
            status = os.fstat(file.fileno())
            known = hashlib.sha256(f"{status.st_size} {status.st_mtime_ns} ".encode())
            known.update(file.read(_ENDS))
            file.seek(max(0, status.st_size - _ENDS))
            known.update(file.read(_ENDS))
    except OSError:
        return ""
    return known.hexdigest()
