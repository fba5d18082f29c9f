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
from numba import prange
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


def compiled(function: Callable[..., Any], **more: bool) -> Any:
    """`function` compiled when it is first called, and kept on disk where that can be written."""
    try:
        return numba.njit(function, cache=True, nogil=True, **more)
    except RuntimeError as error:
        log.info("compiled anew in each process: %s", error)
        return numba.njit(function, nogil=True, **more)


def in_parts(function: Callable[..., Any]) -> Callable[..., None]:
    """`function`, whose last argument is a number of parts, with a thread for each part."""
    inner = compiled(function, parallel=True)

    def work(*given: Any) -> None:
        with _one_at_a_time:
            numba.set_num_threads(given[-1])
            inner(*given)

    return work


def threads() -> int:
    """How many threads such a function may be given: as many as torch uses, and are there."""
    return min(int(torch.get_num_threads()), int(numba.config.NUMBA_NUM_THREADS))


class Compiled:
    """A product of weights [N, K] that were packed by `float32`, `float16` or `int8`.

    Attributes:
        inputs: K.
        bias: [N] or None.
    """

    def __init__(self, kept: Tensor, steps: Tensor | None, bias: Tensor | None) -> None:
        """Keep weights.

        Args:
            kept: [N, K] in float32, float16 or int8.
            steps: [N], what 1 in a row of `kept` is worth; None where it is worth 1.
            bias: [N].
        """
        self.inputs = kept.shape[1]
        missing = -self.inputs % STEP
        self._kept = functional.pad(kept, (0, missing)) if missing else kept.contiguous()
        self._steps = None if steps is None else steps.to(torch.float32).contiguous()
        self.bias = None if bias is None else bias.detach().to(torch.float32)
        narrow = self._kept.dtype == torch.float16
        weights = (self._kept.view(torch.uint16) if narrow else self._kept).numpy()
        self._few = _FEW[self._kept.dtype]
        self._given = (weights,) if self._steps is None else (weights, self._steps.numpy())

    def __call__(self, x: Tensor, apart: bool = False) -> Tensor:
        """[.., K] in float32 to [.., N].

        Where rows go `apart`, no bit of one depends on how many there are.
        """
        flat = x.reshape(-1, self.inputs)
        if len(flat) >= MANY_ROWS and not apart:
            y = self._widened(flat)
        else:
            flat = functional.pad(flat, (0, self._kept.shape[1] - self.inputs)).contiguous()
            y = flat.new_empty(len(flat), len(self._kept))
            self.into(flat.numpy(), y.numpy())
        if self.bias is not None:
            y += self.bias
        return y.view(*x.shape[:-1], len(self._kept))

    def into(self, x: Any, y: Any) -> None:
        """Rows x [M, K and zeros up to a multiple of STEP], apart, into y [M, N]; without bias."""
        count = threads()
        if count == 1:
            self._few[0](*self._given, x, y, 0, y.shape[1])
        else:
            self._few[1](*self._given, x, y, count)

    def _widened(self, x: Tensor) -> Tensor:
        y = x.new_empty(len(x), len(self._kept))
        rows = max(1, _WIDENED // self._kept.shape[1])
        for first in range(0, len(self._kept), rows):
            part = slice(first, first + rows)
            y[:, part] = x @ self._kept[part, : self.inputs].to(torch.float32).T
        return y if self._steps is None else y * self._steps


def float32(weight: Tensor, bias: Tensor | None) -> Compiled:
    """The product of weights [N, K] in float32."""
    return Compiled(weight.to(torch.float32), None, bias)


def float16(weight: Tensor, bias: Tensor | None) -> Compiled:
    """The product of weights [N, K] in float16, of which none may be too large for it."""
    return Compiled(weight.to(torch.float16), None, bias)


def int8(whole: Tensor, steps: Tensor, bias: Tensor | None) -> Compiled:
    """The product of weights `whole` [N, K] in int8, each times `steps` [N] of its row.

    Few rows become whole numbers of 16 bits, in steps of their largest / 32,767.
    """
    return Compiled(whole, steps, bias)


@compiled
def _in_float32(w: Any, x: Any, y: Any, first: int, last: int) -> None:
    """Outputs `first` to `last` of x [M, K] by w [N, K], into y [M, N]."""
    count = w.shape[1]
    for n in range(first, last):
        for m in range(x.shape[0]):
            y[m, n] = dot_float32(place(w, n * count), place(x, m * count), count)


@compiled
def _in_float16(w: Any, x: Any, y: Any, first: int, last: int) -> None:
    """As `_in_float32`, with w in the bits of float16."""
    count = w.shape[1]
    for n in range(first, last):
        for m in range(x.shape[0]):
            y[m, n] = dot_float16(place(w, n * count), place(x, m * count), count)


@compiled
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


@in_parts
def _float32_parts(w: Any, x: Any, y: Any, parts: int) -> None:
    for part in prange(parts):
        _in_float32(w, x, y, len(w) * part // parts, len(w) * (part + 1) // parts)


@in_parts
def _float16_parts(w: Any, x: Any, y: Any, parts: int) -> None:
    for part in prange(parts):
        _in_float16(w, x, y, len(w) * part // parts, len(w) * (part + 1) // parts)


@in_parts
def _int8_parts(w: Any, steps: Any, x: Any, y: Any, parts: int) -> None:
    for part in prange(parts):
        _in_int8(w, steps, x, y, len(w) * part // parts, len(w) * (part + 1) // parts)


_FEW = {
    torch.float32: (_in_float32, _float32_parts),
    torch.float16: (_in_float16, _float16_parts),
    torch.int8: (_in_int8, _int8_parts),
}
"""By what the weights are: all outputs by one thread, and in as many parts as there are threads."""
