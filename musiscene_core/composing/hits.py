"""Which hit points the music shall meet.

The user's, where the request names them; otherwise the strongest candidates, well apart. Knows
nothing of tempo.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from musiscene_core.brief import HitKind, HitPoint
from musiscene_core.request import ScoreRequest

SPACING_S = 3.2
"""Chosen hits lie at least this far apart."""
_PER_HIT_S = 4.0
_FIRST_S = 1.0
_LAST_S = 1.0
_WEAKEST = 0.2


@dataclass(frozen=True)
class ChosenHit:
    """A moment the music shall meet.

    Attributes:
        frame: cue frame.
        seconds: the same in cue seconds.
        kind: what happens there.
        label: its name.
        weight: how much it matters, 0 to 1.
    """

    frame: int
    seconds: float
    kind: HitKind
    label: str
    weight: float


def choose_hits(request: ScoreRequest) -> tuple[ChosenHit, ...]:
    """The hits in order of time, no two on one frame."""
    brief = request.brief
    if request.hits is not None:
        named = {point.frame: point for point in brief.hit_points}
        frames = sorted(set(request.hits))
        return tuple(_chosen(request, named.get(frame) or _unnamed(frame)) for frame in frames)
    rate, length = brief.timeline.rate, brief.timeline.record.length
    length_s = float(rate.seconds(length))
    most = max(1, int(length_s / _PER_HIT_S))
    taken: list[ChosenHit] = []
    for point in sorted(brief.hit_points, key=lambda point: (point.rank, point.frame)):
        hit = _chosen(request, point)
        inside = _FIRST_S <= hit.seconds <= length_s - _LAST_S
        apart = all(abs(hit.seconds - other.seconds) >= SPACING_S for other in taken)
        if inside and apart and hit.weight >= _WEAKEST:
            taken.append(hit)
        if len(taken) == most:
            break
    return tuple(sorted(taken, key=lambda hit: hit.frame))


def main_hit(hits: Sequence[ChosenHit]) -> int:
    """The index of the hit that matters most, the later of two alike; 0 where there is none."""
    if not hits:
        return 0
    return max(range(len(hits)), key=lambda index: (hits[index].weight, index))


def _unnamed(frame: int) -> HitPoint:
    return HitPoint(frame=frame, kind="marker", strength=0.8, rank=1)


def _chosen(request: ScoreRequest, point: HitPoint) -> ChosenHit:
    candidates = max(1, len(request.brief.hit_points))
    # Rank leads; strength tells apart what ranks alike.
    rank = 1.0 - min(1.0, (point.rank - 1) / candidates)
    weight = 0.6 * rank + 0.4 * min(1.0, max(0.0, point.strength))
    seconds = float(request.brief.timeline.rate.seconds(point.frame))
    return ChosenHit(point.frame, seconds, point.kind, point.label, round(weight, 6))
