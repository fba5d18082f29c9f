"""Let a producer run ahead of its consumer in a thread of its own, by a bounded number of items.

Decoding and measuring both release the interpreter's lock, so two cores share the work.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Generator
from typing import TypeVar

T = TypeVar("T")
_POLL_S = 0.1
"""How long either side waits before it looks whether it is still wanted."""


class _End:
    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def run_ahead(
    items: Generator[T, None, None], depth: int, waiting: Callable[[], None]
) -> Generator[T, None, None]:
    """The same items, made up to `depth` ahead. Close it: the thread is joined then, always.

    Args:
        items: the producer; closed in the thread that ran it.
        depth: how many items may wait.
        waiting: called now and then while nothing is ready; may raise to give up.

    Raises:
        BaseException: whatever `items` or `waiting` raised.
    """
    ready: queue.Queue[T | _End] = queue.Queue(maxsize=depth)
    stop = threading.Event()

    def put(item: T | _End) -> None:
        while not stop.is_set():
            with contextlib.suppress(queue.Full):
                ready.put(item, timeout=_POLL_S)
                return

    def produce() -> None:
        try:
            with contextlib.closing(items):
                for item in items:
                    put(item)
                    if stop.is_set():
                        return
            put(_End())
        except BaseException as error:
            put(_End(error))

    thread = threading.Thread(target=produce, name="decode", daemon=True)
    thread.start()
    try:
        while True:
            try:
                item = ready.get(timeout=_POLL_S)
            except queue.Empty:
                waiting()
                continue
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item
    finally:
        stop.set()
        thread.join()
