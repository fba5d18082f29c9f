"""Attention of single positions to a cache, in loops that numba compiles.

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
from torch.nn import functional

from musiscene_core.neural.between import padded, shares
from musiscene_core.neural.compiled import compiled, in_parts, threads
from musiscene_core.neural.dots import STEP, dot, place, pointer, put


class Cache:
    """Keys and values of one layer: few rows, many positions.

    Attributes:
        keys: [rows, heads, room, padded size].
        values: [rows, heads, padded size, room], positions side by side.
        bits: both [rows * heads, .., ..], as the loops see them.
    """

    def __init__(
        self, rows: int, heads: int, room: int, size: int, dtype: torch.dtype = torch.float16
    ) -> None:
        """Room for at least `room` positions, in float16 or float32."""
        room, whole = padded(room), padded(size)
        self._size = size
        self.keys = torch.zeros(rows, heads, room, whole, dtype=dtype)
        self.values = torch.zeros(rows, heads, whole, room, dtype=dtype)
        self.bits = tuple(
            (one.view(torch.uint16) if dtype == torch.float16 else one)
            .numpy()
            .reshape(rows * heads, *one.shape[2:])
            for one in (self.keys, self.values)
        )

    def keep(self, first: int, keys: Tensor, values: Tensor) -> None:
        """Write positions from `first` on: [rows, heads, n, size] each."""
        last = first + keys.shape[2]
        self.keys[:, :, first:last, : self._size] = keys
        self.values[:, :, : self._size, first:last] = values.transpose(-1, -2)

    def widened(self, count: int) -> tuple[Tensor, Tensor]:
        """The first `count` positions in float32, [rows, heads, count, size] each."""
        keys = self.keys[:, :, :count, : self._size]
        values = self.values[:, :, : self._size, :count].transpose(-1, -2)
        return keys.float(), values.float()

    def attend(self, query: Tensor, count: int) -> Tensor:
        """What `query` [rows, heads, size] in float32 finds among the first `count` positions."""
        flat = query.reshape(-1, self._size)
        whole = functional.pad(flat, (0, self.keys.shape[-1] - self._size))
        found = torch.empty_like(whole)
        parts = min(threads(), len(flat))
        ones = np.ones(self.keys.shape[2], np.float32)
        given = (whole.numpy(), *self.bits, found.numpy(), self._size, count, ones)
        if parts == 1:
            _attend(*given, 0, len(flat))
        else:
            _attend_parts(*given, parts)
        return found[:, : self._size].reshape(query.shape)


@compiled
def write(like: Any, keys: int, values: int, room: int, at: int, key: Any, value: Any) -> None:
    """Put a key and a value [size] of one head in the cache at the addresses of that head's."""
    size = padded_size(len(key))
    for d in range(len(key)):
        put(pointer(like, keys), at * size + d, key[d])
        put(pointer(like, values), d * room + at, value[d])


@compiled
def padded_size(size: int) -> int:
    """As `padded`."""
    return -(-size // STEP) * STEP


@compiled
def look(
    like: Any,
    keys: int,
    values: int,
    room: int,
    query: Any,
    size: int,
    count: int,
    weights: Any,
    ones: Any,
    out: Any,
) -> None:
    """What one head finds among the first `count` positions.

    Args:
        like: any array of the cache's type.
        keys: the address of the head's, and
        values: likewise.
        room: positions in the cache.
        query: [padded size].
        size: of a head.
        count: positions looked at.
        weights: [room] to work in.
        ones: [room].
        out: [size or more] to be filled.
    """
    width, whole = len(query), -(-count // STEP) * STEP
    at_keys, at_values = pointer(like, keys), pointer(like, values)
    for t in range(count):
        weights[t] = dot(place(at_keys, t * width), place(query, 0), width)
    shares(weights, count, np.float32(1.0 / np.sqrt(size)), whole, ones)
    for d in range(size):
        out[d] = dot(place(at_values, d * room), place(weights, 0), whole)


@compiled
def _attend(
    q: Any,
    keys: Any,
    values: Any,
    out: Any,
    size: int,
    count: int,
    ones: Any,
    first: int,
    last: int,
) -> None:
    """Heads `first` to `last` of q [n, size] over keys [n, room, size], values [n, size, room]."""
    room = keys.shape[1]
    step = keys.shape[1] * keys.shape[2] * keys.itemsize
    weights = np.empty(room, np.float32)
    for head in range(first, last):
        at_keys, at_values = keys.ctypes.data + head * step, values.ctypes.data + head * step
        look(keys, at_keys, at_values, room, q[head], size, count, weights, ones, out[head])


@in_parts
def _attend_parts(
    q: Any, keys: Any, values: Any, out: Any, size: int, count: int, ones: Any, parts: int
) -> None:
    for part in prange(parts):
        first, last = len(q) * part // parts, len(q) * (part + 1) // parts
        _attend(q, keys, values, out, size, count, ones, first, last)
