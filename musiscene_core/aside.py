"""Work that says nothing for seconds, done aside: who waits for it is asked, and may leave.

Libraries that are imported, weights that are packed, loops that are compiled: none of these can be
stopped between two looks at whether they are wanted.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor, wait
from typing import TypeVar

from musiscene_core.errors import CancelledError
from musiscene_core.progress import Progress

T = TypeVar("T")

ASKED_EVERY_S = 0.1


class _Told:
    """What the work said last; the end of it, once nobody waits."""

    def __init__(self, stage: str, fraction: float) -> None:
        self.last = stage, fraction
        self.left = False

    def __call__(self, stage: str, fraction: float) -> None:
        if self.left:
            raise CancelledError("Nobody waits for this any more.")
        self.last = stage, fraction


def aside(
    work: Callable[[Progress], T],
    progress: Progress,
    stage: str,
    fraction: float = 0.0,
    *,
    on: Executor | None = None,
) -> T:
    """What `work` gives, on another thread, while `progress` is told ten times a second.

    Args:
        work: is given a progress of its own, which ends it once nobody waits. It should change
            nothing that outlives it: it goes on until it next tells something.
        progress: what it raises ends the waiting.
        stage: told until `work` tells another.
        fraction: the same.
        on: has the thread; where it has a single one, what comes next waits for what was left.
    """
    told = _Told(stage, fraction)
    threads = on or ThreadPoolExecutor(1, "aside")
    done = threads.submit(work, told)
    if on is None:
        threads.shutdown(wait=False)
    try:
        progress(*told.last)
        while wait([done], ASKED_EVERY_S).not_done:
            progress(*told.last)
    finally:
        told.left = True
    try:
        return done.result()
    finally:
        # An error's traceback would hold this frame, and this frame the error.
        del done
