"""What lies between the products of a layer, in loops that numba compiles into vector instructions.

Every row goes through the same loops over its own length: none of its bits depends on how many
rows there are. Arrays are float32 without gaps, rows as wide as `padded` says, zeros behind.

Needs numba.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from musiscene_core.neural.compiled import compiled
from musiscene_core.neural.dots import STEP, dot, place, power_of_two

_LOWEST = np.float32(-87.0)
"""Below it, e to the power of it is nothing beside 1 in float32."""
_LOG2_E = np.float32(1.442695)
# 2^f for f from 0 to 1: the polynomial of degree 5 nearest to it, off by 2e-7 at most.
_C5, _C4, _C3 = np.float32(1.8775767e-3), np.float32(8.9893397e-3), np.float32(5.5826318e-2)
_C2, _C1, _C0 = np.float32(2.4015361e-1), np.float32(6.9315308e-1), np.float32(9.9999994e-1)
# The error function, off by 1.5e-7 at most: Abramowitz and Stegun, formula 7.1.26.
_P = np.float32(0.3275911)
_A1, _A2, _A3 = np.float32(0.254829592), np.float32(-0.284496736), np.float32(1.421413741)
_A4, _A5 = np.float32(-1.453152027), np.float32(1.061405429)
_HALF, _ONE, _ROOT = np.float32(0.5), np.float32(1), np.float32(0.5**0.5)


def padded(width: int) -> int:
    """The width [.., K] of an input must have, zeros behind: whole steps of a dot product."""
    return -(-width // STEP) * STEP


@compiled
def power(x: Any) -> Any:
    """E to the power of a float32 that is not above 0."""
    two = max(x, _LOWEST) * _LOG2_E
    below = np.floor(two)
    f = two - below
    fraction = ((((_C5 * f + _C4) * f + _C3) * f + _C2) * f + _C1) * f + _C0
    # What is no number is none in `fraction` already, whatever power of two comes of it.
    return fraction * power_of_two(np.int32(below))


@compiled
def shares(x: Any, count: int, scale: Any, whole: int, ones: Any) -> None:
    """Softmax of the first `count` of x * scale in place, zeros from there up to `whole`.

    `ones` are at least `whole`, a multiple of STEP, as is the length of x.
    """
    highest = np.float32(-np.inf)
    for t in range(count):
        highest = max(highest, x[t])
    for t in range(count):
        x[t] = power((x[t] - highest) * scale)
    for t in range(count, whole):
        x[t] = np.float32(0)
    over = _ONE / dot(place(x, 0), place(ones, 0), whole)
    for t in range(count):
        x[t] *= over


@compiled
def layer_norm(x: Any, rows: int, width: int, weight: Any, bias: Any, ones: Any, out: Any) -> None:
    """The first rows of x [M, padded width] with mean 0 and variance 1, times weight, plus bias."""
    whole = x.shape[1]
    for m in range(rows):
        mean = dot(place(x, m * whole), place(ones, 0), whole) / np.float32(width)
        for k in range(width):
            out[m, k] = x[m, k] - mean
        at = place(out, m * whole)
        scale = _ONE / np.sqrt(dot(at, at, whole) / np.float32(width) + np.float32(1e-5))
        for k in range(width):
            out[m, k] = out[m, k] * scale * weight[k] + bias[k]


@compiled
def gelu(x: Any, rows: int, first: int, last: int) -> None:
    """X times the chance that a normal number is below it, in place, for some columns."""
    for m in range(rows):
        # A part that begins at 0: loops whose places may be negative do not become vectors.
        part = x[m, first:last]
        for k in range(len(part)):
            one = part[k]
            size = abs(one) * _ROOT
            t = _ONE / (_ONE + _P * size)
            tail = ((((_A5 * t + _A4) * t + _A3) * t + _A2) * t + _A1) * t * power(-size * size)
            less = one * _HALF * tail
            part[k] = less if one < 0 else one - less
