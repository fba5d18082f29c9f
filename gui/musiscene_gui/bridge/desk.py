"""Desk: work done in a thread of its own, its results handed over in the thread that asked.

Every call that may take longer than a frame goes over one: the daemon's socket, the editor, files.
"""

from __future__ import annotations

import logging
import queue
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from PySide6.QtCore import QObject, Qt, QThread, Signal, Slot

from musiscene_core.errors import MusiSceneError
from musiscene_gui.viewmodels.asking import ignored

logger = logging.getLogger(__name__)

T = TypeVar("T")
R = TypeVar("R")
_Job = tuple[Callable[[Any], Any], Callable[[Any], object], Callable[[MusiSceneError], object]]


class _Worker(QThread):
    """Takes work off a queue, opening the tool with the first and closing it at the end."""

    ended = Signal(object)

    def __init__(self, name: str, opened: Callable[[], Any], close: Callable[[Any], object]):
        super().__init__()
        self.setObjectName(name)
        self.work: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._open, self._close = opened, close
        self._tool: Any = None

    def run(self) -> None:
        """Until None comes off the queue."""
        while (job := self.work.get()) is not None:
            work, done, failed = job
            try:
                if self._tool is None:
                    self._tool = self._open()
                result = work(self._tool)
            except MusiSceneError as error:
                self.ended.emit((failed, error, None))
            except Exception as bug:  # noqa: BLE001, RUF100 - raised again where errors are seen
                self.ended.emit((None, None, bug))
            else:
                self.ended.emit((done, result, None))
        if self._tool is not None:
            self._close(self._tool)


class Desk(QObject, Generic[T]):
    """An Asker whose work is done in one thread, in order. Close it before the program ends."""

    def __init__(
        self,
        name: str,
        opened: Callable[[], T],
        close: Callable[[T], object] = ignored,
    ) -> None:
        """Prepare; the thread starts with the first work.

        Args:
            name: of the thread.
            opened: makes what work is done with, in the thread; tried again after it failed.
            close: lets go of it at the end, in the thread.
        """
        super().__init__()
        self._worker = _Worker(name, opened, close)
        self._worker.ended.connect(self._hand_over, Qt.ConnectionType.QueuedConnection)
        self._closed = False
        self._waiting = 0

    @property
    def waiting(self) -> int:
        """How much work was handed over whose end nobody has heard of yet."""
        return self._waiting

    def ask(
        self,
        work: Callable[[T], R],
        done: Callable[[R], object] = ignored,
        failed: Callable[[MusiSceneError], object] = ignored,
    ) -> None:
        """Have `work` done; hear its result by `done`, or its error by `failed`."""
        if self._closed:
            return
        if not self._worker.isRunning():
            self._worker.start()
        self._waiting += 1
        self._worker.work.put((work, done, failed))

    def close(self, timeout_ms: int = 15_000) -> bool:
        """End the thread after the work at hand; returns whether it ended in time."""
        self._closed = True
        if not self._worker.isRunning():
            return True
        while not self._worker.work.empty():
            self._worker.work.get_nowait()
        self._worker.work.put(None)
        return self._worker.wait(timeout_ms)

    @Slot(object)
    def _hand_over(
        self, ended: tuple[Callable[[Any], object] | None, Any, Exception | None]
    ) -> None:
        if self._closed:
            return
        self._waiting -= 1
        then, value, bug = ended
        if bug is not None:
            raise bug
        if then is not None:
            then(value)
