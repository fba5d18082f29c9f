"""How well stems were taken apart, where the true ones are known: SI-SDR in decibels.

Le Roux et al. 2019: the part of an estimate that is the true stem, however loud, against all else.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]

BY_RULES_DB: Mapping[str, float] = MappingProxyType(
    {"harmony": -0.8, "bass": -0.7, "melody": -0.6, "percussion": -2.1}
)
"""What rules alone reach: medians over composed cues; see docs/musicgen.md."""

SILENT_DB = -60.0
"""A true stem this far below the mix does not sound, and is not judged."""


def si_sdr_db(estimate: Floats, truth: Floats) -> float:
    """Scale-invariant signal-to-distortion ratio of two sounds of one shape; -inf for silence."""
    one, other = (np.asarray(sound, np.float64).ravel() for sound in (estimate, truth))
    power = float(other @ other)
    if power <= 0.0 or not one.any():
        return float("-inf")
    wanted = (float(one @ other) / power) * other
    rest = one - wanted
    left = float(rest @ rest)
    return float("inf") if left <= 0.0 else 10 * float(np.log10(float(wanted @ wanted) / left))


def qualities_db(estimates: Mapping[str, Floats], truths: Mapping[str, Floats]) -> dict[str, float]:
    """The SI-SDR of every stem that sounds."""
    mix = sum(np.asarray(truth, np.float64) for truth in truths.values())
    whole = float(np.sum(np.square(mix)))
    found = {}
    for name, truth in truths.items():
        own = float(np.sum(np.square(truth, dtype=np.float64)))
        if own > whole * 10 ** (SILENT_DB / 10):
            found[name] = si_sdr_db(estimates[name], truth)
    return found
