"""What models said of pictures, kept by content: the same picture is not looked at twice.

A small file an answer, in the cache folder, named for the film's content, the moment, and the
model. Whatever is missing, damaged or deleted is simply asked again; the oldest go first.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from musiscene_core.paths import cache_folder
from musiscene_core.spotting.films import film_digest
from musiscene_core.spotting.kept_files import Drawer
from musiscene_core.spotting.seen import Source


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What was said of a picture.

    Attributes:
        text: its description; empty where feelings were asked for.
        feelings: its feelings; empty where a description was.
    """

    text: str = ""
    feelings: tuple[float, ...] = ()


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

    def prune(self) -> None:
        """Let the answers go that were not wanted for longest, where there are too many."""
        self._drawer.prune()

    def _known_by(self, source: Source | None) -> str:
        if source is None:
            return ""
        if source.path not in self._films:
            self._films[source.path] = film_digest(source.path)
        film = self._films[source.path]
        return f"{film} {source.seconds} {self._model}" if film else ""
