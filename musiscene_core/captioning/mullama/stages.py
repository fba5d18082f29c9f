"""What lies between the products of one decoding step on a processor, in loops that numba compiles.

A small model's step is a few hundred small operations, and to hand each to torch takes longer than
to do it. Every row goes through the same loops over its own length, alone or not: none of its bits
depends on how many rows there are.

Needs numba. Arrays are float32 without gaps; inputs of products as wide as `between.padded` says.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import prange

from musiscene_core.neural.between import power
from musiscene_core.neural.compiled import compiled, in_parts
from musiscene_core.neural.dots import STEP, dot, place


@compiled
def _dot(one: Any, other: Any) -> Any:
    whole = len(one) - len(one) % STEP
    total = np.float32(0)
    if whole:
        total += dot(place(one, 0), place(other, 0), whole)
    for k in range(whole, len(one)):
        total += one[k] * other[k]
    return total


@compiled
def add_and_norm(x: Any, more: Any, weight: Any, eps: float, out: Any) -> None:
    """Add more [B, D], where there is any, to x [B, D]; its root-mean-square norm into out."""
    rows, width = x.shape
    for b in range(rows):
        if more.size:
            for k in range(width):
                x[b, k] += more[b, k]
        _norm(x[b], weight, eps, out[b])


@compiled
def _norm(x: Any, weight: Any, eps: float, out: Any) -> None:
    scale = np.float32(1) / np.sqrt(_dot(x, x) / np.float32(len(x)) + np.float32(eps))
    for k in range(len(x)):
        out[k] = x[k] * scale * weight[k]


@compiled
def turn_and_keep(
    together: Any,
    norms: Any,
    eps: float,
    cosines: Any,
    sines: Any,
    keys: Any,
    values: Any,
    positions: Any,
    first: int,
    last: int,
) -> None:
    """Queries and keys normed, where they are, and turned; keys and values kept at their places.

    Args:
        together: [B, heads + 2 key heads, d] of queries, keys and values; queries stay there.
        norms: [heads + key heads, d] or nothing.
        eps: of the norms.
        cosines: [B, d].
        sines: [B, d], the first half negative.
        keys: the cache's, [B, key heads, places, d].
        values: the cache's, likewise.
        positions: [B].
        first: of the heads of queries and keys, counted through the rows.
        last: likewise, left out.
    """
    width, half = together.shape[2], together.shape[2] // 2
    key_heads = keys.shape[1]
    heads = together.shape[1] - 2 * key_heads
    for one in range(first, last):
        b, h = one // (heads + key_heads), one % (heads + key_heads)
        head = together[b, h]
        if norms.size:
            _norm(head, norms[h], eps, head)
        for k in range(half):
            low, high = head[k], head[k + half]
            head[k] = low * cosines[b, k] + high * sines[b, k]
            head[k + half] = high * cosines[b, k + half] + low * sines[b, k + half]
        if h >= heads:
            g = h - heads
            for k in range(width):
                keys[b, g, positions[b], k] = head[k]
                values[b, g, positions[b], k] = together[b, h + key_heads, k]


@compiled
def attend(
    queries: Any,
    keys: Any,
    values: Any,
    positions: Any,
    constant: Any,
    prefix_keys: Any,
    prefix_values: Any,
    out: Any,
    first: int,
    last: int,
) -> None:
    """What the heads `first` to `last` of all rows, one after the other, find up to their places.

    Args:
        queries: [B, at least heads, d], turned.
        keys: the cache's, [B, key heads, places, d].
        values: the cache's, likewise.
        positions: [B], the last place looked at.
        constant: [B, heads * d] of music that is added, or nothing.
        prefix_keys: [B, heads, Q, d] of music that is attended to by itself, or nothing.
        prefix_values: likewise, gated.
        out: [B, at least heads * d].
        first: of all heads, counted through the rows.
        last: likewise, left out.
    """
    heads = queries.shape[1] - 2 * keys.shape[1]
    width, shared = queries.shape[2], heads // keys.shape[1]
    scores = np.empty(max(keys.shape[2], prefix_keys.shape[2]), np.float32)
    for one in range(first, last):
        b, h = one // heads, one % heads
        found = out[b, h * width : (h + 1) * width]
        for k in range(width):
            found[k] = constant[b, h * width + k] if constant.size else np.float32(0)
        g = h // shared
        _look(queries[b, h], keys[b, g], values[b, g], positions[b] + 1, scores, found)
        if prefix_keys.size:
            count = prefix_keys.shape[2]
            _look(queries[b, h], prefix_keys[b, h], prefix_values[b, h], count, scores, found)


@compiled
def _look(query: Any, keys: Any, values: Any, count: int, scores: Any, found: Any) -> None:
    """Attention of one query to `count` places, added to `found`."""
    width = len(query)
    scale = np.float32(1 / math.sqrt(width))
    highest = np.float32(-np.inf)
    for t in range(count):
        scores[t] = _dot(query, keys[t]) * scale
        highest = max(highest, scores[t])
    total = np.float32(0)
    for t in range(count):
        scores[t] = power(scores[t] - highest)
    for t in range(count):
        total += scores[t]
    for t in range(count):
        share = scores[t] / total
        for k in range(width):
            found[k] += share * values[t, k]


@compiled
def gate(together: Any, out: Any, first: int, last: int) -> None:
    """silu(first half) * second half of together [B, 2 I], into some columns of out [B, .. I]."""
    rows, width = together.shape[0], together.shape[1] // 2
    for b in range(rows):
        for k in range(first, last):
            one = together[b, k]
            less = power(-abs(one))
            part = (less if one < 0 else np.float32(1)) / (np.float32(1) + less)
            out[b, k] = one * part * together[b, width + k]


@compiled
def add_ranks(x: Any, down: Any, up: Any, y: Any, first: int, last: int) -> None:
    """Add x [B, K] through down [R, K] and up [R, N] to some columns of y [B, N]."""
    count = down.shape[1]
    for b in range(x.shape[0]):
        for r in range(down.shape[0]):
            rank = dot(place(down, r * count), place(x, b * count), count)
            for n in range(first, last):
                y[b, n] += rank * up[r, n]


@compiled
def add_bias(bias: Any, y: Any, first: int, last: int) -> None:
    """Add bias [N] to some columns of y [B, N]."""
    for b in range(y.shape[0]):
        for n in range(first, last):
            y[b, n] += bias[n]


@in_parts
def attend_in_parts(
    queries: Any,
    keys: Any,
    values: Any,
    positions: Any,
    constant: Any,
    prefix_keys: Any,
    prefix_values: Any,
    out: Any,
    parts: int,
) -> None:
    """As `attend`, all heads, each part of them by a thread of its own."""
    heads = queries.shape[0] * (queries.shape[1] - 2 * keys.shape[1])
    for part in prange(parts):
        attend(
            queries,
            keys,
            values,
            positions,
            constant,
            prefix_keys,
            prefix_values,
            out,
            heads * part // parts,
            heads * (part + 1) // parts,
        )
