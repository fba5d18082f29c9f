"""Beats at one tempo throughout: the comb of a few percent around a tempo that meets most onsets.

A beat tracker wanders where soft music has no onsets for a while; music that keeps its tempo is
followed better by one line through all of it. Knows nothing of sound.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from musiscene_core.spotting.onsets import RATE

Doubles = npt.NDArray[np.float64]

_REACH = 0.03
_STEPS = 241
_SPREAD = 1.5
"""Width in frames by which an onset may miss a tooth."""


def even_beats(pulses: Doubles, bpm: float) -> Doubles:
    """Beats in seconds [m] at the tempo near `bpm` that fits prepared pulses [n, bands] best."""
    curve = _smoothed(pulses.sum(axis=1))
    best, found = -np.inf, np.zeros(0)
    for period in 60.0 * RATE / (bpm * np.linspace(1 - _REACH, 1 + _REACH, _STEPS)):
        count = int((len(curve) - 1) / period)
        if count < 2:
            continue
        phases = np.arange(int(period))
        teeth = phases[:, None] + period * np.arange(count)
        met = np.interp(teeth, np.arange(len(curve)), curve).mean(axis=1)
        first = int(met.argmax())
        if met[first] > best:
            best = float(met[first])
            found = np.arange(first, len(curve), period) / RATE
    return found


def _smoothed(values: Doubles) -> Doubles:
    reach = 5
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / _SPREAD) ** 2)
    return np.convolve(values, kernel / kernel.sum(), mode="same")
