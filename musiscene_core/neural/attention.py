"""Attention of single positions to a cache in float16, in loops that numba compiles.

A step late in a long window reads more of its cache than of its weights. In float16 the cache is
half as much to read, which torch's own attention takes longer over on processors than over
float32.

Needs numba.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numba import prange
from torch import Tensor

from musiscene_core.neural.compiled import compiled, in_parts, threads
from musiscene_core.neural.dots import STEP, dot_float16, dot_float32, place

_LOWEST = np.float32(-87.0)
"""Below it, e to the power of it is nothing beside 1 in float32."""
_LOG2_E = np.float32(1.442695)
# 2^f for f from 0 to 1: the polynomial of degree 5 nearest to it, off by 2e-7 at most.
_C5, _C4, _C3 = np.float32(1.8775767e-3), np.float32(8.9893397e-3), np.float32(5.5826318e-2)
_C2, _C1, _C0 = np.float32(2.4015361e-1), np.float32(6.9315308e-1), np.float32(9.9999994e-1)


class HalfCache:
    """Keys and values of one layer in float16: few rows, many positions.

    Attributes:
        keys: [rows, heads, room, size].
        values: [rows, heads, size, room], positions side by side.
    """

    def __init__(self, rows: int, heads: int, room: int, size: int) -> None:
        """Room for at least `room` positions; `size` must be one that `serves` accepts."""
        room = -(-room // STEP) * STEP
        self.keys = torch.zeros(rows, heads, room, size, dtype=torch.float16)
        self.values = torch.zeros(rows, heads, size, room, dtype=torch.float16)
        self._bits = tuple(
            one.view(torch.uint16).numpy().reshape(rows * heads, *one.shape[2:])
            for one in (self.keys, self.values)
        )

    @staticmethod
    def serves(size: int) -> bool:
        """Whether heads of `size` can be attended to here."""
        return size % STEP == 0

    def keep(self, first: int, keys: Tensor, values: Tensor) -> None:
        """Write positions from `first` on: [rows, heads, n, size] each."""
        last = first + keys.shape[2]
        self.keys[:, :, first:last] = keys
        self.values[..., first:last] = values.transpose(-1, -2)

    def widened(self, count: int) -> tuple[Tensor, Tensor]:
        """The first `count` positions in float32, [rows, heads, count, size] each."""
        return self.keys[:, :, :count].float(), self.values[..., :count].transpose(-1, -2).float()

    def attend(self, query: Tensor, count: int) -> Tensor:
        """What `query` [rows, heads, size] in float32 finds among the first `count` positions."""
        flat = query.reshape(-1, query.shape[-1])
        found = torch.empty_like(flat)
        parts = min(threads(), len(flat))
        given = (flat.numpy(), *self._bits, found.numpy(), count)
        if parts == 1:
            _attend(*given, 0, len(flat))
        else:
            _attend_parts(*given, parts)
        return found.view(query.shape)


@compiled
def _attend(q: Any, keys: Any, values: Any, out: Any, count: int, first: int, last: int) -> None:
    """Heads `first` to `last` of q [n, size] over keys [n, room, size], values [n, size, room]."""
    room, size = keys.shape[1], keys.shape[2]
    scale = np.float32(1.0 / np.sqrt(size))
    whole = -(-count // STEP) * STEP
    scores = np.empty(whole, np.float32)
    # Zero past `count`, where the cache may hold anything that is a number.
    weights = np.zeros(whole, np.float32)
    ones = np.ones(whole, np.float32)
    for head in range(first, last):
        largest = np.float32(-np.inf)
        for t in range(count):
            scores[t] = dot_float16(
                place(keys, (head * room + t) * size), place(q, head * size), size
            )
            largest = max(largest, scores[t])
        _exponentials(scores, largest, scale, weights, count)
        total = dot_float32(place(weights, 0), place(ones, 0), whole)
        for d in range(size):
            at = place(values, (head * size + d) * room)
            out[head, d] = dot_float16(at, place(weights, 0), whole) / total


@compiled
def _exponentials(x: Any, largest: Any, scale: Any, out: Any, count: int) -> None:
    """E to the power of (x - largest) * scale, none of it above 0, for the first `count`."""
    bits = np.empty(count, np.int32)
    for t in range(count):
        power = max((x[t] - largest) * scale, _LOWEST) * _LOG2_E
        below = np.floor(power)
        f = power - below
        out[t] = ((((_C5 * f + _C4) * f + _C3) * f + _C2) * f + _C1) * f + _C0
        bits[t] = (np.int32(below) + np.int32(127)) << np.int32(23)
    powers = bits.view(np.float32)
    for t in range(count):
        out[t] *= powers[t]


@in_parts
def _attend_parts(q: Any, keys: Any, values: Any, out: Any, count: int, parts: int) -> None:
    for part in prange(parts):
        _attend(q, keys, values, out, count, len(q) * part // parts, len(q) * (part + 1) // parts)
