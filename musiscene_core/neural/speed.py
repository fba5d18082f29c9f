"""How fast this machine reads memory and multiplies, measured once and remembered.

Which kernel is fastest differs between processors by a factor of ten and follows from no table:
where bfloat16 has instructions of its own it halves the time of float32, elsewhere it may double
it. So they are timed, on the shapes at hand, for some tenths of a second.

Other work on the machine makes a kernel look slow. Candidates are timed in turns, so that it hits
them alike; the least time ever found counts; and what was found while the machine was busy, or that
varied, is timed again some other hour, a few times.
"""

from __future__ import annotations

import logging
import math
import os
import platform
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec
import torch

from musiscene_core.codec import read_json, to_json, write_atomically
from musiscene_core.errors import InputError, OutputError
from musiscene_core.neural.linear import (
    ACTIVATIONS,
    KERNELS,
    ROWS_APART,
    ROWS_MIX,
    Kernel,
    PackedLinear,
    Precision,
    supported,
)
from musiscene_core.paths import SPEED_FILE, cache_folder

log = logging.getLogger(__name__)

Shape = tuple[int, int]
"""Outputs N, inputs K of a Linear."""
_Name = TypeVar("_Name", bound=str)

_BEYOND_CACHE_BYTES = 64 << 20
"""Read before each product that is timed: a model's weights do not stay in the cache either."""
_READ_BYTES = 512 << 20
_TIMED_WEIGHTS = 16 << 20
"""Of a larger product only so many are timed, some of its outputs, and the rest reckoned."""
_REPEATS = 9
_NEARLY = 1.15
"""A kernel that is so near to the fastest, and serves a batch in one pass, is taken before it."""
_CALM_SPREAD = 1.25
_CALM_LOAD = 0.75
_AGAIN_AFTER_S = 3600.0
_MOST_TRIALS = 6


class Timing(msgspec.Struct, frozen=True):
    """How long something takes, and how far that is to be trusted.

    Attributes:
        seconds: the least of all trials.
        spread: the median over the least, in the last trial.
        load: processes at work for each core then, over a minute; 0 where that cannot be known.
        trials: how often it was timed, several times each.
        at: when last, in seconds since 1970.
    """

    seconds: float
    spread: float
    load: float
    trials: int
    at: float

    @property
    def calm(self) -> bool:
        """Whether the machine had little else to do."""
        return self.spread <= _CALM_SPREAD and self.load <= _CALM_LOAD

    def due(self, now: float) -> bool:
        """Whether to time it again."""
        later = not 0 <= now - self.at < _AGAIN_AFTER_S
        return not self.calm and self.trials < _MOST_TRIALS and later

    def after(self, known: Timing | None) -> Timing:
        """One trial together with those before it."""
        if known is None:
            return self
        least = min(self.seconds, known.seconds)
        return msgspec.structs.replace(self, seconds=least, trials=known.trials + 1)


class Measured(msgspec.Struct, frozen=True):
    """What was measured on a machine.

    Attributes:
        machine: as `machine` names it.
        timings: by kernel, rows, shape and threads; and of reading memory, by threads.
    """

    machine: str
    timings: dict[str, Timing]


def machine() -> str:
    """Name this machine and this torch, as far as speed depends on them."""
    parts = (
        platform.node(),
        platform.machine(),
        torch.backends.cpu.get_cpu_capability(),
        torch.__version__,
    )
    return " ".join(parts)


def fastest(
    precision: Precision,
    shapes: Sequence[Shape],
    rows: int,
    *,
    device: str = "cpu",
    rows_apart: bool = False,
    near: float = _NEARLY,
    folder: Path | None = None,
) -> Kernel:
    """The kernel of `precision` that takes the least time for one pass over `shapes`.

    Args:
        precision: how much a weight may take.
        shapes: of every Linear in a step, repeated as often as they occur.
        rows: of their inputs.
        device: where they are; elsewhere than on the processor the plain kernel serves.
        rows_apart: leave out kernels in which rows of a batch influence each other, and prefer
            those that keep them apart in one pass.
        near: how many times as long as the fastest these may take.
        folder: where results are remembered; the cache folder if None.
    """
    kernels = [
        kernel
        for kernel in KERNELS[precision]
        if supported(kernel, device) and not (rows_apart and kernel in ROWS_MIX)
    ]
    if device != "cpu" or len(kernels) == 1:
        return kernels[0]
    _time_missing(kernels, shapes, rows, folder)
    times = {kernel: step_seconds(kernel, shapes, rows, folder=folder) for kernel in kernels}
    log.info("a pass over %d products takes %s", len(shapes), times)
    best = min(times, key=times.__getitem__)
    apart = [one for one in kernels if rows_apart and one in ROWS_APART]
    taken = [one for one in apart if times[one] <= near * times[best]]
    return min(taken, key=times.__getitem__) if taken else best


def timed(
    precision: Precision, shapes: Sequence[Shape], rows: int, *, folder: Path | None = None
) -> bool:
    """Whether `fastest` would answer for these at once, from what is remembered."""
    timings, now = _recall(folder).timings, time.time()
    for shape in dict.fromkeys(shapes):
        keys = [_key(kernel, rows, shape) for kernel in KERNELS[precision]]
        found = [timings[key] for key in keys if key in timings]
        if not found or any(one.due(now) for one in found):
            return False
    return True


def step_seconds(
    kernel: Kernel, shapes: Sequence[Shape], rows: int, *, folder: Path | None = None
) -> float:
    """Seconds that one pass over `shapes` takes on this processor, as measured now or before."""
    timings = _time_missing([kernel], shapes, rows, folder)
    counts = Counter(shapes)
    return math.fsum(
        timings[_key(kernel, rows, shape)].seconds * count for shape, count in counts.items()
    )


def read_bandwidth(*, folder: Path | None = None, again: bool = False) -> float:
    """Bytes a second that this process reads from memory with the threads it has.

    No decoder is faster than its weights' bytes over this. `again` measures anew, and tells of that
    trial alone.
    """
    known = _recall(folder)
    key = f"read {torch.get_num_threads()}"
    found = known.timings.get(key)
    if again or found is None or found.due(time.time()):
        trial = _timing(_time_reading())
        found = trial if again else trial.after(found)
        _remember(known, {key: trial.after(known.timings.get(key))}, folder)
    return _READ_BYTES / found.seconds


def _time_missing(
    kernels: Sequence[Kernel], shapes: Sequence[Shape], rows: int, folder: Path | None
) -> dict[str, Timing]:
    """All that is known once what is not, or is to be timed again, was timed for all kernels."""
    known = _recall(folder)
    now = time.time()
    found: dict[str, Timing] = {}
    for shape in dict.fromkeys(shapes):
        keys = {kernel: _key(kernel, rows, shape) for kernel in kernels}
        before = {kernel: known.timings.get(key) for kernel, key in keys.items()}
        if all(timing is not None and not timing.due(now) for timing in before.values()):
            continue
        for kernel, seconds in _time_products(kernels, shape, rows).items():
            found[keys[kernel]] = _timing(seconds).after(before[kernel])
    return _remember(known, found, folder).timings if found else known.timings


def _time_products(kernels: Sequence[Kernel], shape: Shape, rows: int) -> dict[Kernel, list[float]]:
    """Seconds of several products of each kernel; the weights have left the cache before each."""
    outputs, inputs = shape
    timed = min(outputs, max(1, _TIMED_WEIGHTS // inputs))
    weight = torch.empty(timed, inputs).uniform_(-1, 1)
    packed = {kernel: PackedLinear(weight, None, kernel, rows) for kernel in kernels}
    given = {kernel: torch.ones(rows, inputs, dtype=ACTIVATIONS[kernel]) for kernel in kernels}
    in_the_way = torch.ones(_BEYOND_CACHE_BYTES // 4)
    works = {kernel: lambda one=packed[kernel], x=given[kernel]: one(x) for kernel in kernels}
    with torch.inference_mode():
        times = _times(works, before=in_the_way.sum)
    return {one: [each * outputs / timed for each in taken] for one, taken in times.items()}


def _timing(seconds: Sequence[float]) -> Timing:
    least = min(seconds)
    load = os.getloadavg()[0] / (os.cpu_count() or 1) if hasattr(os, "getloadavg") else 0.0
    return Timing(least, sorted(seconds)[len(seconds) // 2] / least, load, 1, time.time())


def _time_reading() -> list[float]:
    """Two ways of reading, the faster one: which it is differs between processors."""
    block = torch.ones(_READ_BYTES // 4)
    matrix, ones = block.view(-1, 4096), torch.ones(4096)
    with torch.inference_mode():
        times = _times({"sum": block.sum, "product": lambda: matrix @ ones})
    return min(times.values(), key=min)


def _times(
    works: Mapping[_Name, Callable[[], object]], before: Callable[[], object] = lambda: None
) -> dict[_Name, list[float]]:
    """Seconds that each of `works` takes, several times in turns, `before` not counted."""
    taken: dict[_Name, list[float]] = {name: [] for name in works}
    for work in works.values():
        work()
    for _ in range(_REPEATS):
        for name, work in works.items():
            before()
            begun = time.perf_counter()
            work()
            taken[name].append(time.perf_counter() - begun)
    return taken


def _key(kernel: Kernel, rows: int, shape: Shape) -> str:
    return f"{kernel} {rows}x{shape[1]}x{shape[0]} {torch.get_num_threads()}"


def _recall(folder: Path | None) -> Measured:
    path = (folder or cache_folder()) / SPEED_FILE
    empty = Measured(machine(), {})
    if not path.exists():
        return empty
    try:
        known = read_json(path, Measured)
    except InputError as error:
        log.warning("measuring again: %s", error)
        return empty
    return known if known.machine == empty.machine and _sensible(known) else empty


def _sensible(known: Measured) -> bool:
    figures = [(each.seconds, each.spread) for each in known.timings.values()]
    return all(math.isfinite(figure) and figure > 0 for pair in figures for figure in pair)


def _remember(known: Measured, found: dict[str, Timing], folder: Path | None) -> Measured:
    """`known` with what was `found`, kept where that is possible."""
    whole = msgspec.structs.replace(known, timings={**known.timings, **found})
    try:
        write_atomically((folder or cache_folder()) / SPEED_FILE, to_json(whole))
    except OutputError as error:
        log.warning("what was measured is not kept: %s", error)
    return whole
