"""How a view-model has work done elsewhere: what it hands over, and how it hears of the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from musiscene_core.errors import MusiSceneError

T_co = TypeVar("T_co", covariant=True)
R = TypeVar("R")


def ignored(_: object) -> None:
    """For results and errors that nobody needs to hear of."""


class Asker(Protocol, Generic[T_co]):
    """Whoever has work done with a T (a client of the daemon, an editor), in its own thread.

    Work is done in order. `done` and `failed` are called in the asking thread, one of them once,
    unless the asker is closed before.
    """

    def ask(
        self,
        work: Callable[[T_co], R],
        done: Callable[[R], object] = ignored,
        failed: Callable[[MusiSceneError], object] = ignored,
    ) -> None:
        """Have `work` done; hear its result by `done`, or its error by `failed`."""
