"""A worker looks for garbage among all its objects between jobs, and not while one is at work.

With torch, transformers and a compiler's types in memory that takes up to a second, and holds every
thread up meanwhile: the job could not be cancelled, and its worker would be killed for it. Young
garbage, which most of it is, is freed all the time as ever.
"""

from __future__ import annotations

import gc
import queue
import time
from typing import TypeVar

T = TypeVar("T")

IDLE_S = 1.0
"""Without a job for so long, a worker has the time."""
_OVERDUE_S = 300.0
"""A worker that is never idle takes the time so often, before a job."""
_NEVER = 1 << 30


class Garbage:
    """When to look for it. One thread's."""

    def __init__(self) -> None:
        """Look at nothing but young objects, from now on and in the whole process."""
        young, middle, _ = gc.get_threshold()
        gc.set_threshold(young, middle, _NEVER)
        self._looked = time.monotonic()

    def next(self, jobs: queue.SimpleQueue[T]) -> T:
        """The next job; garbage is looked for while there is none."""
        try:
            job = jobs.get(timeout=IDLE_S)
        except queue.Empty:
            self._look()
            return jobs.get()
        if time.monotonic() - self._looked > _OVERDUE_S:
            self._look()
        return job

    def _look(self) -> None:
        gc.collect()
        self._looked = time.monotonic()
