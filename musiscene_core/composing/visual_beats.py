"""Visual beats: sudden changes of the picture's motion, each on the sixteenth that meets it.

After CMT (Di et al. 2021). Hits are met in their own way, and speech is left alone. Knows nothing
of notes.
"""

from __future__ import annotations

from dataclasses import dataclass

from musiscene_core.composing.plan import Plan

_FAINTEST = 0.15
"""Changes fainter than this, on the scene's own scale, are let go by."""
_APART_S = 0.8
_GRID = 4
_NEAR_HIT = 0.5


@dataclass(frozen=True)
class VisualBeat:
    """A beat of the music on which the picture changes: how suddenly, above 0 to 1."""

    beat: float
    strength: float


def visual_beats(plan: Plan, until: float) -> tuple[VisualBeat, ...]:
    """The strongest visual beats before beat `until`, well apart, in order of time."""
    curves = plan.scene.brief.curves
    if curves is None or not curves.saliency.values:
        return ()
    hop_s = curves.saliency.hop_s
    times = [(index + 0.5) * hop_s for index in range(len(curves.saliency.values))]
    ranked = sorted(
        ((round(plan.scene.saliency(at - hop_s / 4, at + hop_s / 4), 6), at) for at in times),
        key=lambda pair: (-pair[0], pair[1]),
    )
    hits = [hit.beat for hit in plan.hits]
    # By stretches of _APART_S, each of which holds one at most: only three can be too near.
    taken: dict[int, float] = {}
    found: dict[float, float] = {}
    for strength, at in ranked:
        if strength < _FAINTEST:
            break
        stretch = int(at / _APART_S)
        beside = (taken.get(index, -1e9) for index in (stretch - 1, stretch, stretch + 1))
        if any(abs(at - other) < _APART_S for other in beside):
            continue
        taken[stretch] = at
        beat = round(plan.tempo.beat(at) * _GRID) / _GRID
        near = any(abs(beat - hit) <= _NEAR_HIT for hit in hits)
        if plan.start_beat <= beat < until and not near and not plan.scene.speaking(at, at + 0.3):
            found.setdefault(beat, strength)
    return tuple(VisualBeat(beat, found[beat]) for beat in sorted(found))
