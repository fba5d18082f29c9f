"""Short-term loudness as a curve from 0 to 1.

Each value is the momentary loudness (EBU Tech 3341) around its hop, mapped in decibels:
QUIET_LUFS and below is 0, LOUD_LUFS and above is 1. Half way, -35 LUFS, is a murmur; dialogue
sits near 0.7, loud music near 0.85.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from musiscene_core.brief import Curve
from musiscene_core.loudness import STEP_S, LoudnessMeter, momentary

Floats = npt.NDArray[np.float32]

HOP_S = STEP_S
QUIET_LUFS = -60.0
LOUD_LUFS = -10.0
MAX_VALUES = 6_000
"""Values a curve has at most; a range over ten minutes long is sampled more coarsely."""

_SLOTS_PER_S = round(1 / HOP_S)


class LoudnessListener:
    """Hears a soundtrack block by block; keeps one number every HOP_S (80 bytes/s)."""

    def __init__(self, sample_rate: int) -> None:
        self._meter = LoudnessMeter(sample_rate, channels=1, slots_per_s=_SLOTS_PER_S)

    def push(self, samples: Floats) -> None:
        """Hear the next samples [n]."""
        self._meter.hear(samples[None])

    def finish(self) -> Floats:
        """Loudness in LUFS [n], one every HOP_S; silence is SILENCE_LUFS."""
        return momentary(self._meter.finish(), _SLOTS_PER_S).astype(np.float32)


def loudness_curve(lufs: Floats) -> Curve:
    """The curve of `lufs` [n], one every HOP_S, at no more than MAX_VALUES values."""
    step = max(1, -(-len(lufs) // MAX_VALUES))
    scaled = np.clip((lufs - QUIET_LUFS) / (LOUD_LUFS - QUIET_LUFS), 0.0, 1.0).astype(np.float64)
    means = np.add.reduceat(scaled, np.arange(0, len(scaled), step)) if len(scaled) else scaled
    if len(scaled):
        means[:-1] /= step
        means[-1] /= len(scaled) - step * (len(means) - 1)
    return Curve(
        hop_s=round(HOP_S * step, 3), values=tuple(round(float(value), 3) for value in means)
    )
