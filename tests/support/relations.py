"""CMT's rhythmic relations (Di et al. 2021) between picture and music, measured on a composed cue.

Motion speed and note density are compared bar by bar, as in the paper: the mean motion in a bar
with its simu-notes (onsets heard as one) a second. Saliency and strength are compared at visual
beats, as in the paper: a visual beat is a local maximum of saliency, the strongest within 0.8 s;
its strength that of the strongest simu-note within a sixteenth, the sum of the velocities that
begin together. Held pads and beds swell and strike nothing, so they have no strength. Where
someone speaks and where the form strips down before a climax the music is thinner on purpose: such
bars are left out, and so are visual beats under speech or next to a hit, which is struck for
itself. Video time and bar position, the
third relation, are one: they are what the tempo map says.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from musiscene_core.brief import SceneBrief
from musiscene_core.cue import Cue

Array = npt.NDArray[np.float64]

_TOGETHER_S = 0.06
_APART_S = 0.8
_FAINTEST = 0.15
_SPOKEN = 0.2


def motion_and_density(cue: Cue, brief: SceneBrief) -> tuple[Array, Array]:
    """For each whole bar before the last chord, mean motion and simu-notes a second [bars]."""
    assert brief.curves is not None
    times = [time for time, _ in _simu_notes(cue, struck=False)]
    motion, density = [], []
    until = cue.sections[-1].start
    bare = [(s.start, s.start + s.length) for s in cue.sections if s.name == "strip-down"]
    for bar in cue.tempo.bar_lines(0.0, until):
        start, end = cue.tempo.seconds(bar.beat), cue.tempo.seconds(bar.beat + bar.beats)
        stripped = any(first - 1e-6 <= bar.beat < last - 1e-6 for first, last in bare)
        if stripped or bar.beat + bar.beats > until + 1e-6:
            continue
        if _spoken(brief, start, end) < _SPOKEN:
            inside = sum(start <= time + _TOGETHER_S / 2 < end for time in times)
            motion.append(brief.curves.motion.mean(start, end))
            density.append(inside / (end - start))
    return np.array(motion), np.array(density)


def saliency_and_strength(cue: Cue, brief: SceneBrief) -> tuple[Array, Array]:
    """For each visual beat, its saliency and the strength of what meets it [beats]."""
    notes = _simu_notes(cue, struck=True)
    until = cue.tempo.seconds(cue.sections[-1].start)
    hits = [float(brief.timeline.rate.seconds(hit.frame)) for hit in cue.hits]
    saliency, strength = [], []
    for at, value in _visual_beats(brief):
        sixteenth_s = 15.0 / cue.tempo.bpm_at(cue.tempo.beat(at))
        alone = all(abs(at - hit) > 4 * sixteenth_s for hit in hits)
        if at < until and alone and not _spoken(brief, at, at + 0.3):
            near = [loud for time, loud in notes if abs(time - at) <= sixteenth_s]
            saliency.append(value)
            strength.append(max(near, default=0.0))
    return np.array(saliency), np.array(strength)


def rank_correlation(a: Array, b: Array) -> float:
    """Spearman's rank correlation; equal values share their mean rank."""
    return float(np.corrcoef(_ranks(a), _ranks(b))[0, 1])


def _ranks(values: Array) -> Array:
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[places])


def _visual_beats(brief: SceneBrief) -> list[tuple[float, float]]:
    assert brief.curves is not None
    curve = brief.curves.saliency
    ranked = sorted(enumerate(curve.values), key=lambda pair: (-pair[1], pair[0]))
    found: list[tuple[float, float]] = []
    for index, value in ranked:
        at = (index + 0.5) * curve.hop_s
        if value >= _FAINTEST and all(abs(at - other) >= _APART_S for other, _ in found):
            found.append((at, value))
    return sorted(found)


def _simu_notes(cue: Cue, *, struck: bool) -> list[tuple[float, float]]:
    """Time in seconds and summed velocity of each, in order."""
    onsets = sorted(
        (cue.tempo.seconds(note.start), note.velocity)
        for part in cue.parts
        if not struck or not (part.role == "texture" or part.name.startswith("Chords"))
        for note in part.notes
    )
    found: list[tuple[float, float]] = []
    for time, velocity in onsets:
        if found and time - found[-1][0] < _TOGETHER_S:
            found[-1] = (found[-1][0], found[-1][1] + velocity)
        else:
            found.append((time, float(velocity)))
    return found


def _spoken(brief: SceneBrief, start: float, end: float) -> float:
    spoken = (min(end, region.end_s) - max(start, region.start_s) for region in brief.dialogue)
    return sum(max(0.0, seconds) for seconds in spoken) / (end - start)
