"""How fast this machine reads memory and multiplies, measured once and remembered.

Which kernel is fastest differs between processors by a factor of ten and follows from no table:
where bfloat16 has instructions of its own it halves the time of float32, elsewhere it may double
it. So they are timed, on the shapes at hand, for some tenths of a second.
"""

from __future__ import annotations

import logging
import math
import platform
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import torch

from musiscene_core.codec import read_json, to_json, write_atomically
from musiscene_core.errors import InputError, OutputError
from musiscene_core.neural.linear import (
    ACTIVATIONS,
    KERNELS,
    ROWS_MIX,
    Kernel,
    PackedLinear,
    Precision,
    supported,
)
from musiscene_core.paths import cache_folder

log = logging.getLogger(__name__)

Shape = tuple[int, int]
"""Outputs N, inputs K of a Linear."""

_FILE = "neural-speed.json"
_BEYOND_CACHE_BYTES = 64 << 20
"""Read before each product that is timed: a model's weights do not stay in the cache either."""
_READ_BYTES = 512 << 20
_REPEATS = 9


class Measured(msgspec.Struct, frozen=True):
    """What was measured on a machine.

    Attributes:
        machine: as `machine` names it.
        seconds: by kernel, rows, shape and threads.
        bandwidth: bytes read a second, by threads.
    """

    machine: str
    seconds: dict[str, float]
    bandwidth: dict[str, float]


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
    folder: Path | None = None,
) -> Kernel:
    """The kernel of `precision` that takes the least time for one pass over `shapes`.

    Args:
        precision: how much a weight may take.
        shapes: of every Linear in a step, repeated as often as they occur.
        rows: of their inputs.
        device: where they are; elsewhere than on the processor the plain kernel serves.
        rows_apart: leave out kernels in which rows of a batch influence each other.
        folder: where results are remembered; the cache folder if None.
    """
    kernels = [
        kernel
        for kernel in KERNELS[precision]
        if supported(kernel, device) and not (rows_apart and kernel in ROWS_MIX)
    ]
    if device != "cpu" or len(kernels) == 1:
        return kernels[0]
    times = {kernel: step_seconds(kernel, shapes, rows, folder=folder) for kernel in kernels}
    log.info("a pass over %d products takes %s", len(shapes), times)
    return min(times, key=times.__getitem__)


def step_seconds(
    kernel: Kernel, shapes: Sequence[Shape], rows: int, *, folder: Path | None = None
) -> float:
    """Seconds that one pass over `shapes` takes on this processor, as measured now or before."""
    known = _recall(folder)
    seconds = dict(known.seconds)
    counts = Counter(shapes)
    keys = {shape: _key(kernel, rows, shape) for shape in counts}
    missing = [shape for shape in counts if keys[shape] not in seconds]
    for shape in missing:
        seconds[keys[shape]] = _time_products(kernel, shape, rows)
    if missing:
        _remember(msgspec.structs.replace(known, seconds=seconds), folder)
    return math.fsum(seconds[keys[shape]] * count for shape, count in counts.items())


def read_bandwidth(*, folder: Path | None = None, again: bool = False) -> float:
    """Bytes a second that this process reads from memory with the threads it has.

    No decoder is faster than its weights' bytes over this. `again` measures anew.
    """
    known = _recall(folder)
    key = str(torch.get_num_threads())
    if again or key not in known.bandwidth:
        rate = _measure_bandwidth()
        known = msgspec.structs.replace(known, bandwidth={**known.bandwidth, key: rate})
        _remember(known, folder)
    return known.bandwidth[key]


def _time_products(kernel: Kernel, shape: Shape, rows: int) -> float:
    """The best of several products, before each of which the weights leave the cache.

    The best, since other work on the machine can only add to it, and what is found is kept.
    """
    outputs, inputs = shape
    packed = PackedLinear(torch.empty(outputs, inputs).uniform_(-1, 1), None, kernel, rows)
    x = torch.ones(rows, inputs, dtype=ACTIVATIONS[kernel])
    in_the_way = torch.ones(_BEYOND_CACHE_BYTES // 4)
    with torch.inference_mode():
        return min(_times(lambda: packed(x), before=in_the_way.sum))


def _measure_bandwidth() -> float:
    """Two ways of reading, the faster one: which it is differs between processors."""
    block = torch.ones(_READ_BYTES // 4)
    matrix, ones = block.view(-1, 4096), torch.ones(4096)
    with torch.inference_mode():
        seconds = min(*_times(block.sum), *_times(lambda: matrix @ ones))
    return _READ_BYTES / seconds


def _times(work: Callable[[], object], before: Callable[[], object] = lambda: None) -> list[float]:
    """Seconds that `work` takes, several times, `before` not counted."""
    work()
    taken = []
    for _ in range(_REPEATS):
        before()
        begun = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begun)
    return taken


def _key(kernel: Kernel, rows: int, shape: Shape) -> str:
    return f"{kernel} {rows}x{shape[1]}x{shape[0]} {torch.get_num_threads()}"


def _recall(folder: Path | None) -> Measured:
    path = (folder or cache_folder()) / _FILE
    empty = Measured(machine(), {}, {})
    if not path.exists():
        return empty
    try:
        known = read_json(path, Measured)
    except InputError as error:
        log.warning("measuring again: %s", error)
        return empty
    return known if known.machine == empty.machine and _sensible(known) else empty


def _sensible(known: Measured) -> bool:
    figures = (*known.seconds.values(), *known.bandwidth.values())
    return all(math.isfinite(figure) and figure > 0 for figure in figures)


def _remember(known: Measured, folder: Path | None) -> None:
    try:
        write_atomically((folder or cache_folder()) / _FILE, to_json(known))
    except OutputError as error:
        log.warning("what was measured is not kept: %s", error)
