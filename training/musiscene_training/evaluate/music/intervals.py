"""How sure a mean or a share is, from resampling what it is of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

LEAST = 5
"""Of fewer values nothing is said."""
_SEED = 29


def interval(values: Sequence[float], draws: int = 2000) -> tuple[float | None, float | None]:
    """The 95 % interval of the mean of `values`, by the percentile bootstrap."""
    if len(values) < LEAST or not draws:
        return None, None
    given = np.asarray(values, dtype=np.float64)
    random = np.random.default_rng(_SEED)
    means = given[random.integers(len(given), size=(draws, len(given)))].mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)
