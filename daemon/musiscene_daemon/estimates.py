"""How long work takes, learnt from the jobs that were done here.

A straight line per kind and engine: a constant and seconds per second of music (range length
times takes), fitted to the latest jobs by the median of all pairwise slopes, so that a first job
that also loads a model, or one beside a render, bends nothing (Theil 1950; Sen, JASA 63, 1968).
Says nothing before MIN_JOBS. Knows no queue and no clock.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from statistics import median

import msgspec

from musiscene_core.protocol.state import JobKind

MIN_JOBS = 3
LEARNT_JOBS = 32
"""The latest that count: engines and machines change."""

_REACH = 2.0
"""Where all jobs were of one length, one up to so many times longer or shorter is foretold."""
_SPREAD = 1.05
"""Lengths within this ratio are one length."""

Pairs = Sequence[tuple[float, float]]
"""(seconds of music, seconds it took) of past jobs."""


class Line(msgspec.Struct, frozen=True):
    """Seconds to work, by seconds of music, within a range of lengths that can be foretold."""

    constant: float
    slope: float
    shortest: float = 0.0
    longest: float = float("inf")

    def at(self, music_s: float) -> float | None:
        """The seconds that `music_s` of music take; None where nobody can say."""
        if not self.shortest <= music_s <= self.longest:
            return None
        return self.constant + self.slope * music_s


def fit(pairs: Pairs) -> Line | None:
    """The line through most of `pairs`; None for too few."""
    if len(pairs) < MIN_JOBS:
        return None
    lengths = [music for music, _ in pairs]
    if max(lengths) <= _SPREAD * min(lengths):
        usual = median(lengths)
        slope = median(took for _, took in pairs) / usual if usual > 0 else 0.0
        return Line(0.0, slope, usual / _REACH, usual * _REACH)
    slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in combinations(pairs, 2) if a[0] != b[0]]
    slope = max(0.0, median(slopes))
    constant = median(took - slope * music for music, took in pairs)
    if constant < 0:
        return Line(0.0, max(0.0, median(took / music for music, took in pairs if music > 0)))
    return Line(constant, slope)


def music_seconds(length_s: float, takes: int) -> float:
    """The music that a job has to make, or listen to."""
    return length_s * max(1, takes)


class Estimator:
    """The lines, fitted when first asked for and again after each job that was learnt."""

    def __init__(self, past: Callable[[JobKind, str, int], Pairs]) -> None:
        """Learn from what `past` gives: the latest jobs of a kind and engine, so many at most."""
        self._past = past
        self._lines: dict[tuple[JobKind, str], Line | None] = {}

    def forget(self, kind: JobKind, engine: str) -> None:
        """There is one more job of this kind and engine to learn from."""
        self._lines.pop((kind, engine), None)

    def seconds(self, kind: JobKind, engine: str, length_s: float, takes: int) -> float | None:
        """How long a job would take once it begins; None where too few were done."""
        # Names that were never learnt are not kept: anybody may ask for any.
        if length_s <= 0:
            return None
        line = self._lines.get((kind, engine)) or fit(self._past(kind, engine, LEARNT_JOBS))
        if line is None:
            return None
        self._lines[kind, engine] = line
        return line.at(music_seconds(length_s, takes))
