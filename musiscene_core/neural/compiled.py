"""Products of few rows with weights in 4, 2 or 1 bytes, by loops that numba compiles here.

They read memory about as fast as it can be read, 8-bit weights included, on processors whose
libraries have nothing for them; and no row's result depends on how many rows there are. For many
rows, as when a prompt is read, weights are widened a block at a time for the library's product.

Needs numba. Compiled when first used, for some seconds, and kept on disk where that is possible.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from musiscene_core.neural.dots import STEP, dot_float16, dot_float32, dot_int8, place

log = logging.getLogger(__name__)

MANY_ROWS = 16
"""From here on the library's product of widened weights takes less time."""

_WIDENED = 1 << 20
"""Weights widened at a time: 4 MiB, which a cache holds."""
_STEPS_A_VALUE = 32_767
_WHOLES_AT_MOST = 4096
"""Products of 8 times 16 bits that eight sums of 32 bits hold for certain."""
_SMALLEST = 1e-12
_one_at_a_time = threading.Lock()
"""Of numba's ways to use threads one cannot be used by two at once."""

Product = Callable[..., Tensor]
"""Inputs [.., K] in float32, and whether its rows go apart, to [.., N]."""


def float32(weight: Tensor, bias: Tensor | None) -> Product:
    """The product of weights [N, K] in float32."""
    kept = _padded(weight.to(torch.float32))
    return _product(_in_float32, (kept.numpy(),), kept, None, bias, weight.shape[1])


def float16(weight: Tensor, bias: Tensor | None) -> Product:
    """The product of weights [N, K] in float16, of which none may be too large for it."""
    kept = _padded(weight.to(torch.float16))
    bits = kept.view(torch.uint16).numpy()
    return _product(_in_float16, (bits,), kept, None, bias, weight.shape[1])


def int8(whole: Tensor, steps: Tensor, bias: Tensor | None) -> Product:
    """The product of weights `whole` [N, K] in int8, each times `steps` [N] of its row.

    Rows that go apart become whole numbers of 16 bits, in steps of their largest / 32,767.
    """
    kept, worth = _padded(whole), steps.to(torch.float32).contiguous()
    given = kept.numpy(), worth.numpy()
    return _product(_in_int8, given, kept, worth, bias, whole.shape[1])


def _padded(weight: Tensor) -> Tensor:
    """With zeros up to whole steps of a dot product."""
    missing = -weight.shape[1] % STEP
    return functional.pad(weight, (0, missing)) if missing else weight.contiguous()


def _product(
    compute: Callable[..., None],
    given: tuple[Any, ...],
    kept: Tensor,
    steps: Tensor | None,
    bias: Tensor | None,
    inputs: int,
) -> Product:
    outputs, held = kept.shape
    added = None if bias is None else bias.detach().to(torch.float32)

    def product(x: Tensor, apart: bool = False) -> Tensor:
        flat = x.reshape(-1, inputs)
        if len(flat) >= MANY_ROWS and not apart:
            y = _widened_product(flat, kept[:, :inputs], steps)
        else:
            if held > inputs:
                flat = functional.pad(flat, (0, held - inputs))
            y = flat.new_empty(len(flat), outputs)
            _compute(compute, *given, flat.contiguous().numpy(), y.numpy())
        if added is not None:
            y += added
        return y.view(*x.shape[:-1], outputs)

    return product


def _widened_product(x: Tensor, kept: Tensor, steps: Tensor | None) -> Tensor:
    y = x.new_empty(len(x), len(kept))
    rows = max(1, _WIDENED // kept.shape[1])
    for first in range(0, len(kept), rows):
        part = slice(first, first + rows)
        y[:, part] = x @ kept[part].to(torch.float32).T
    return y if steps is None else y * steps


def _compute(compute: Callable[..., None], *given: Any) -> None:
    threads = min(torch.get_num_threads(), numba.config.NUMBA_NUM_THREADS)
    if threads == 1:
        compute(*given, 0, len(given[0]))
        return
    with _one_at_a_time:
        numba.set_num_threads(threads)
        _IN_PARTS[compute](*given, threads)


def _compiled(function: Callable[..., Any], **more: bool) -> Any:
    try:
        return numba.njit(function, cache=True, nogil=True, **more)
    except RuntimeError as error:
        log.info("compiled anew in each process: %s", error)
        return numba.njit(function, nogil=True, **more)


@_compiled
def _in_float32(w: Any, x: Any, y: Any, first: int, last: int) -> None:
    """Outputs `first` to `last` of x [M, K] by w [N, K], into y [M, N]."""
    count = w.shape[1]
    for n in range(first, last):
        for m in range(x.shape[0]):
            y[m, n] = dot_float32(place(w, n * count), place(x, m * count), count)


@_compiled
def _in_float16(w: Any, x: Any, y: Any, first: int, last: int) -> None:
    """As `_in_float32`, with w in the bits of float16."""
    count = w.shape[1]
    for n in range(first, last):
        for m in range(x.shape[0]):
            y[m, n] = dot_float16(place(w, n * count), place(x, m * count), count)


@_compiled
def _in_int8(w: Any, steps: Any, x: Any, y: Any, first: int, last: int) -> None:
    """As `_in_float32`, with w in int8, each times steps [N]."""
    count = w.shape[1]
    whole = np.empty(x.shape, np.int16)
    worth = np.empty(x.shape[0], np.float32)
    for m in range(x.shape[0]):
        largest = np.float32(_SMALLEST)
        for k in range(count):
            largest = max(largest, abs(x[m, k]))
        scale = np.float32(_STEPS_A_VALUE) / largest
        for k in range(count):
            whole[m, k] = np.int16(np.rint(x[m, k] * scale))
        worth[m] = largest / np.float32(_STEPS_A_VALUE)
    for n in range(first, last):
        for m in range(x.shape[0]):
            total = np.float32(0)
            for begin in range(0, count, _WHOLES_AT_MOST):
                length = min(_WHOLES_AT_MOST, count - begin)
                total += dot_int8(
                    place(w, n * count + begin), place(whole, m * count + begin), length
                )
            y[m, n] = total * (steps[n] * worth[m])


def _float32_parts(w: Any, x: Any, y: Any, parts: int) -> None:
    for part in numba.prange(parts):
        _in_float32(w, x, y, len(w) * part // parts, len(w) * (part + 1) // parts)


def _float16_parts(w: Any, x: Any, y: Any, parts: int) -> None:
    for part in numba.prange(parts):
        _in_float16(w, x, y, len(w) * part // parts, len(w) * (part + 1) // parts)


def _int8_parts(w: Any, steps: Any, x: Any, y: Any, parts: int) -> None:
    for part in numba.prange(parts):
        _in_int8(w, steps, x, y, len(w) * part // parts, len(w) * (part + 1) // parts)


_IN_PARTS = {
    _in_float32: _compiled(_float32_parts, parallel=True),
    _in_float16: _compiled(_float16_parts, parallel=True),
    _in_int8: _compiled(_int8_parts, parallel=True),
}
"""Each, with its outputs cut into as many parts as there are threads."""
