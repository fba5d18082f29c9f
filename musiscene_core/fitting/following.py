"""The beats of a recording that was to follow a tempo map: laid over it as a whole, and judged.

Soft music has too few onsets for its beats to be sure from nothing. Where the tempo that is heard
in it, unasked, is the very one it was to follow, that is no chance, and its beats lie where the map
has them but for a shift and a percent or two of speed.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from musiscene_core.remixing.grid import Grid
from musiscene_core.spotting.onsets import RATE
from musiscene_core.spotting.tempo import prepare
from musiscene_core.tempo_map import TempoMap

Doubles = npt.NDArray[np.float64]

MOST_SPEED = 0.03
_SPEEDS = 25
_STEPS = 48
"""Shifts tried in a beat."""
_SAME_TEMPO_OCTAVES = 0.02
"""1.4 %: notes at random have a tempo that near one time in twenty-five."""
_LEAD = 1.25
"""How much more onsets there must be at the best place than at all places, at the mean."""
_CONFIDENCE = 0.5


def followed(grid: Grid, tempo: TempoMap) -> Grid | None:
    """The beats of the recording whose `grid` was heard, told from `tempo`; None where none agree.

    Args:
        grid: what find_grid heard of it, usable or not.
        tempo: what it was to follow, from its beginning on.
    """
    onsets = grid.heard.onsets
    begin_s, end_s = grid.heard.sounding_s
    if end_s - begin_s < 4.0 or not grid.tempo_bpm:
        return None
    octaves = np.log2(grid.tempo_bpm / tempo.bpm_at(tempo.beat((begin_s + end_s) / 2)))
    if abs(octaves - round(octaves)) > _SAME_TEMPO_OCTAVES:
        return None
    pulses = prepare(onsets, np.ones(len(onsets), np.bool_))
    curve = np.convolve(pulses.sum(axis=1), (0.25, 0.5, 1.0, 0.5, 0.25), mode="same")
    last = int(np.ceil(tempo.beat(end_s * (1 + MOST_SPEED)))) + 1
    own = np.array([tempo.seconds(float(beat)) for beat in range(-1, last + 1)])
    beat_s = float(np.median(np.diff(own)))
    shifts = beat_s * (np.arange(_STEPS) / _STEPS - 0.5)
    rows = np.arange(len(curve))
    best: tuple[float, float, float] | None = None
    every = []
    for speed in np.linspace(1 - MOST_SPEED, 1 + MOST_SPEED, _SPEEDS):
        places = own[None, :] * speed + shifts[:, None]
        inside = (places >= begin_s) & (places <= end_s)
        met = np.interp(places * RATE, rows, curve) * inside
        scores = met.sum(axis=1) / np.maximum(inside.sum(axis=1), 1)
        every.append(scores.mean())
        top = int(scores.argmax())
        if best is None or scores[top] > best[0]:
            best = float(scores[top]), float(speed), float(shifts[top])
    if best is None or best[0] < _LEAD * float(np.mean(every)):
        return None
    beats = own * best[1] + best[2]
    numbers = np.arange(-1, last + 1)
    kept = (beats >= max(0.0, begin_s - 0.05)) & (beats <= end_s)
    lines = [round(line.beat) for line in tempo.bar_lines(-1.0, float(last))]
    bars = np.flatnonzero(np.isin(numbers[kept], lines))
    found = replace(
        grid,
        beats_s=np.maximum(beats[kept], 0.0),
        bar_lines=bars,
        beats_per_bar=tempo.beats_per_bar,
        confidence=max(_CONFIDENCE, grid.confidence),
        bar_confidence=_CONFIDENCE,
    )
    return found if found.usable else None
