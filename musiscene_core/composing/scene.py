"""The scene as the composer reads it: a brief's curves normalised and asked by time.

Knows nothing of music.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from musiscene_core.brief import DIMENSIONS, SceneBrief

Array = npt.NDArray[np.float64]

_NEUTRAL = tuple(1.0 / len(DIMENSIONS) for _ in DIMENSIONS)
_FLAT = 0.03
"""A curve whose spread is below this tells nothing about when."""


@dataclass(frozen=True)
class Mood:
    """A feeling: weights in brief.DIMENSIONS order, valence and arousal -1 to 1."""

    weights: tuple[float, ...]
    valence: float
    arousal: float

    def weight(self, dimension: str) -> float:
        """The weight of one dimension."""
        return self.weights[DIMENSIONS.index(dimension)]

    @property
    def tension(self) -> float:
        """How tense it is, 0 to 1."""
        fear = sum(self.weight(name) for name in ("anxious", "scary", "indignant"))
        return _unit(0.6 * fear + 0.25 * (self.arousal + 1) / 2 + 0.25 * max(0.0, -self.valence))

    def distance(self, other: Mood) -> float:
        """How different two moods are, 0 to about 2."""
        apart = sum(abs(a - b) for a, b in zip(self.weights, other.weights, strict=True)) / 2
        return apart + (abs(self.valence - other.valence) + abs(self.arousal - other.arousal)) / 4


class Scene:
    """A brief, ready to be asked what happens between two cue times in seconds."""

    def __init__(self, brief: SceneBrief) -> None:
        rate, record = brief.timeline.rate, brief.timeline.record
        self.brief = brief
        self.length_s = float(rate.seconds(record.length))
        points = brief.emotion_curve.points
        self._hop_s = brief.emotion_curve.hop_s
        rows = [(*_weights(p.weights), p.valence, p.arousal) for p in points]
        self._emotion = np.asarray(rows or [(*_NEUTRAL, 0.0, 0.0)], dtype=np.float64)
        self._arousal = _Relative(self._emotion[:, -1], self._hop_s)
        curves = brief.curves
        self._motion = _Relative(curves.motion.array(), curves.motion.hop_s) if curves else None
        self._saliency = (
            _Relative(curves.saliency.array(), curves.saliency.hop_s) if curves else None
        )
        self._speech = tuple((region.start_s, region.end_s) for region in brief.dialogue)

    def mood(self, start_s: float, end_s: float) -> Mood:
        """The mean mood over [start_s, end_s)."""
        first, last = _window(start_s, end_s, self._hop_s, len(self._emotion))
        mean = [round(float(value), 9) for value in self._emotion[first:last].mean(axis=0)]
        return Mood(tuple(mean[:-2]), mean[-2], mean[-1])

    def motion(self, start_s: float, end_s: float) -> float:
        """How much moves, 0 to 1 relative to the scene's own range.

        Where there is no picture, or its motion is all alike, arousal stands in for it.
        """
        if self._motion is None or self._motion.flat:
            if self._arousal.flat:
                return _unit(0.5 + self._arousal.absolute(start_s, end_s) / 2)
            return self._arousal.relative(start_s, end_s)
        return self._motion.relative(start_s, end_s)

    def energy(self, start_s: float, end_s: float) -> float:
        """How much happens, 0 to 1: motion, arousal and the temp track's loudness."""
        arousal = _unit((self.mood(start_s, end_s).arousal + 1) / 2)
        energy = 0.5 * arousal + 0.5 * self.motion(start_s, end_s)
        temp = self.brief.temp_track
        if temp.present and temp.energy.values:
            energy = 0.8 * energy + 0.2 * temp.energy.mean(start_s, end_s)
        return _unit(energy)

    def saliency(self, start_s: float, end_s: float) -> float:
        """The greatest sudden change of motion, 0 to 1 relative to the scene's own range."""
        return self._saliency.peak(start_s, end_s) if self._saliency else 0.0

    def speech(self, start_s: float, end_s: float) -> float:
        """The share of [start_s, end_s) in which someone speaks."""
        if end_s <= start_s:
            return 0.0
        spoken = sum(max(0.0, min(end_s, b) - max(start_s, a)) for a, b in self._speech)
        return min(1.0, spoken / (end_s - start_s))

    def speaking(self, start_s: float, end_s: float) -> bool:
        """Whether any speech falls into [start_s, end_s)."""
        return any(a < end_s and start_s < b for a, b in self._speech)


class _Relative:
    """A curve [n] scaled by its own 5th and 95th percentiles."""

    def __init__(self, values: Array, hop_s: float) -> None:
        self._values = values if len(values) else np.zeros(1)
        self._hop_s = hop_s
        self._low = float(np.percentile(self._values, 5))
        self._span = float(np.percentile(self._values, 95)) - self._low
        self.flat = self._span < _FLAT

    def absolute(self, start_s: float, end_s: float) -> float:
        first, last = _window(start_s, end_s, self._hop_s, len(self._values))
        return round(float(self._values[first:last].mean()), 9)

    def relative(self, start_s: float, end_s: float) -> float:
        if self.flat:
            return 0.0
        return _unit((self.absolute(start_s, end_s) - self._low) / self._span)

    def peak(self, start_s: float, end_s: float) -> float:
        if self.flat:
            return 0.0
        first, last = _window(start_s, end_s, self._hop_s, len(self._values))
        return _unit((float(self._values[first:last].max()) - self._low) / self._span)


def _window(start_s: float, end_s: float, hop_s: float, count: int) -> tuple[int, int]:
    """The indices of the values that stand for [start_s, end_s), at least one."""
    first = min(count - 1, max(0, int(start_s / hop_s)))
    last = min(count, max(first + 1, int(np.ceil(end_s / hop_s))))
    return first, last


def _weights(weights: tuple[float, ...]) -> tuple[float, ...]:
    return weights if len(weights) == len(DIMENSIONS) else _NEUTRAL


def _unit(value: float) -> float:
    return min(1.0, max(0.0, value))
