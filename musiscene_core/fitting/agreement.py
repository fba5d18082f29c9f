"""How far a render goes with the sketch it was made from: beats, bars, harmony. Measured only."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from musiscene_core.cue import Cue
from musiscene_core.fitting.report import SketchAgreement
from musiscene_core.request import SketchUse
from musiscene_core.spotting.chroma import HOP_S

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Times = Sequence[float] | Doubles

NEAR_S = 0.07
"""As near as a listener takes two beats for one."""
_OVERTONES = ((0, 1.0), (7, 0.35), (4, 0.15))
"""What a note sounds of besides itself: pitch classes and shares."""


def agreement(
    sketch: Cue,
    use: SketchUse,
    beats_s: Sequence[float],
    chroma: Floats,
    *,
    melody: bool,
    bars_met: int,
    bars: int,
) -> SketchAgreement:
    """Hold a render against its sketch.

    Args:
        sketch: the composer's cue.
        use: what it was used for.
        beats_s: the render's beats, in seconds of the range.
        chroma: the render's, [m, chroma.STEPS], a row every chroma.HOP_S.
        melody: whether the model heard the sketch's melody.
        bars_met: bar lines of the sketch that a beat was brought onto.
        bars: how many there are.
    """
    own = sketch_beats_s(sketch)
    away = _away_s(own, beats_s)
    return SketchAgreement(
        use=use,
        melody=melody,
        beats=len(own),
        near=int(np.sum(away <= NEAR_S)),
        median_ms=round(1000 * float(np.median(away)), 1) if len(away) else 0.0,
        bars_met=bars_met,
        bars=bars,
        chroma=round(_alike(sketch, chroma), 3),
    )


def beats_near(beats_s: Times, others_s: Times) -> int:
    """How many of `beats_s` have one of `others_s` so near that a listener takes them for one."""
    return int(np.sum(_away_s(beats_s, others_s) <= NEAR_S))


def _away_s(beats_s: Times, others_s: Times) -> Doubles:
    """From each of `beats_s` to the nearest of `others_s` [n]; nothing where there are none."""
    others = np.array(others_s)
    return np.array([np.abs(others - beat).min() for beat in beats_s if len(others)])


def sketch_beats_s(sketch: Cue) -> Doubles:
    """The sketch's beats in seconds [n], within its length."""
    last = int(sketch.tempo.beat(sketch.length_s))
    first = int(np.ceil(sketch.tempo.beat(0.0)))
    return np.array([sketch.tempo.seconds(float(beat)) for beat in range(first, last + 1)])


def sketch_bars_s(sketch: Cue) -> tuple[float, ...]:
    """The sketch's bar lines in seconds, within its length."""
    last = sketch.tempo.beat(sketch.length_s)
    lines = sketch.tempo.bar_lines(sketch.tempo.beat(0.0), last)
    return tuple(sketch.tempo.seconds(line.beat) for line in lines)


def _alike(sketch: Cue, chroma: Floats) -> float:
    """Cosine likeness of pitch classes bar by bar, at the mean."""
    edges = [*sketch_bars_s(sketch), sketch.length_s]
    # A class is its own step and half of those to either side.
    third = chroma.shape[1] // 12
    classes = chroma[:, ::third].astype(np.float64)
    for by in (-1, 1):
        classes += 0.5 * np.roll(chroma, by, axis=1)[:, ::third]
    found = []
    for start_s, end_s in pairwise(edges):
        written = _written(sketch, start_s, end_s)
        heard = classes[round(start_s / HOP_S) : max(1, round(end_s / HOP_S))].sum(axis=0)
        size = float(np.linalg.norm(written) * np.linalg.norm(heard))
        if size > 1e-9:
            found.append(float(written @ heard) / size)
    return float(np.mean(found)) if found else 0.0


def _written(sketch: Cue, start_s: float, end_s: float) -> Doubles:
    """How long each pitch class [12] is written to sound in [start_s, end_s)."""
    sums = np.zeros(12)
    begin, end = sketch.tempo.beat(start_s), sketch.tempo.beat(end_s)
    for part in sketch.parts:
        if part.role == "percussion":
            continue
        for note in part.notes:
            held = min(end, note.start + note.length) - max(begin, note.start)
            if held > 0:
                for step, share in _OVERTONES:
                    sums[(note.pitch + step) % 12] += share * held * note.velocity
    return sums
