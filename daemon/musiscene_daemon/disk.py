"""The disk's thread: one piece of work at a time, so that the socket never waits for the disk.

Whoever begins a piece leaves what it works with alone until it was finished. Knows neither the
job table nor the library.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


class Disk:
    """Does what takes time. `begin` and `finish` are for one thread, the socket's."""

    def __init__(self, wake: Callable[[], None]) -> None:
        """Call `wake`, on the disk's thread, whenever a piece of work is over."""
        self._wake = wake
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="disk")
        self._under_way: tuple[Future[object], Callable[[], None]] | None = None

    @property
    def busy(self) -> bool:
        """Whether a piece of work was begun and not finished."""
        return self._under_way is not None

    def begin(self, work: Callable[[], T], then: Callable[[Future[T]], None]) -> None:
        """Have `work` done; `finish` hands its result, or what it raised, to `then`."""
        if self._under_way is not None:
            raise RuntimeError("the disk does one thing at a time")
        future = self._pool.submit(work)
        self._under_way = future, lambda: then(future)  # type: ignore[assignment]
        future.add_done_callback(lambda _: self._wake())

    def finish(self, *, wait: bool = False) -> None:
        """Finish the piece of work that is over, if one is; `wait` until it is."""
        if self._under_way is None:
            return
        future, then = self._under_way
        if wait or future.done():
            future.exception()
            self._under_way = None
            then()

    def stop(self) -> None:
        """End, after the piece of work that is under way."""
        self._pool.shutdown()
