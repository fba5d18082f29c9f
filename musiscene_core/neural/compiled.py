"""Products of few rows with weights in 4, 2 or 1 bytes, by loops that numba compiles here.

They read memory about as fast as it can be read, 8-bit weights included, on processors whose
libraries have nothing for them; and no row's result depends on how many rows there are. For many
rows, as when a prompt is read, weights are widened a block at a time for the library's product.

Needs numba. Compiled when first used, for some seconds, and kept on disk where that is possible.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import torch
from numba import prange
from torch import Tensor
from torch.nn import functional

from musiscene_core.neural import threads as threads_of
from musiscene_core.neural.dots import (
    STEP,
    four_by_one,
    four_by_two,
    inputs_for,
    largest,
    place,
    pointer,
    to_whole,
)
from musiscene_core.neural.kept import bound_to_sources

log = logging.getLogger(__name__)

MANY_ROWS = 16
"""From here on the library's product of widened weights takes less time."""

_WIDENED = 1 << 20
"""Weights widened at a time: 4 MiB, which a cache holds."""
_STEPS_A_VALUE = 32_767
_SMALLEST = 1e-12
_one_at_a_time = threading.Lock()
"""Of numba's ways to use threads one cannot be used by two at once."""


def compiled(function: Callable[..., Any], **more: bool) -> Any:
    """`function` compiled when it is first called, and kept on disk where that can be written.

    It raises nothing: what is divided by zero is no number.
    """
    try:
        made = numba.njit(function, cache=True, nogil=True, error_model="numpy", **more)
    except RuntimeError as error:
        log.info("compiled anew in each process: %s", error)
        made = numba.njit(function, nogil=True, error_model="numpy", **more)
    return bound_to_sources(made)


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


def spare_threads() -> int:
    """How many more may compute while other programs rest: the core that is left to them.

    None where someone chose a number.
    """
    chosen = torch.get_num_threads() != threads_of.default_threads()
    if chosen or os.environ.get(threads_of.THREADS_VARIABLE):
        return 0
    return max(0, min(threads_of.cores(), int(numba.config.NUMBA_NUM_THREADS)) - threads())


class Compiled:
    """A product of weights [N, K] that were packed by `float32`, `float16` or `int8`.

    Attributes:
        inputs: K.
        bias: [N] or None.
        weights: [N, K and zeros up to a multiple of STEP], as the loops see them.
        addresses: of the weights, and of what each row's are worth: float32 [N], 0 for 1.
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
        self.weights = (self._kept.view(torch.uint16) if narrow else self._kept).numpy()
        self.addresses = (
            self.weights.ctypes.data,
            0 if self._steps is None else self._steps.numpy().ctypes.data,
        )

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
        whole, worth = wholes(self.weights, x.shape[0], x.shape[1])
        given = (self.weights, *self.addresses, x, whole, worth, y)
        count = threads()
        if count == 1:
            _all(*given)
        else:
            _in_parts(*given, count)

    def _widened(self, x: Tensor) -> Tensor:
        y = x.new_empty(len(x), len(self._kept))
        rows = max(1, _WIDENED // self._kept.shape[1])
        for first in range(0, len(self._kept), rows):
            part = slice(first, first + rows)
            y[:, part] = x @ self._kept[part, : self.inputs].to(torch.float32).T
        return y if self._steps is None else y * self._steps


def compiled_product(linear: Any) -> Compiled:
    """The product of a linear that numba compiled: what steps of one function are made of.

    Raises:
        AssertionError: another kernel makes it.
    """
    found = linear.product
    if not isinstance(found, Compiled):
        raise AssertionError("a whole step takes products that numba compiled")
    return found


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


def wholes(like: Any, rows: int, inputs: int) -> tuple[Any, Any]:
    """Room for `ready`: for int8 [rows, inputs] in int16 and [rows] in float32, else nothing."""
    if like.dtype != np.int8:
        return np.zeros((0, 0), np.int16), np.zeros(0, np.float32)
    return np.empty((rows, inputs), np.int16), np.empty(rows, np.float32)


@compiled
def ready(x: Any, rows: int, whole: Any, worth: Any) -> None:
    """Inputs [rows, K] for products with int8, as `wholes` has room; nothing where it has none."""
    if worth.size == 0:
        return
    count = x.shape[1]
    for m in range(rows):
        at = place(x, m * count)
        most = max(largest(at, count), np.float32(_SMALLEST))
        to_whole(at, np.float32(_STEPS_A_VALUE) / most, place(whole, m * count), count)
        worth[m] = most / np.float32(_STEPS_A_VALUE)


@compiled
def product(
    like: Any,
    weights: int,
    steps: int,
    x: Any,
    whole: Any,
    worth: Any,
    rows: int,
    y: Any,
    first: int,
    last: int,
) -> None:
    """Outputs `first` to `last` of the first rows of x by w [N, K], rows apart.

    Args:
        like: any array of the weights' type.
        weights: the address of w.
        steps: of what each row of w is worth; 0 for 1.
        x: [M, K].
        whole: [M, K], what `ready` made of it, and
        worth: [M], likewise.
        rows: how many of them.
        y: [M, N] to be filled.
        first: of the outputs.
        last: the one after.
    """
    count = x.shape[1]
    each = pointer(worth, steps)
    apart = -(-(last - first) // 4)
    for at in range(first, first + apart):
        n, o, p, q = at, at + apart, at + 2 * apart, at + 3 * apart
        # Where four rows do not come out even, the last one is taken again.
        o, p, q = min(o, last - 1), min(p, last - 1), min(q, last - 1)
        w = pointer(like, weights)
        rows_of = place(w, n * count), place(w, o * count), place(w, p * count), place(w, q * count)
        m = 0
        while m < rows:
            begin = m * count
            inputs = inputs_for(w, place(x, begin), place(whole, begin))
            if rows - m >= 2:
                a, b, c, d, e, f, g, h = four_by_two(rows_of, inputs, count, count)
                if steps:
                    other = worth[m + 1]
                    e, f = e * (each[n] * other), f * (each[o] * other)
                    g, h = g * (each[p] * other), h * (each[q] * other)
                y[m + 1, n], y[m + 1, o], y[m + 1, p], y[m + 1, q] = e, f, g, h
            else:
                a, b, c, d = four_by_one(rows_of, inputs, count, count)
            if steps:
                one = worth[m]
                a, b = a * (each[n] * one), b * (each[o] * one)
                c, d = c * (each[p] * one), d * (each[q] * one)
            y[m, n], y[m, o], y[m, p], y[m, q] = a, b, c, d
            m += 2


@compiled
def _all(like: Any, weights: int, steps: int, x: Any, whole: Any, worth: Any, y: Any) -> None:
    ready(x, len(x), whole, worth)
    product(like, weights, steps, x, whole, worth, len(x), y, 0, y.shape[1])


@in_parts
def _in_parts(
    like: Any,
    weights: int,
    steps: int,
    x: Any,
    whole: Any,
    worth: Any,
    y: Any,
    parts: int,
) -> None:
    ready(x, len(x), whole, worth)
    count = y.shape[1]
    for part in prange(parts):
        first, last = count * part // parts, count * (part + 1) // parts
        product(like, weights, steps, x, whole, worth, len(x), y, first, last)
