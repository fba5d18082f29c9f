"""Out of memory after all: the rungs of a ladder, each tried before the job is given up.

smaller batch (halved down to 1) -> evict everything idle -> once more -> a clear error.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from musiscene_core.errors import EngineError
from musiscene_core.progress import Progress, silent

log = logging.getLogger(__name__)

T = TypeVar("T")

MAKING_ROOM = "Making room"
"""The stage that a user sees while a rung is taken."""

_FRAMEWORKS = ("torch",)
_PROCESSOR_FULL = ("DefaultCPUAllocator: can't allocate memory", "Cannot allocate memory (12)")
"""How torch says that the machine's own memory is full, also where a file is to be mapped."""


class OutOfMemory(Exception):  # noqa: N818 - the frameworks' name, and caught like theirs
    """A device has no room for what was asked of it."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether `error` is ours, Python's or a framework's word for a full device."""
    if isinstance(error, OutOfMemory | MemoryError):
        return True
    if type(error) is RuntimeError and any(words in str(error) for words in _PROCESSOR_FULL):
        return True
    return any(
        kind.__name__ == "OutOfMemoryError" and kind.__module__.split(".")[0] in _FRAMEWORKS
        for kind in type(error).__mro__
    )


class DoesNotFitError(EngineError):
    """Everything idle is unloaded, and there is no room all the same."""


def does_not_fit(what: str) -> DoesNotFitError:
    """The error at the top of the ladder, about `what`."""
    return DoesNotFitError(
        f"{what} did not fit into the device's memory.",
        hint="Mark a shorter range, close programs that use it, or choose a smaller engine.",
    )


def with_oom_ladder(
    step: Callable[[int], T],
    batch: int,
    *,
    tidy: Callable[[], None],
    evict: Callable[[], int],
    progress: Progress = silent,
) -> T:
    """Do `step`, with less at a time and then with more room where memory does not suffice.

    Args:
        step: does all of the work, at most so many items at a time; may be begun again.
        batch: items at a time, to begin with; from 1 up.
        tidy: frees what a failed step left behind.
        evict: unloads every idle model; returns how many there were.
        progress: hears of each rung.

    Raises:
        EngineError: it did not fit at all.
    """
    while True:
        results = attempted(partial(step, batch))
        if results:
            return results[0]
        tidy()
        progress(MAKING_ROOM, 0.0)
        if batch <= 1:
            break
        batch //= 2
        log.warning("out of memory: again with a batch of %d", batch)
    log.warning("out of memory with a batch of 1: %d idle models unloaded, once more", evict())
    progress(MAKING_ROOM, 0.0)
    results = attempted(partial(step, batch))
    if results:
        return results[0]
    tidy()
    log.error("out of memory with everything idle unloaded: given up")
    raise does_not_fit("The work")


def attempted(step: Callable[[], T]) -> tuple[T, ...]:
    """What `step` gave, in a tuple; an empty one where it found no room.

    Nothing of the error survives this call: its traceback would hold what filled the device.
    """
    try:
        return (step(),)
    except Exception as error:
        if not is_out_of_memory(error):
            raise
    return ()
