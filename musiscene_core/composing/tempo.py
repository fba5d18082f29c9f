"""Tempo to hits: the tempo map under which chosen moments fall on beats.

One constant tempo with the best offset where that meets every target within the tolerance;
otherwise a chain of targets with whole or half beats between them, met exactly by plateaus and
ramps that stay within 3 % of the base tempo (1 % of a held one). Of 500 random layouts of 1 to 8
hits a minute at 9 frame rates 41 % need one tempo only; the others bend by 1.8 % in the median,
2.6 % at the 90th percentile, 3.0 % at worst, without a step, and 9 of 2,169 hits are left out.
What no beat meets is met between beats where the user holds it, else left out. Strong targets
become downbeats by metre repair. Works on seconds and beats only: knows nothing of frames or
notes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import msgspec
import numpy as np
import numpy.typing as npt

from musiscene_core.composing.metre import LONGEST_BAR, SHORTEST_BAR, Anchor, metres_for
from musiscene_core.composing.ramps import segments_for
from musiscene_core.composing.tempo_chain import Chain, Target, best_chain
from musiscene_core.tempo_map import TempoMap, TempoSegment

Array = npt.NDArray[np.float64]

TOLERANCE_S = 0.040
"""A constant tempo serves where every target is met within this; a frame, where that is less."""
MAX_BEND = 0.03
"""How far any tempo may lie from the base tempo."""
HELD_BEND = 0.01
"""The same where the tempo is the user's."""
_FOR_RAMPS = 0.9
"""The share of a bend that spans may take on average; the rest is for ramps."""
_FAR = 0.08
"""How far from the wish a constant tempo is looked for."""
_STEP_US = 200
"""Beat lengths are tried at every 200 us, and are whole microseconds, as MIDI writes them."""
_MAX_CONSTANT = 24
_BASES = 320
_RING_S = 2.5
"""How long the last chord rings, if the tempo can be chosen so."""
_FIRM = 0.65
"""Targets that matter this much become downbeats where the bars before allow it."""


@dataclass(frozen=True)
class Wish:
    """What the tempo should be like.

    Attributes:
        low: slowest, in beats a minute.
        high: fastest.
        bpm: the best.
        beats_per_bar: the metre.
        held: play at `bpm`, bending by HELD_BEND at most.
    """

    low: float
    high: float
    bpm: float
    beats_per_bar: int
    held: bool = False


@dataclass(frozen=True)
class Solution:
    """A tempo map, and what it does with each target.

    Attributes:
        tempo: the map.
        met: index and beat of each target that is met, in order.
        missed: index of each other, and by how many seconds its nearest half beat misses it.
    """

    tempo: TempoMap
    met: tuple[tuple[int, float], ...]
    missed: tuple[tuple[int, float], ...]


def solve(
    targets: Sequence[Target],
    main: int,
    length_s: float,
    wish: Wish,
    tolerance_s: float = TOLERANCE_S,
) -> Solution:
    """The tempo map for `targets`, in order of time; `main` is the index of the one that leads.

    Beat 0 is a downbeat less than a bar after the cue's beginning. Targets with bar numbers are
    downbeats of those bars; where there are none, the main target is a downbeat.
    """
    numbered = [target for target in targets if target.bar is not None]
    if len(numbered) > 1:
        wish = _as_numbered(numbered, wish)
    beats = _beat_lengths(wish)
    if len(targets) <= _MAX_CONSTANT and len(numbered) < 2:
        _, errors = _best_offsets(np.array([target.seconds for target in targets]), beats)
        near = np.abs(60.0 / beats / wish.bpm - 1.0) <= _FAR
        close = beats[(errors <= tolerance_s) & near]
        if len(close):
            return _constant(targets, main, length_s, wish, close, tolerance_s)
    chain = _chain(targets, main, wish, beats)
    limit = HELD_BEND if wish.held else MAX_BEND
    moments = [
        (targets[index].seconds, beat)
        for index, beat in zip(chain.indices, chain.beats, strict=True)
    ]
    base = wish.bpm if wish.held else 60.0 / chain.beat_s
    segments = segments_for(moments, base, wish.beats_per_bar, limit)
    places = dict(zip(chain.indices, chain.beats, strict=True))
    return _barred(targets, main, wish, segments, places, tolerance_s)


def steady(targets: Sequence[Target], wish: Wish, tolerance_s: float = TOLERANCE_S) -> Solution:
    """The wish's tempo from the cue's beginning on, come what may.

    Targets are met by whole and half beats within the tolerance; what is held besides is met
    between them.
    """
    only = TempoSegment(start_beat=0.0, start_s=0.0, bpm=wish.bpm)
    return _barred(targets, 0, wish, (only,), {}, tolerance_s)


def _beat_lengths(wish: Wish) -> Array:
    """Base beat lengths to try, in seconds [n]."""
    if wish.held:
        return np.array([60.0 / wish.bpm])
    lengths = np.arange(
        math.ceil(60e6 / wish.high), math.floor(60e6 / wish.low) + 1, _STEP_US, dtype=np.float64
    )
    return lengths / 1e6


def _as_numbered(numbered: Sequence[Target], wish: Wish) -> Wish:
    """The wish, moved to the tempo at which the bars that are held need no repair."""
    if wish.held:
        return wish
    first, last = numbered[0], numbered[-1]
    bars = (last.bar or 0) - (first.bar or 0)
    bpm = 60.0 * bars * wish.beats_per_bar / (last.seconds - first.seconds)
    if not 0.7 * wish.low <= bpm <= 1.4 * wish.high:
        return wish
    return Wish(min(wish.low, 0.96 * bpm), max(wish.high, 1.04 * bpm), bpm, wish.beats_per_bar)


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
    targets: Sequence[Target],
    main: int,
    length_s: float,
    wish: Wish,
    beats: Array,
    tolerance_s: float,
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
    only = TempoSegment(start_beat=0.0, start_s=offset, bpm=bpm)
    met = {index: float(round(only.beat(target.seconds))) for index, target in enumerate(targets)}
    return _barred(targets, main, wish, (only,), met, tolerance_s)


def _chain(targets: Sequence[Target], main: int, wish: Wish, beats: Array) -> Chain:
    """The best chain, without the targets that would crowd the bars between held ones."""
    limit = _FOR_RAMPS * (HELD_BEND if wish.held else MAX_BEND)
    beats = beats[:: max(1, len(beats) // _BASES)]
    left = list(range(len(targets)))
    while True:
        kept = [targets[index] for index in left]
        leads = left.index(main) if main in left else 0
        found = best_chain(kept, leads, beats, wish.bpm, wish.beats_per_bar, limit)
        chain = Chain(tuple(left[index] for index in found.indices), found.beats, found.beat_s)
        crowded = _crowded(targets, chain)
        if not crowded:
            return chain
        left = [index for index in left if index not in crowded]


def _crowded(targets: Sequence[Target], chain: Chain) -> set[int]:
    """The targets between held bars whose beats no bars of 2 to 5 beats can hold."""
    numbered = [
        place for place, index in enumerate(chain.indices) if targets[index].bar is not None
    ]
    crowded: set[int] = set()
    for first, last in pairwise(numbered):
        bars = (targets[chain.indices[last]].bar or 0) - (targets[chain.indices[first]].bar or 0)
        beats = chain.beats[last] - chain.beats[first]
        if not SHORTEST_BAR * bars <= beats <= LONGEST_BAR * bars:
            crowded |= set(chain.indices[first + 1 : last])
    return crowded


def _barred(
    targets: Sequence[Target],
    main: int,
    wish: Wish,
    segments: tuple[TempoSegment, ...],
    met: dict[int, float],
    tolerance_s: float,
) -> Solution:
    """The map with its bar lines, and every target on its beat; `met` are the chain's so far."""
    bar = wish.beats_per_bar
    plain = TempoMap(segments=segments, beats_per_bar=bar)
    anchors = _anchors(targets, main, met, bar)
    opening = plain.beat(0.0)
    start = anchors[0].beat if anchors else 0.0
    shift = bar * math.floor((start - opening) / bar + 1e-9) - start
    anchors = _from_beat_zero([Anchor(one.beat + shift, one.bar) for one in anchors], bar)
    first_bar, metres = metres_for(anchors, bar)
    tempo = TempoMap(
        segments=tuple(
            msgspec.structs.replace(segment, start_beat=segment.start_beat + shift)
            for segment in segments
        ),
        beats_per_bar=bar,
        first_bar=first_bar,
        metres=metres,
    )
    beats = {index: beat + shift for index, beat in met.items()}
    missed = []
    for index, target in enumerate(targets):
        if index in beats:
            continue
        nearest = round(2 * tempo.beat(target.seconds)) / 2
        error = tempo.seconds(nearest) - target.seconds
        if abs(error) <= tolerance_s:
            beats[index] = nearest
        elif target.held:
            beats[index] = round(tempo.beat(target.seconds), 6)
        else:
            missed.append((index, error))
    return Solution(tempo, tuple(sorted(beats.items())), tuple(missed))


def _from_beat_zero(anchors: list[Anchor], bar: int) -> list[Anchor]:
    """The anchors, of which the first may lie a bar before beat 0, as beats from there on.

    It does where a hit on the first frame falls a moment before the cue's beginning.
    """
    if not anchors or anchors[0].beat >= 0:
        return anchors
    first, *later = anchors
    number = None if first.bar is None else first.bar + 1
    # Nothing shorter than two beats is a bar.
    return [Anchor(first.beat + bar, number), *(one for one in later if one.beat >= 2)]


def _anchors(targets: Sequence[Target], main: int, met: dict[int, float], bar: int) -> list[Anchor]:
    """The beats that shall be downbeats, in order.

    Those with held bars, or the main target; then firm ones on whole beats, the heaviest first,
    where the bars to their neighbours need no repair or there are two of them.
    """
    numbered = {met[i]: target.bar for i, target in enumerate(targets) if target.bar is not None}
    anchors: dict[float, int | None] = dict(numbered)
    if not anchors and main in met:
        anchors[met[main]] = None
    firm = sorted(
        (index for index in met if targets[index].weight >= _FIRM),
        key=lambda index: (-targets[index].weight, index),
    )
    for index in firm:
        beat = met[index]
        steps = [abs(beat - other) for other in anchors]
        fits = all(step % 1.0 == 0 and (step % bar == 0 or step >= 2 * bar) for step in steps)
        counted = bool(numbered) and min(numbered) < beat < max(numbered)
        if fits and not counted and beat not in anchors:
            anchors[beat] = None
    return [Anchor(beat, anchors[beat]) for beat in sorted(anchors)]
