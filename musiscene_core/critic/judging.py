"""Takes judged by their brief: a score for each thing that can be judged, a rank, and a reason.

Nothing is guessed: a criterion that says nothing about a take is left out of its mean, and one
that not all takes can be judged by is left out for all of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from musiscene_core.brief import SceneBrief
from musiscene_core.captioning.heard import HeardSection
from musiscene_core.critic.critique import Criterion, CriterionName, Critique
from musiscene_core.critic.hearing import distance, felt
from musiscene_core.critic.likeness import likeness
from musiscene_core.take import Take

WEIGHTS: dict[CriterionName, float] = {
    "feeling": 0.45,
    "words": 0.25,
    "hits": 0.2,
    "loudness": 0.1,
}
_NOTHING_IN_COMMON = 1.8
"""Distance between feelings, in the plane of valence and arousal, that scores 0."""
_HIT_FRAMES, _MISSED_FRAMES = 1.0, 6.0
"""A hit this near is met; one this far off is missed."""
_LOUD_LU, _MUCH_LU = 0.5, 6.0
_TOLD = 0.02
"""A smaller lead than this is no reason."""
_ALMOST = "Hardly worse than the best: hear both."
_TOPICS: dict[CriterionName, str] = {
    "feeling": "the scene's feeling",
    "words": "the brief's words",
    "hits": "the hit points",
    "loudness": "the loudness asked for",
}


@dataclass(frozen=True, kw_only=True)
class HeardTake:
    """A take and what was heard of it.

    Attributes:
        take: the take.
        measured: its windows, by the captioner "signals".
        words: what the chosen captioner said of the whole.
    """

    take: Take
    measured: Sequence[HeardSection]
    words: Sequence[str] = ()


def judge(
    brief: SceneBrief, target_lufs: float, takes: Sequence[HeardTake], listener: str
) -> tuple[Critique, ...]:
    """Judge takes of one request, in their own order.

    Args:
        brief: what they were made for.
        target_lufs: the loudness asked for.
        takes: at least one.
        listener: who said their words.
    """
    judged = [_criteria(brief, target_lufs, heard) for heard in takes]
    common = set.intersection(*({one.name for one in criteria} for criteria in judged))
    judged = [[one for one in criteria if one.name in common] for criteria in judged]
    scores = [_mean(criteria) for criteria in judged]
    order = sorted(range(len(takes)), key=lambda index: -scores[index])
    ranks = {index: rank for rank, index in enumerate(order, start=1)}
    return tuple(
        Critique(
            take=heard.take.name,
            rank=ranks[index],
            among=len(takes),
            score=round(scores[index], 3),
            criteria=tuple(judged[index]),
            reason=_reason(index, order, judged),
            listener=listener,
            heard=tuple(heard.words),
            felt=felt(heard.measured),
        )
        for index, heard in enumerate(takes)
    )


def wish(brief: SceneBrief) -> str:
    """What the brief says the music shall be."""
    texts = (brief.captions.fusion.text, brief.captions.music_conditions.text)
    return " ".join(text for text in texts if text)


def _criteria(brief: SceneBrief, target_lufs: float, heard: HeardTake) -> list[Criterion]:
    found = (
        _feeling(brief, heard),
        _words(brief, heard),
        _hits(heard.take),
        _loudness(heard.take, target_lufs),
    )
    return [one for one in found if one is not None]


def _feeling(brief: SceneBrief, heard: HeardTake) -> Criterion | None:
    windows = felt(heard.measured)
    if not windows or not brief.emotion_curve.points:
        return None
    off = distance(brief.emotion_curve, windows)
    says = f"{off:.2f} off in the plane of valence and arousal"
    return _criterion("feeling", 1 - off / _NOTHING_IN_COMMON, says)


def _words(brief: SceneBrief, heard: HeardTake) -> Criterion | None:
    alike = likeness(wish(brief), " ".join(heard.words))
    return None if alike is None else _criterion("words", alike, f"texts alike by {alike:.2f}")


def _hits(take: Take) -> Criterion | None:
    """Met hits count whole, near ones in part; what was left out by rule counts against none."""
    if not take.hits:
        return None
    parts = [_between(abs(hit.error_frames), _HIT_FRAMES, _MISSED_FRAMES) for hit in take.hits]
    met = sum(abs(hit.error_frames) <= _HIT_FRAMES for hit in take.hits)
    return _criterion(
        "hits", math.fsum(parts) / len(parts), f"{met} of {len(parts)} met within a frame"
    )


def _loudness(take: Take, target_lufs: float) -> Criterion:
    off = take.loudness_lufs - target_lufs
    return _criterion("loudness", _between(abs(off), _LOUD_LU, _MUCH_LU), f"{off:+.1f} LU off")


def _criterion(name: CriterionName, score: float, says: str) -> Criterion:
    kept = round(max(0.0, min(1.0, score)), 3)
    return Criterion(name=name, score=kept, weight=WEIGHTS[name], says=says)


def _between(value: float, whole: float, none: float) -> float:
    """1 up to `whole`, 0 from `none` on, a straight line between; 0 for what is no number."""
    return max(0.0, min(1.0, (none - value) / (none - whole))) if math.isfinite(value) else 0.0


def _mean(criteria: Sequence[Criterion]) -> float:
    """The weighted mean; loudness can always be judged, so there is one."""
    total = math.fsum(one.weight for one in criteria)
    return math.fsum(one.weight * one.score for one in criteria) / total


def _reason(index: int, order: Sequence[int], judged: Sequence[Sequence[Criterion]]) -> str:
    """What sets the best take apart from the second, or another from the best.

    Names none of them: takes are named anew where they are kept.
    """
    if len(order) == 1:
        best = max(judged[0], key=lambda one: one.weight * one.score)
        return f"Fits {_TOPICS[best.name]} best: {best.says}."
    first = order[0] == index
    other = order[1] if first else order[0]
    leads = [
        (mine.weight * (mine.score - theirs.score), mine, theirs)
        for mine, theirs in zip(judged[index], judged[other], strict=True)
    ]
    lead, mine, theirs = max(leads, key=lambda one: one[0] if first else -one[0])
    if abs(lead) < _TOLD:
        return "Hardly better than the second: hear both." if first else _ALMOST
    verb = "Nearer to" if first else "Farther from"
    against = "the second" if first else "the best"
    return (
        f"{verb} {_TOPICS[mine.name]} than {against}: {mine.says} "
        f"({mine.score:.2f} against {theirs.score:.2f})."
    )
