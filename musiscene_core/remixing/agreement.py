"""How well onsets agree with beats that are told from elsewhere in the music.

A beat tracker lays beats on whatever it finds, so beats agree with the onsets under them even in
noise. Here those of a few bars are told from the bars around them alone: in music with a pulse the
onsets fall there again, however faint they are; in anything else they fall anywhere. Knows nothing
of sound.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from musiscene_core.remixing.even_beats import even_beats
from musiscene_core.spotting.onsets import RATE

Doubles = npt.NDArray[np.float64]

_WINDOW = 8
"""Beats told at a time."""
_AROUND = 16
"""Beats on either side that tell them."""
_FEWEST = 8
_BENDS = 12
"""Beats on both sides from which a drifting tempo can be told."""
_DIVISIONS = (1, 2, 4)
"""Onsets may fall on beats, halves or quarters: each must hold, else it is another pulse."""


def pulse_agreement(pulses: Doubles, beats_s: Doubles) -> float:
    """About 0 where onsets know nothing of the beats, 1 where they all fall on them.

    Args:
        pulses: prepared onset strength [n, bands], RATE a second.
        beats_s: the beats [m], in seconds.
    """
    curve = pulses.sum(axis=1)
    rows = [
        _agreeing(curve, told)
        for first in range(0, len(beats_s) - _WINDOW, _WINDOW)
        if (told := _told(beats_s, first)) is not None
    ]
    # The least of them: a wrong tempo shares some division with the right one, but not all.
    return float(np.mean(rows, axis=0).min()) if rows else 0.0


def even_agreement(pulses: Doubles, bpm: float) -> float:
    """The same for beats at one tempo near `bpm`: those of each half are told from the other."""
    curve = pulses.sum(axis=1)
    middle = len(pulses) // 2
    rows = []
    for begin, end in ((0, middle), (middle, len(pulses))):
        beats = even_beats(pulses[begin:end], bpm)
        if len(beats) < _FEWEST:
            return 0.0
        period = float(beats[1] - beats[0])
        first, last = (0.0, begin / RATE) if begin else (middle / RATE, len(pulses) / RATE)
        start = begin / RATE + float(beats[0])
        numbers = np.arange(np.ceil((first - start) / period), (last - start) // period + 1)
        told = start + period * numbers
        spans = range(0, len(told) - _WINDOW, _WINDOW)
        rows += [_agreeing(curve, told[at : at + _WINDOW + 1]) for at in spans]
    return float(np.mean(rows, axis=0).min()) if rows else 0.0


def _told(beats: Doubles, first: int) -> Doubles | None:
    """Beats `first` to `first` + _WINDOW as those around them tell them."""
    last = first + _WINDOW
    before = np.arange(max(0, first - _AROUND), first)
    after = np.arange(last + 1, min(len(beats), last + 1 + _AROUND))
    known = np.concatenate([before, after])
    if len(known) < _FEWEST:
        return None
    degree = 2 if len(before) and len(after) and len(known) >= _BENDS else 1
    line = np.polyfit(known - first, beats[known], degree)
    told: Doubles = np.polyval(line, np.arange(_WINDOW + 1.0))
    return told if np.all(np.diff(told) > 0) else None


def _agreeing(curve: Doubles, told: Doubles) -> Doubles:
    """Mean direction of the onsets' phases within each division of the beats, in [-1, 1]."""
    begin, end = max(0, int(told[0] * RATE)), min(len(curve), int(told[-1] * RATE))
    strength = curve[begin:end]
    total = float(strength.sum())
    if total <= 0.0:
        return np.zeros(len(_DIVISIONS))
    phases = 2 * np.pi * np.interp(np.arange(begin, end) / RATE, told, np.arange(len(told)))
    found: Doubles = np.array(
        [float(strength @ np.cos(division * phases)) / total for division in _DIVISIONS]
    )
    return found
