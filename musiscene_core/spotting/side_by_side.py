"""Progress of threads that work on one thing: added up, and stopped together."""

from __future__ import annotations

import threading

from musiscene_core.errors import CancelledError
from musiscene_core.progress import Progress


class SideBySide:
    """Adds up the progress of threads, and stops all when one fails or is cancelled."""

    def __init__(self, progress: Progress) -> None:
        """Tell `progress` of the whole, from whichever thread has news, one at a time."""
        self._progress = progress
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._done: dict[int, float] = {}
        self._named: dict[int, float] = {}
        self._stage = ""

    def stop(self) -> None:
        """Make the next call from any thread raise CancelledError."""
        self._stopped.set()

    def part(self, share: float, *, unnamed: bool = False) -> Progress:
        """Progress for one thread, worth `share` of the whole.

        An unnamed part shows under the others' stage while they are at work: two names in turn
        flicker.
        """
        key = len(self._done)
        self._done[key] = 0.0
        if not unnamed:
            self._named[key] = share

        def report(stage: str, fraction: float) -> None:
            if self._stopped.is_set():
                raise CancelledError("Spotting was stopped.")
            with self._lock:
                self._done[key] = share * fraction
                if not (unnamed and self._stage and self._others_work()):
                    self._stage = stage
                self._progress(self._stage, sum(self._done.values()))

        return report

    def _others_work(self) -> bool:
        return any(self._done[key] < share for key, share in self._named.items())
