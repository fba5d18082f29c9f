"""Signal: how a view-model says that something changed, with plain functions that listen.

Not for several threads: bridges hand results over in the thread that shows them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Listener = Callable[..., object]


class Signal:
    """Calls its listeners, in the order in which they connected."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []
        self._held = 0

    def connect(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` at every emit; returns what ends that."""
        self._listeners.append(listener)
        return lambda: self.disconnect(listener)

    def disconnect(self, listener: Listener) -> None:
        """Call `listener` no more; nothing happens where it does not listen."""
        if listener in self._listeners:
            self._listeners.remove(listener)

    def emit(self, *values: Any) -> None:
        """Call all that listen now; one that leaves meanwhile is not called any more."""
        if self._held:
            return
        for listener in tuple(self._listeners):
            if listener in self._listeners:
                listener(*values)

    @contextmanager
    def blocked(self) -> Iterator[None]:
        """Emit nothing inside: for a widget that shows what it has just been told itself."""
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
