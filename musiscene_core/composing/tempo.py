"""Tempo to hits: the tempo map under which chosen moments fall on beats.

One constant tempo with the best offset where that meets every target within 40 ms; otherwise a
piecewise-linear map with a whole or half number of beats between the targets it meets, bending at
most 4 % from its base tempo and leaving out the targets that cost most. Works on seconds and
beats only: knows nothing of frames or notes.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from musiscene_core.cue import TempoMap, TempoSegment

Array = npt.NDArray[np.float64]

TOLERANCE_S = 0.040
"""A constant tempo serves where every target is met within this."""
MAX_BEND = 0.04
"""How far a segment's tempo may lie from the base tempo."""
WHOLE_BEATS_BEND = 0.03
"""Up to here whole beats are kept; beyond, half beats may bend less."""
_FAR = 0.08
"""How far from the wish a constant tempo is looked for."""
_STEP_US = 200
"""Beat lengths are tried at every 200 us, and are whole microseconds, as MIDI writes them."""
_MAX_CONSTANT = 24
_LOOK_BACK = 24
_RING_S = 2.5
"""How long the last chord rings, if the tempo can be chosen so."""


@dataclass(frozen=True)
class Target:
    """A moment to meet: cue seconds, and how much it matters (0 to 1)."""

    seconds: float
    weight: float


@dataclass(frozen=True)
class Wish:
    """What the tempo should be like.

    Attributes:
        low: slowest, in beats a minute.
        high: fastest.
        bpm: the best.
        beats_per_bar: the metre.
        held: play exactly at `bpm`.
    """

    low: float
    high: float
    bpm: float
    beats_per_bar: int
    held: bool = False


@dataclass(frozen=True)
class Solution:
    """A tempo map, and which targets (by index) it meets on which beats."""

    tempo: TempoMap
    met: tuple[tuple[int, float], ...]


class Clock:
    """A TempoMap made quick to ask often."""

    def __init__(self, tempo: TempoMap) -> None:
        self.beats_per_bar = tempo.beats_per_bar
        self._segments = tempo.segments
        self._beats = [segment.start_beat for segment in tempo.segments]
        self._times = [segment.start_s for segment in tempo.segments]

    def seconds(self, beat: float) -> float:
        """Cue seconds of `beat`, as TempoMap.seconds computes them."""
        segment = self._segments[max(0, bisect_right(self._beats, beat) - 1)]
        return segment.start_s + (beat - segment.start_beat) * 60.0 / segment.bpm

    def beat(self, seconds: float) -> float:
        """The beat at cue time `seconds`."""
        segment = self._segments[max(0, bisect_right(self._times, seconds) - 1)]
        return segment.start_beat + (seconds - segment.start_s) * segment.bpm / 60.0

    def beats_in(self, seconds: float, at: float) -> float:
        """How many beats last `seconds` at the tempo of beat `at`."""
        segment = self._segments[max(0, bisect_right(self._beats, at) - 1)]
        return seconds * segment.bpm / 60.0


def solve(targets: Sequence[Target], main: int, length_s: float, wish: Wish) -> Solution:
    """The tempo map for `targets`, in order of time; `main` is the index of the one that leads.

    Beat 0 is a downbeat less than a bar after the cue's beginning, and the main target falls on a
    downbeat. A held tempo is constant and reports every target on its nearest half beat.
    """
    beat_us = np.arange(
        math.ceil(60e6 / wish.high), math.floor(60e6 / wish.low) + 1, _STEP_US, dtype=np.float64
    )
    if wish.held:
        return _constant(targets, main, length_s, wish, np.array([60.0 / wish.bpm]))
    beats = beat_us / 1e6
    if len(targets) <= _MAX_CONSTANT:
        _, errors = _best_offsets(np.array([t.seconds for t in targets]), beats)
        near = np.abs(60.0 / beats / wish.bpm - 1.0) <= _FAR
        close = beats[(errors <= TOLERANCE_S) & near]
        if len(close):
            return _constant(targets, main, length_s, wish, close)
    return _piecewise(targets, main, wish, beats)


def _best_offsets(times: Array, beats: Array) -> tuple[Array, Array]:
    """For beat lengths [n], the offset [n] with the least worst error [n] over `times` [m]."""
    if len(times) == 0:
        return np.zeros(len(beats)), np.zeros(len(beats))
    phases = np.sort(times[None, :] % beats[:, None], axis=1)
    gaps = np.concatenate([np.diff(phases, axis=1), phases[:, :1] + beats[:, None]], axis=1)
    gaps[:, -1] -= phases[:, -1]
    widest = np.argmax(gaps, axis=1)
    rows = np.arange(len(beats))
    arc = np.maximum(beats - gaps[rows, widest], 0.0)
    start = phases[rows, (widest + 1) % phases.shape[1]]
    return (start + arc / 2) % beats, arc / 2


def _constant(
    targets: Sequence[Target], main: int, length_s: float, wish: Wish, beats: Array
) -> Solution:
    """The best of constant beat lengths [n]: small errors, near the wish, downbeats, a good end."""
    bar = wish.beats_per_bar
    times = np.array([target.seconds for target in targets])
    offsets, errors = _best_offsets(times, beats)
    cost = errors / TOLERANCE_S + 4.0 * np.abs(60.0 / beats / wish.bpm - 1.0)
    if len(targets):
        places = np.rint((times[None, :] - offsets[:, None]) / beats[:, None])
        offsets = offsets + beats * (places[:, main] % bar)
        cost += 0.4 * np.mean((places - places[:, main : main + 1]) % bar != 0, axis=1)
    bars = beats * bar
    offsets = offsets % bars
    cost += 0.3 * ((length_s - _RING_S - offsets) % bars) / bars + 0.1 * offsets / bars
    best = int(np.argmin(np.round(cost, 9)))
    offset = round(float(offsets[best]), 9)
    # Whole microseconds divide into a tempo that MIDI writes without rounding.
    bpm = wish.bpm if wish.held else 60e6 / round(float(beats[best]) * 1e6)
    tempo = TempoMap.constant(bpm, offset_s=offset, beats_per_bar=bar)
    grid = 2.0 if wish.held else 1.0
    met = tuple(
        (index, _nearest(tempo, target.seconds, grid)) for index, target in enumerate(targets)
    )
    return Solution(tempo, met)


def _nearest(tempo: TempoMap, seconds: float, grid: float) -> float:
    """The beat on a grid of 1/`grid` beats nearest to `seconds`."""
    return round(max(tempo.beat(seconds), tempo.beat(0.0)) * grid) / grid


def _bends(span_s: float, beats: Array) -> tuple[Array, Array]:
    """Beats to put into `span_s` and the bend that takes, for beat lengths [n]."""
    whole = np.maximum(1.0, np.rint(span_s / beats))
    half = np.maximum(0.5, np.rint(2.0 * span_s / beats) / 2.0)
    whole_bend = np.abs(whole * beats / span_s - 1.0)
    half_bend = np.abs(half * beats / span_s - 1.0)
    use_half = (whole_bend > WHOLE_BEATS_BEND) & (half_bend < whole_bend)
    return np.where(use_half, half, whole), np.where(use_half, half_bend, whole_bend)


def _piecewise(targets: Sequence[Target], main: int, wish: Wish, beats: Array) -> Solution:
    """The heaviest chain of targets through `main` in which every step bends little enough."""
    beats = beats[:: max(1, len(beats) // 320)]
    count, width = len(targets), len(beats)
    best = np.full((count, width), -np.inf)
    back = np.full((count, width), -1, dtype=np.int64)
    for there in range(count):
        if there <= main:
            best[there] = 0.0
        for here in range(max(0, there - _LOOK_BACK), there):
            if here < main < there:
                continue
            span = targets[there].seconds - targets[here].seconds
            numbers, bend = _bends(span, beats)
            off_beat = numbers % 1.0 != 0.0
            value = best[here] - 0.15 * bend / MAX_BEND - 0.3 * off_beat
            better = (bend <= MAX_BEND) & (value > best[there] + 1e-9)
            best[there] = np.where(better, value, best[there])
            back[there] = np.where(better, here, back[there])
        best[there] += 0.2 + targets[there].weight
    score = best[main:].max(axis=0) - 4.0 * np.abs(60.0 / beats / wish.bpm - 1.0)
    choice = int(np.argmax(np.round(score, 9)))
    at = main + int(np.argmax(np.round(best[main:, choice], 9)))
    chain: list[int] = []
    while at >= 0:
        chain.append(at)
        at = int(back[at, choice])
    chain.reverse()
    return _chained(targets, chain, main, wish, float(beats[choice]))


def _chained(
    targets: Sequence[Target], chain: list[int], main: int, wish: Wish, beat_s: float
) -> Solution:
    """The map that puts the targets in `chain` exactly on beats, the main one on a downbeat."""
    places = [0.0]
    bpms: list[float] = []
    for here, there in pairwise(chain):
        span = targets[there].seconds - targets[here].seconds
        numbers, _ = _bends(span, np.array([beat_s]))
        bpms.append(60.0 * float(numbers[0]) / span)
        places.append(places[-1] + float(numbers[0]))
    bpms.append(60.0 / beat_s)
    bar = wish.beats_per_bar
    first_s = targets[chain[0]].seconds
    shift = -places[chain.index(main)]
    # Bar lines stay where they are; beat 0 becomes the first of them inside the cue.
    opening = shift - first_s / beat_s
    shift -= bar * math.ceil(opening / bar - 1e-9)
    places = [place + shift for place in places]
    start = 0.0 if places[0] > 0 else places[0] - first_s / beat_s
    segments = [
        TempoSegment(
            start_beat=start,
            start_s=max(0.0, first_s - (places[0] - start) * beat_s),
            bpm=60.0 / beat_s,
        )
    ]
    for index, place, bpm in zip(chain, places, bpms, strict=True):
        if abs(bpm - segments[-1].bpm) > 1e-9 and place > segments[-1].start_beat:
            seconds = targets[index].seconds
            segments.append(TempoSegment(start_beat=place, start_s=seconds, bpm=bpm))
        elif place == segments[-1].start_beat:
            segments[-1] = TempoSegment(start_beat=place, start_s=targets[index].seconds, bpm=bpm)
    tempo = TempoMap(segments=tuple(segments), beats_per_bar=bar)
    return Solution(tempo, tuple(zip(chain, places, strict=True)))
