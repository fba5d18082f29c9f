"""SettingsModel: what is remembered from one start to the next, wherever that is kept."""

from __future__ import annotations

from typing import Literal, Protocol, get_args

from musiscene_gui.viewmodels.observable import Signal

Language = Literal["", "en", "de"]
"""Empty for the system's own."""
RECENT_FILES = 8


class Store(Protocol):
    """Keeps texts by name."""

    def read(self, name: str) -> str:
        """What was written last; empty where nothing was."""

    def write(self, name: str, text: str) -> None:
        """Keep a text."""


class SettingsModel:
    """The user's settings. What is kept may be anything: nonsense counts as nothing.

    Attributes:
        changed: emits nothing, when a setting changes.
    """

    def __init__(self, store: Store) -> None:
        self.changed = Signal()
        self._store = store

    @property
    def language(self) -> Language:
        """Of the panel."""
        kept = self._store.read("language")
        return next((known for known in get_args(Language) if known == kept), "")

    @language.setter
    def language(self, language: Language) -> None:
        self._write("language", language)

    @property
    def welcomed(self) -> bool:
        """Whether the first-run page was closed."""
        return self._store.read("welcomed") == "yes"

    @welcomed.setter
    def welcomed(self, welcomed: bool) -> None:
        self._write("welcomed", "yes" if welcomed else "")

    @property
    def recent(self) -> tuple[str, ...]:
        """Paths of files that were opened, the last one first."""
        return tuple(filter(None, self._store.read("recent").split("\n")))[:RECENT_FILES]

    def opened(self, path: str) -> None:
        """Remember a file that was opened."""
        rest = [one for one in self.recent if one != path]
        self._write("recent", "\n".join([path, *rest][:RECENT_FILES]))

    @property
    def takes(self) -> int:
        """How many takes to ask for."""
        kept = self._store.read("takes")
        return int(kept) if kept.isascii() and kept.isdigit() and 1 <= int(kept[:3]) <= 16 else 3

    @takes.setter
    def takes(self, takes: int) -> None:
        self._write("takes", str(takes))

    def _write(self, name: str, text: str) -> None:
        if self._store.read(name) != text:
            self._store.write(name, text)
            self.changed.emit()
