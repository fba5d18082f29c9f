"""Where the memory runs out in the middle: the same work again, with more room or elsewhere.

as it is -> everything idle unloaded -> on the machine's own processor -> a clear error.
Smaller batches come before, from whoever has one (see residency/oom.py).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from musiscene_core.progress import Progress
from musiscene_daemon.residency.models import ModelSpec
from musiscene_daemon.residency.oom import MAKING_ROOM, DoesNotFitError, attempted, does_not_fit
from musiscene_daemon.residency.residents import Residents

log = logging.getLogger(__name__)

M = TypeVar("M")
T = TypeVar("T")


def with_room(
    residents: Residents,
    rungs: Sequence[ModelSpec[M]],
    work: Callable[[M], T],
    progress: Progress,
) -> T:
    """Do `work` with the first way to hold the model that has room for it.

    Args:
        residents: hold it.
        rungs: ways to hold it, the best one first.
        work: does all of it; may be begun again.
        progress: hears of loading and of each rung.

    Raises:
        EngineError: no way had room.
    """
    for spec in rungs:
        for again in (False, True):
            if again:
                progress(MAKING_ROOM, 0.0)
                log.warning("%s: %d idle models unloaded", spec.name, residents.evict_idle())
            try:
                found = attempted(partial(_held, residents, spec, work, progress))
            except DoesNotFitError:
                # Not even loaded; all idle ones are unloaded already.
                break
            if found:
                return found[0]
            log.warning("out of memory in the middle of the work with %s", spec.name)
    residents.evict_idle()
    raise does_not_fit("The music")


def _held(
    residents: Residents, spec: ModelSpec[M], work: Callable[[M], T], progress: Progress
) -> T:
    with residents.use(spec, progress) as model:
        return work(model)
