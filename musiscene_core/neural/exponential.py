"""Functions made of e to the power of x, exact to a few last bits, as vector instructions.

Polynomial and the splitting of ln 2: Moshier's Cephes library, expf.

Needs numba.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from musiscene_core.neural.compiled import compiled
from musiscene_core.neural.dots import power_of_two

_LOWEST = np.float32(-87.0)
"""Below it, e to the power of it is nothing beside 1 in float32."""
_LOG2_E = np.float32(1.44269504)
_LN2_HIGH, _LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)
_C7, _C6, _C5 = np.float32(1.9875691500e-4), np.float32(1.3981999507e-3), np.float32(8.3334519e-3)
_C4, _C3, _C2 = np.float32(4.1665795894e-2), np.float32(1.6666665459e-1), np.float32(5.0000001e-1)
_HALF, _ONE, _TWO, _ZERO = np.float32(0.5), np.float32(1), np.float32(2), np.float32(0)


@compiled
def less_one(x: Any) -> Any:
    """E to the power of a float32 that is not above 0, less 1."""
    x = max(x, _LOWEST)
    whole = np.floor(x * _LOG2_E + _HALF)
    r = x - whole * _LN2_HIGH - whole * _LN2_LOW
    near = (((((_C7 * r + _C6) * r + _C5) * r + _C4) * r + _C3) * r + _C2) * r * r + r
    scale = power_of_two(np.int32(whole))
    return scale * near + (scale - _ONE)


@compiled
def elu(x: Any) -> Any:
    """X, and e to the power of x less 1 where it is below 0; no number stays none."""
    return less_one(x) if x <= _ZERO else x


@compiled
def sigmoid(x: Any) -> Any:
    """1 / (1 + e to the power of -x)."""
    e = less_one(-abs(x)) + _ONE
    return (_ONE if x >= _ZERO else e) / (_ONE + e)


@compiled
def tanh(x: Any) -> Any:
    """The hyperbolic tangent."""
    less = less_one(-_TWO * abs(x))
    size = -less / (_TWO + less)
    return size if x >= _ZERO else -size
