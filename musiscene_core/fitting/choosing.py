"""Which of several candidates for a stretch of music is taken, and why.

Each is held against what the scene wants there: whether its beats can meet the hits, whether it
feels as the brief does (as the critic hears it), whether it keeps tempo, key and character. What
cannot be judged of all of them counts for none.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from musiscene_core.brief import EmotionCurve, Mode
from musiscene_core.critic.critique import Felt
from musiscene_core.critic.hearing import distance, place_of
from musiscene_core.fitting.drift import MOST_FIFTHS, MOST_TEMPO_PERCENT, Drift
from musiscene_core.fitting.meeting import Moment, Task, meet
from musiscene_core.fitting.places import places_in
from musiscene_core.fitting.traits import Traits, drift, fifths_apart, tempo_apart
from musiscene_core.remixing.grid import Grid

WEIGHTS = {"hits": 0.35, "feeling": 0.3, "likeness": 0.15, "tempo": 0.1, "key": 0.1}
_WORDS = {
    "hits": "the hits",
    "feeling": "the scene's feeling",
    "likeness": "the music before",
    "tempo": "the tempo",
    "key": "the key",
}
_NOTHING_IN_COMMON = 1.8
_TOO_FAR = 1.0
"""What a candidate loses that drifted too far: any other is taken before it."""
_TOLD = 0.01


@dataclass(frozen=True)
class Wanted:
    """What a stretch shall be.

    Attributes:
        start_s: where it lies, in seconds of the range.
        end_s: the same.
        moments: hits in it, in seconds of the range.
        feeling: the brief's curve.
        tempo_bpm: 0 where any will do.
        tonic: None where any will do.
        mode: of that key.
        reference: the stretch that it shall be like; None for the first.
        louder_lu: how much louder than that it is meant to be.
    """

    start_s: float
    end_s: float
    moments: tuple[Moment, ...] = ()
    feeling: EmotionCurve | None = None
    tempo_bpm: float = 0.0
    tonic: int | None = None
    mode: Mode | None = None
    reference: Traits | None = None
    louder_lu: float = 0.0

    def drift(self, traits: Traits) -> Drift | None:
        """How far a stretch lies from what it shall be like; None for the first."""
        return drift(traits, self.reference, self.louder_lu) if self.reference is not None else None


@dataclass(frozen=True)
class Candidate:
    """What was heard of a candidate.

    Attributes:
        traits: what it is like.
        grid: its beats, from where the stretch begins.
        figures: what the captioner "signals" measures of it, by name.
    """

    traits: Traits
    grid: Grid
    figures: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Choice:
    """Which candidate is taken.

    Attributes:
        index: of it.
        scores: of each, 0 to 1; below 0 for those that drifted too far.
        reasons: of each, why it stands where it stands.
        drift: of the one taken; None for the first stretch.
    """

    index: int
    scores: tuple[float, ...]
    reasons: tuple[str, ...]
    drift: Drift | None


def choose(candidates: Sequence[Candidate], wanted: Wanted) -> Choice:
    """The best of `candidates`, of which there is one at least."""
    drifts = [wanted.drift(candidate.traits) for candidate in candidates]
    judged = [
        _parts(candidate, wanted, apart)
        for candidate, apart in zip(candidates, drifts, strict=True)
    ]
    common = set.intersection(*(set(parts) for parts in judged))
    scores = []
    for parts, apart in zip(judged, drifts, strict=True):
        total = math.fsum(WEIGHTS[name] for name in common)
        score = math.fsum(WEIGHTS[name] * parts[name] for name in common) / total if total else 0.0
        far = apart is not None and bool(apart.too_far)
        scores.append(round(score - _TOO_FAR * far, 4))
    order = sorted(range(len(scores)), key=lambda index: -scores[index])
    reasons = tuple(
        _reason(index, order, judged, common, drifts[index]) for index in range(len(scores))
    )
    return Choice(order[0], tuple(scores), reasons, drifts[order[0]])


def hits_met(grid: Grid, moments: Sequence[Moment], length_s: float) -> float:
    """How well music can meet `moments`, 0 to 1, by the weight of those met and what it takes.

    Args:
        grid: the beats.
        moments: in the seconds of the grid.
        length_s: of the stretch.
    """
    weight = math.fsum(moment.weight for moment in moments)
    places = places_in(grid)
    if not weight or not len(places.at_s):
        return 0.0
    task = Task(
        beats_s=places.at_s,
        strength=places.strength,
        moments=tuple(moments),
        # Where the stretch will lie is not settled to more than a beat yet.
        begins_s=(0.0, *(float(at) for at in places.at_s[places.ends][:2])),
        length_s=length_s,
        ring_s=(0.0, 1e-6),
        ends=places.ends & False,
    )
    met = meet(task).met
    return (
        math.fsum(
            moments[index].weight * (0.6 + 0.4 * max(0.0, float(task.strength[beat])))
            for index, beat in met
        )
        / weight
    )


def _parts(candidate: Candidate, wanted: Wanted, apart: Drift | None) -> dict[str, float]:
    """What can be judged, each 0 to 1."""
    found: dict[str, float] = {}
    length_s = wanted.end_s - wanted.start_s
    if wanted.moments:
        own = [Moment(one.at_s - wanted.start_s, one.weight) for one in wanted.moments]
        found["hits"] = hits_met(candidate.grid, own, length_s)
    figures = dict(candidate.figures)
    if wanted.feeling is not None and wanted.feeling.points and figures:
        felt = Felt(wanted.start_s, wanted.end_s, *place_of(figures))
        found["feeling"] = max(0.0, 1 - distance(wanted.feeling, [felt]) / _NOTHING_IN_COMMON)
    if wanted.tempo_bpm:
        off = tempo_apart(candidate.traits, wanted.tempo_bpm)
        found["tempo"] = 0.0 if off is None else max(0.0, 1 - abs(off) / (2 * MOST_TEMPO_PERCENT))
    if wanted.tonic is not None:
        steps = fifths_apart(candidate.traits, wanted.tonic, wanted.mode)
        found["key"] = 0.3 if steps is None else max(0.0, 1 - steps / (2 * MOST_FIFTHS))
    if apart is not None:
        found["likeness"] = max(0.0, 1 - apart.badness / 4)
    return found


def _reason(
    index: int,
    order: Sequence[int],
    judged: Sequence[dict[str, float]],
    common: set[str],
    apart: Drift | None,
) -> str:
    if apart is not None and apart.too_far:
        return f"Changes {', '.join(apart.too_far)}."
    if len(order) == 1 or not common:
        return "The only one." if len(order) == 1 else "Nothing sets them apart."
    first = order[0] == index
    other = order[1] if first else order[0]
    leads = {name: WEIGHTS[name] * (judged[index][name] - judged[other][name]) for name in common}
    name = max(sorted(leads), key=lambda one: leads[one] if first else -leads[one])
    if abs(leads[name]) < _TOLD:
        return "As good as the next." if first else "Almost as good."
    verb = "Nearer to" if leads[name] > 0 else "Farther from"
    mine, theirs = judged[index][name], judged[other][name]
    than = "the next" if first else "the best"
    return f"{verb} {_WORDS[name]} than {than} ({mine:.2f} against {theirs:.2f})."
