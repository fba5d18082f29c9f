"""The panel's end of the daemon's socket: what is asked of it, and what it tells by itself.

Two threads with a connection each: the Desk asks, the Ear hears how jobs stand. A question to a
frozen daemon may take seconds, which must not hold up the news of what is being made.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, Qt, QThread, QTimer, Signal, Slot

from musiscene_core.errors import MusiSceneError
from musiscene_core.protocol import Client, JobInfo, connect
from musiscene_gui.bridge.coalescing import Latest
from musiscene_gui.bridge.desk import Desk
from musiscene_gui.viewmodels.observable import Signal as Observable

logger = logging.getLogger(__name__)

CLIENT_NAME = "musiscene-panel"
NEWS_MS = 16
"""Progress is shown at most this often, however fast it comes."""
_LOOK_AGAIN_S = 0.4


class _Ear(QThread):
    """Listens to all jobs, looking for a daemon as long as there is none. Never starts one."""

    found = Signal()
    lost = Signal(object)
    waiting_news = Signal()

    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__()
        self.setObjectName("daemon-ear")
        self.heard: Latest[str, JobInfo] = Latest()
        self._options = {**options, "start": False, "client": CLIENT_NAME}
        self._stop = threading.Event()

    def run(self) -> None:
        """Until told to stop."""
        known = True
        while not self._stop.is_set():
            try:
                with connect(**self._options) as client:
                    known = True
                    self._tell(client.jobs())
                    self.found.emit()
                    for job in client.watch(wanted=lambda: not self._stop.is_set()):
                        self._tell((job,))
            except MusiSceneError as error:
                if known:
                    self.lost.emit(error)
                known = False
            self._stop.wait(_LOOK_AGAIN_S)

    def stop(self) -> None:
        """Have it end soon."""
        self._stop.set()

    def _tell(self, jobs: tuple[JobInfo, ...]) -> None:
        # One waking signal for all that is heard until it is taken, or a flood fills Qt's queue.
        fresh = [self.heard.put(job.id, job) for job in jobs]
        if any(fresh):
            self.waiting_news.emit()


class DaemonBridge(QObject):
    """An Asker of the daemon's clients, which also tells how jobs stand.

    Attributes:
        found: emits nothing, once a daemon is there (again).
        lost: emits the error, once it is not.
        jobs_changed: emits the jobs that changed, the last state of each.
    """

    def __init__(self, **options: Any) -> None:
        """Prepare to connect, with the options of `connect`; `start` looks on."""
        super().__init__()
        self.found, self.lost, self.jobs_changed = Observable(), Observable(), Observable()
        asking = {"client": CLIENT_NAME, **options}
        self._desk: Desk[Client] = Desk(
            "daemon-desk", lambda: connect(**asking), lambda client: client.close()
        )
        self._ear = _Ear({key: value for key, value in options.items() if key == "daemon"})
        queued = Qt.ConnectionType.QueuedConnection
        self._ear.found.connect(self._say_found, queued)
        self._ear.lost.connect(self._say_lost, queued)
        self._ear.waiting_news.connect(self._collect, queued)
        self._timer = QTimer(self, singleShot=True, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._hand_over)
        self._told = 0.0

    def start(self) -> None:
        """Begin to look for a daemon; starts none."""
        self._ear.start()

    def ask(
        self,
        work: Callable[[Client], Any],
        done: Callable[[Any], object] = lambda _: None,
        failed: Callable[[MusiSceneError], object] = lambda _: None,
    ) -> None:
        """As Asker.ask; starts a daemon where none runs."""
        self._desk.ask(work, done, failed)

    def close(self) -> None:
        """End both threads. Jobs go on."""
        self._ear.stop()
        self._desk.close()
        self._ear.wait(10_000)

    @Slot()
    def _say_found(self) -> None:
        self.found.emit()

    @Slot(object)
    def _say_lost(self, error: MusiSceneError) -> None:
        self.lost.emit(error)

    @Slot()
    def _collect(self) -> None:
        if not self._timer.isActive():
            since_ms = (time.monotonic() - self._told) * 1000
            self._timer.start(max(0, round(NEWS_MS - since_ms)))

    @Slot()
    def _hand_over(self) -> None:
        self._told = time.monotonic()
        jobs = self._ear.heard.take()
        if jobs:
            self.jobs_changed.emit(jobs)
