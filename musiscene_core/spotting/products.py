"""Matrix products on the calling thread alone.

A threaded BLAS splits even small products over all cores and waits for the slowest; beside a
decoder that uses those cores too, waking the threads costs more than the product.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

_LARGEST = 200_000
"""Multiplications in one call; OpenBLAS starts threads from 262144 on."""


def product(rows: Floats, weight: Floats) -> Floats:
    """`rows` [n, k] times `weight` [k, m], in pieces too small for BLAS to split: [n, m]."""
    count, inner = rows.shape
    size = max(1, _LARGEST // max(1, weight.size))
    whole = count // size * size
    result = np.empty((count, weight.shape[1]), np.float32)
    pieces = rows[:whole].reshape(-1, size, inner) @ weight
    result[:whole] = pieces.reshape(whole, weight.shape[1])
    if whole < count:
        result[whole:] = rows[whole:] @ weight
    return result
