"""Sound made a little longer or shorter without changing its pitch, to the sample.

Between two anchors a few milliseconds at a time are left out or said twice, where the sound is
quiet or held and goes on as it was: WSOLA (Verhelst and Roelands 1993) with as few seams as the
change needs. All between the seams is the source's own, and no attack is touched. Good for a few
percent; not made for more.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from musiscene_core.remixing.splicing import Floats, Run, best_shift
from musiscene_core.timecode import SAMPLE_RATE

Anchor = tuple[int, int]
"""A sample of the source, and the sample of the result where it shall lie."""

Places = npt.NDArray[np.int64]
Strengths = npt.NDArray[np.float64]

_SEAM = round(0.014 * SAMPLE_RATE)
"""Samples that one seam leaves out or repeats, or thereabouts."""
_FREEDOM = round(0.008 * SAMPLE_RATE)
_LEAST = round(0.002 * SAMPLE_RATE)
_MOST = round(0.03 * SAMPLE_RATE)
_FADE = round(0.02 * SAMPLE_RATE)
_GUARD = round(0.06 * SAMPLE_RATE)
"""Kept clear on both sides of an anchor."""
_HOP = round(0.005 * SAMPLE_RATE)
_TRIED = 6


def stretch_runs(source: Floats, anchors: Sequence[Anchor]) -> list[Run]:
    """Runs of `source` [channels, n] that put every anchor in its place.

    The first anchor is (0, 0); what follows the last one follows it unchanged.

    Args:
        source: the sound.
        anchors: in order of both.
    """
    mono = source.mean(axis=0)
    seams: list[tuple[int, int]] = []
    for (begin, at), (end, then) in pairwise(anchors):
        seams += _seams(mono, begin, end, (end - begin) - (then - at))
    runs = []
    first = fade = 0
    for place, skipped in seams:
        runs.append(Run(first, place, fade))
        first, fade = place + skipped, _FADE
    runs.append(Run(first, source.shape[1], fade))
    return runs


class Placed:
    """From samples of the source to samples of the result of runs of it."""

    def __init__(self, edits: Sequence[Run]) -> None:
        self._firsts = np.array([run.first for run in edits])
        self._begins = np.concatenate([[0], np.cumsum([run.length for run in edits])])
        self._lasts = np.array([run.last for run in edits])

    def at(self, sample: int) -> int:
        """Where `sample` of the source is heard."""
        number = min(int(np.searchsorted(self._lasts, sample, "right")), len(self._firsts) - 1)
        return int(self._begins[number] + max(0, sample - self._firsts[number]))


def _seams(mono: Floats, begin: int, end: int, surplus: int) -> list[tuple[int, int]]:
    """Where to skip how much of [begin, end), `surplus` in all; below 0: how much to repeat."""
    if surplus == 0:
        return []
    count = -(-abs(surplus) // _SEAM)
    guard = min(_GUARD, max(0, (end - begin) // 4))
    edges = np.linspace(begin + guard, end - guard, count + 1).astype(int)
    seams: list[tuple[int, int]] = []
    left = surplus
    sign = 1 if surplus > 0 else -1
    for index in range(count):
        after = count - index - 1
        usual = round(left / (after + 1))
        low, high = usual, usual
        if after:
            least, most = max(_LEAST, abs(usual) - _FREEDOM), min(_MOST, abs(usual) + _FREEDOM)
            low, high = sorted((sign * least, sign * most))
        earliest = max(
            edges[index], seams[-1][0] + max(0, seams[-1][1]) + 2 * _FADE if seams else 0
        )
        place, skipped = _seam(mono, int(earliest), int(edges[index + 1]), low, high)
        seams.append((place, skipped))
        left -= skipped
    return seams


def _seam(mono: Floats, first: int, last: int, low: int, high: int) -> tuple[int, int]:
    """The best place in [first, last) to go on `low` to `high` samples further on."""
    # The fade lies before the place, in both sounds.
    floor = _FADE + max(0, -low)
    ceiling = len(mono) - max(0, high) - 1
    first = min(max(first, floor), max(floor, ceiling))
    last = min(max(last - max(0, high), first), max(first, ceiling))
    places = np.arange(first, last + 1, _HOP)
    rise = _attack(mono, places, _FADE + max(abs(low), abs(high)))
    best, found = -2.0, (int(places[0]), low)
    for place in places[np.argsort(rise, kind="stable")[:_TRIED]]:
        begin = int(place) - _FADE
        template = mono[begin : begin + _FADE]
        around = mono[begin + low : begin + high + _FADE]
        if len(template) < _FADE or len(around) < high - low + _FADE:
            continue
        shift, alike = best_shift(template, around, (low, high))
        if alike > best:
            best, found = alike, (int(place), shift)
    return found


def _attack(mono: Floats, places: Places, reach: int) -> Strengths:
    """How much the level rises anywhere within `reach` of each place."""
    first = max(0, int(places[0]) - reach - _HOP)
    last = min(len(mono), int(places[-1]) + reach + _HOP)
    slots = (last - first) // _HOP
    if slots < 3:
        return np.zeros(len(places))
    power = (mono[first : first + slots * _HOP].reshape(slots, _HOP) ** 2).mean(axis=1)
    level = np.log(power + 1e-8)
    rise = np.maximum(np.diff(level, prepend=level[0]), 0.0) * np.sqrt(power)
    wide = reach // _HOP + 1
    spread = np.lib.stride_tricks.sliding_window_view(np.pad(rise, wide), 2 * wide + 1).max(axis=1)
    at = np.clip((places - first) // _HOP, 0, slots - 1)
    return np.asarray(spread[at] + 1e-3 * np.sqrt(power[at]))
