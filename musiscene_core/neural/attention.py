"""Attention of single positions to a cache, in loops that numba compiles.

A step late in a long window reads as much of its cache as of its weights. In float16 the cache is
half as much to read, which torch's own attention takes longer over on processors than over
float32; in int8 it is a quarter. Of whole numbers every key and every value of a head has a step of
its own, its largest number / 127, and so have the query and the shares, / 32,767.

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
from musiscene_core.neural.blocks import BLOCK, mixed, scores
from musiscene_core.neural.compiled import compiled, in_parts, threads
from musiscene_core.neural.dots import STEP, inputs_for, largest, place, pointer, put, to_whole

_SMALLEST = np.float32(1e-12)
_LEVELS = np.float32(32_767)
_FEW_LEVELS = np.float32(127)


class Cache:
    """Keys and values of one layer: few rows, many positions.

    Attributes:
        dtype: float32, float16 or int8.
        room: positions, at least as many as were asked for.
        keys: [rows, heads, room / BLOCK, padded size, BLOCK]; in int8 [rows, heads, room / BLOCK,
            padded size / 2, BLOCK, 2].
        values: [rows, heads, room, padded size]; in int8 [rows, heads, room / 2, padded size, 2].
        steps: what 1 in a key and in a value is worth, [2, rows, heads, room]; only in int8.
        arrays: keys, values and both steps as the loops see them, a row's heads side by side.
    """

    def __init__(
        self, rows: int, heads: int, room: int, size: int, dtype: torch.dtype = torch.float16
    ) -> None:
        """Room for at least `room` positions of heads of a size."""
        self.dtype, self.room, self._size = dtype, padded(room), size
        self._whole = padded(size)
        pairs = 2 if dtype == torch.int8 else 1
        self.keys = torch.zeros(
            rows, heads, self.room // BLOCK, self._whole // pairs, BLOCK, pairs, dtype=dtype
        )
        self.values = torch.zeros(rows, heads, self.room // pairs, self._whole, pairs, dtype=dtype)
        self.steps = torch.zeros(2, rows, heads, self.room if pairs == 2 else 0)
        both = [one.view(torch.uint16) if dtype == torch.float16 else one for one in self._both]
        self.arrays = (
            *(one.numpy().reshape(rows * heads, -1) for one in both),
            *self.steps.numpy().reshape(2, rows * heads, -1),
        )

    @property
    def addresses(self) -> tuple[int, ...]:
        """Of the arrays."""
        return tuple(one.ctypes.data for one in self.arrays)

    @property
    def _both(self) -> tuple[Tensor, Tensor]:
        return self.keys, self.values

    def keep(self, first: int, keys: Tensor, values: Tensor) -> None:
        """Write positions from `first` on: [rows, heads, n, size] each."""
        places = torch.arange(first, first + keys.shape[2])
        missing = self._whole - self._size
        pairs = self.keys.shape[-1]
        ready = [functional.pad(one, (0, missing)).float() for one in (keys, values)]
        if pairs == 2:
            for one, steps in zip(ready, self.steps, strict=True):
                most = one.abs().amax(-1, keepdim=True).clamp(min=float(_SMALLEST))
                steps[:, :, places] = most[..., 0] / float(_FEW_LEVELS)
                one.mul_(float(_FEW_LEVELS) / most).round_()
        by_place = [one.to(self.dtype).permute(2, 0, 1, 3) for one in ready]
        in_pairs = by_place[0].unflatten(-1, (-1, pairs))
        self.keys[:, :, places // BLOCK, :, places % BLOCK] = in_pairs
        self.values[:, :, places // pairs, :, places % pairs] = by_place[1]

    def widened(self, count: int) -> tuple[Tensor, Tensor]:
        """The first `count` positions in float32, [rows, heads, count, size] each."""
        keys = self.keys.permute(0, 1, 2, 4, 3, 5).flatten(4).flatten(2, 3)
        values = self.values.transpose(-1, -2).flatten(2, 3)
        wide = [one[:, :, :count, : self._size].float() for one in (keys, values)]
        if self.dtype == torch.int8:
            wide = [
                one * steps[:, :, :count, None] for one, steps in zip(wide, self.steps, strict=True)
            ]
        return wide[0], wide[1]

    def attend(self, query: Tensor, count: int) -> Tensor:
        """What `query` [rows, heads, size] in float32 finds among the first `count` positions."""
        flat = query.reshape(-1, self._size)
        asked = functional.pad(flat, (0, self._whole - self._size))
        found = torch.empty_like(flat)
        parts = min(threads(), len(flat))
        ones = np.ones(self.room, np.float32)
        given = (asked.numpy(), *self.arrays, self.room, found.numpy(), count, ones)
        if parts == 1:
            _attend(*given, 0, len(flat))
        else:
            _attend_parts(*given, parts)
        return found.reshape(query.shape)


@compiled
def write(
    like: Any,
    keys: int,
    values: int,
    key_steps: int,
    value_steps: int,
    at: int,
    key: Any,
    value: Any,
    wide: Any,
    work: Any,
) -> None:
    """Put a key and a value [size] of one head in the cache at the addresses of that head's.

    Args:
        like: any array of the cache's type.
        keys: the address of the head's, and
        values: likewise, and
        key_steps: likewise, and
        value_steps: likewise; both are only looked at for int8.
        at: which position.
        key: to be kept.
        value: likewise.
        wide: [padded size] to work in, and
        work: [2 * padded size] in int16.
    """
    pairs = 2 if like.itemsize == 1 else 1
    size = len(work) // 2
    block = at // BLOCK * BLOCK * size + at % BLOCK * pairs
    row = at // pairs * pairs * size + at % pairs
    worth_of = pointer(_NOTHING, key_steps), pointer(_NOTHING, value_steps)
    if pairs == 2:
        for one, number, worth in ((key, 0, worth_of[0]), (value, 1, worth_of[1])):
            # Vectors are read whole: behind a head lie the next one's numbers, or nobody's.
            wide[: len(one)] = one
            wide[len(one) :] = np.float32(0)
            most = max(largest(place(wide, 0), size), _SMALLEST)
            to_whole(place(wide, 0), _FEW_LEVELS / most, place(work, number * size), size)
            worth[at] = most / _FEW_LEVELS
    for d in range(len(key)):
        there = block + d // pairs * pairs * BLOCK + d % pairs
        if pairs == 2:
            put(pointer(like, keys), there, work[d])
            put(pointer(like, values), row + d * pairs, work[size + d])
        else:
            put(pointer(like, keys), there, key[d])
            put(pointer(like, values), row + d, value[d])


_NOTHING = np.zeros(0, np.float32)


@compiled
def look(
    like: Any,
    keys: int,
    values: int,
    key_steps: int,
    value_steps: int,
    query: Any,
    size: int,
    count: int,
    chances: Any,
    whole: Any,
    ones: Any,
    out: Any,
) -> None:
    """What one head finds among the first `count` positions.

    Args:
        like: any array of the cache's type.
        keys: the address of the head's, and
        values: likewise, and
        key_steps: likewise, and
        value_steps: likewise; both are only looked at for int8.
        query: [padded size], written over.
        size: of a head.
        count: positions looked at.
        chances: [room] to work in, and
        whole: [room] in int16; both no shorter than the padded size.
        ones: [room].
        out: [size or more] to be filled.
    """
    width, many = len(query), -(-count // STEP) * STEP
    at_keys, at_values = pointer(like, keys), pointer(like, values)
    asked, scale, back = place(query, 0), np.float32(1.0 / np.sqrt(size)), np.float32(1)
    at_chances, at_whole = place(chances, 0), place(whole, 0)
    worth = pointer(ones, key_steps)
    if like.itemsize == 1:
        scale *= _made_whole(asked, at_whole, width)
    inputs = inputs_for(at_keys, asked, at_whole)
    scores(at_keys, worth, inputs, width, -(-count // BLOCK) * BLOCK, at_chances, at_values)
    shares(chances, count, scale, many, ones)
    if like.itemsize == 1:
        each = pointer(ones, value_steps)
        for t in range(count):
            chances[t] *= each[t]
        back = _made_whole(at_chances, at_whole, many)
    mixed(at_values, inputs_for(at_values, at_chances, at_whole), width, many, asked)
    for d in range(size):
        out[d] = query[d] * back


@compiled
def _made_whole(numbers: Any, whole: Any, count: int) -> Any:
    """Numbers as int16; what 1 is then worth. Pointers, `count` a multiple of STEP."""
    most = max(largest(numbers, count), _SMALLEST)
    to_whole(numbers, _LEVELS / most, whole, count)
    return most / _LEVELS


@compiled
def _attend(
    q: Any,
    keys: Any,
    values: Any,
    key_steps: Any,
    value_steps: Any,
    room: int,
    out: Any,
    count: int,
    ones: Any,
    first: int,
    last: int,
) -> None:
    """Heads `first` to `last` of q [n, padded size] over a cache's arrays, into out [n, size]."""
    width = max(room, q.shape[1])
    chances, whole = np.empty(width, np.float32), np.empty(width, np.int16)
    for head in range(first, last):
        look(
            keys,
            keys[head].ctypes.data,
            values[head].ctypes.data,
            key_steps[head].ctypes.data,
            value_steps[head].ctypes.data,
            q[head],
            out.shape[1],
            count,
            chances,
            whole,
            ones,
            out[head],
        )


@in_parts
def _attend_parts(
    q: Any,
    keys: Any,
    values: Any,
    key_steps: Any,
    value_steps: Any,
    room: int,
    out: Any,
    count: int,
    ones: Any,
    parts: int,
) -> None:
    for part in prange(parts):
        first, last = len(q) * part // parts, len(q) * (part + 1) // parts
        _attend(q, keys, values, key_steps, value_steps, room, out, count, ones, first, last)
