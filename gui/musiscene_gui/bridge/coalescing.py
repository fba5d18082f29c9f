"""Latest: news by key between two threads, of which only the last about each key is kept."""

from __future__ import annotations

import threading
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Latest(Generic[K, V]):
    """A mailbox for any number of threads."""

    def __init__(self) -> None:
        self._news: dict[K, V] = {}
        self._guard = threading.Lock()

    def put(self, key: K, value: V) -> bool:
        """Keep `value` in place of what was said of `key`; returns whether it was all taken."""
        with self._guard:
            empty = not self._news
            # Out and in again: what changed last comes last.
            self._news.pop(key, None)
            self._news[key] = value
            return empty

    def take(self) -> tuple[V, ...]:
        """All that was said since the last time, each key once, in the order of its last news."""
        with self._guard:
            news = tuple(self._news.values())
            self._news.clear()
        return news
