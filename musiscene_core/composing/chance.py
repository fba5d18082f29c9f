"""Chance that repeats: one stream of random numbers per seed and stage of the work.

Knows nothing of music. Only PCG64's plain doubles are drawn, so the numbers are the same on every
machine, and a change in one stage leaves the others' draws alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar
from zlib import crc32

from numpy.random import PCG64, Generator, SeedSequence

T = TypeVar("T")


class Dice:
    """A stream of random choices for one `stage` of composing under `seed`."""

    def __init__(self, seed: int, stage: str) -> None:
        entropy = SeedSequence([seed, crc32(stage.encode())])
        self._generator = Generator(PCG64(entropy))

    def uniform(self, low: float, high: float) -> float:
        """A number in [low, high)."""
        return low + (high - low) * float(self._generator.random())

    def chance(self, probability: float) -> bool:
        """True with `probability`."""
        return float(self._generator.random()) < probability

    def pick(self, choices: Sequence[T]) -> T:
        """One of `choices`, all alike."""
        return choices[int(float(self._generator.random()) * len(choices))]

    def weighted(self, choices: Sequence[tuple[T, float]]) -> T:
        """One of `choices`, each with its weight, 0 or more; the first where all are 0."""
        left = float(self._generator.random()) * sum(weight for _, weight in choices)
        for value, weight in choices:
            left -= weight
            if left < 0:
                return value
        return max(choices, key=lambda choice: choice[1])[0]

    def sway(self, size: float) -> float:
        """A number around 0, never beyond `size`, most often near 0."""
        return (float(self._generator.random()) - float(self._generator.random())) * size
