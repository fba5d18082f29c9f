"""The scene as the composer reads it: a brief's curves normalised and asked by time.

Feelings that a user's words name lead over the curve, a curve that a user drew over the picture's
motion. Knows nothing of music.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from musiscene_core.brief import DIMENSIONS, SceneBrief
from musiscene_core.feelings import PLACES

Array = npt.NDArray[np.float64]

_NEUTRAL = tuple(1.0 / len(DIMENSIONS) for _ in DIMENSIONS)
_FLAT = 0.03
"""A curve whose spread is below this tells nothing about when."""
_WORDS_LEAD = 0.8
"""How much of the feeling is the words' where they name one; the rest is the scene's."""
_UNDERTONE = 0.02
_DRAWN_LEADS = 0.85
"""How much of the energy is arousal's where a user drew the curve; half of it otherwise."""


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


@dataclass(frozen=True)
class Named:
    """A feeling that words name over [start_s, end_s): a dimension, how much, and whether not."""

    dimension: str
    start_s: float
    end_s: float
    amount: float = 1.0
    denied: bool = False


class Scene:
    """A brief, ready to be asked what happens between two cue times in seconds."""

    def __init__(self, brief: SceneBrief, named: Sequence[Named] = ()) -> None:
        rate, record = brief.timeline.rate, brief.timeline.record
        self.brief = brief
        self.length_s = float(rate.seconds(record.length))
        points = brief.emotion_curve.points
        self._hop_s = brief.emotion_curve.hop_s
        rows = [(*_weights(p.weights), p.valence, p.arousal) for p in points]
        if named and len(rows) * self._hop_s < self.length_s:
            # Words about a scene that nobody watched: a curve of their own.
            self._hop_s = max(0.5, self.length_s / 1200)
            rows = (rows or [(*_NEUTRAL, 0.0, 0.0)])[:1] * int(self.length_s / self._hop_s + 1)
        self._emotion = np.asarray(rows or [(*_NEUTRAL, 0.0, 0.0)], dtype=np.float64)
        if named:
            self._emotion = _led(self._emotion, self._hop_s, named)
        self._arousal = _Relative(self._emotion[:, -1], self._hop_s)
        curves = brief.curves
        self._motion = _Relative(curves.motion.array(), curves.motion.hop_s) if curves else None
        self._saliency = (
            _Relative(curves.saliency.array(), curves.saliency.hop_s, sparse=True)
            if curves
            else None
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

    @property
    def still(self) -> bool:
        """Whether there is no picture, or its motion is all alike."""
        return self._motion is None or self._motion.flat

    def energy(self, start_s: float, end_s: float) -> float:
        """How much happens, 0 to 1: motion, arousal and the temp track's loudness."""
        arousal = _unit((self.mood(start_s, end_s).arousal + 1) / 2)
        share = _DRAWN_LEADS if self.brief.emotion_curve.edited else 0.5
        energy = share * arousal + (1 - share) * self.motion(start_s, end_s)
        temp = self.brief.temp_track
        if temp.present and temp.energy.values:
            energy = 0.8 * energy + 0.2 * temp.energy.mean(start_s, end_s)
        return _unit(energy)

    def tension(self, start_s: float, end_s: float) -> float:
        """How much the scene presses, 0 to 1: what happens, and how tense it feels."""
        return 0.6 * self.energy(start_s, end_s) + 0.4 * self.mood(start_s, end_s).tension

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
    """A curve [n] scaled by its own 5th and 95th percentiles; a sparse one by its extremes."""

    def __init__(self, values: Array, hop_s: float, *, sparse: bool = False) -> None:
        self._values = values if len(values) else np.zeros(1)
        self._hop_s = hop_s
        # Of a curve that is seldom above nothing, percentiles see nothing.
        low, high = (0, 100) if sparse else (5, 95)
        self._low = float(np.percentile(self._values, low))
        self._span = float(np.percentile(self._values, high)) - self._low
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


def _led(emotion: Array, hop_s: float, named: Sequence[Named]) -> Array:
    """`emotion` [n, 13 + valence + arousal] with the feelings that words name leading."""
    led = emotion.copy()
    times = (np.arange(len(led)) + 0.5) * hop_s
    wanted = np.zeros((len(led), len(DIMENSIONS)))
    for one in named:
        column = DIMENSIONS.index(one.dimension)
        within = (times >= one.start_s) & (times < one.end_s)
        if one.denied:
            led[within, column] = 0.0
        else:
            wanted[within, column] += one.amount
    said = wanted.sum(axis=1) > 0
    shares = wanted[said] + _UNDERTONE
    shares /= shares.sum(axis=1, keepdims=True)
    places = np.array([PLACES[name] for name in DIMENSIONS])
    words = np.concatenate((shares, shares @ places), axis=1)
    led[said] = _WORDS_LEAD * words + (1 - _WORDS_LEAD) * led[said]
    total = led[:, :-2].sum(axis=1, keepdims=True)
    led[:, :-2] /= np.where(total > 0, total, 1.0)
    return led


def _weights(weights: tuple[float, ...]) -> tuple[float, ...]:
    return weights if len(weights) == len(DIMENSIONS) else _NEUTRAL


def _unit(value: float) -> float:
    return min(1.0, max(0.0, value))
