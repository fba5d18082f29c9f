"""Which hit points the music shall meet.

The user's, where the request names them, and all of those; otherwise the strongest candidates,
well apart, the others with the reason why they are left out. Knows nothing of tempo.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from musiscene_core.brief import HitKind, HitPoint
from musiscene_core.cue import DroppedHit
from musiscene_core.request import ScoreRequest

SPACING_S = 3.2
"""Chosen hits lie at least this far apart."""
_PER_HIT_S = 4.0
_FIRST_S = _LAST_S = 1.0
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
        held: the user's own, never left out.
    """

    frame: int
    seconds: float
    kind: HitKind
    label: str
    weight: float
    held: bool = False

    def dropped(self, reason: str) -> DroppedHit:
        """The same, left out for `reason`."""
        return DroppedHit(frame=self.frame, kind=self.kind, label=self.label, reason=reason)


def choose_hits(
    request: ScoreRequest, moments: Sequence[float] = ()
) -> tuple[tuple[ChosenHit, ...], tuple[DroppedHit, ...]]:
    """The hits and the candidates left out, each in order of time, no two hits on one frame.

    Args:
        request: what is wanted; the hits it names leave no room for others.
        moments: cue seconds that the words name; they come before every candidate.
    """
    brief = request.brief
    if request.hits is not None:
        named = {point.frame: point for point in brief.hit_points}
        frames = sorted(set(request.hits))
        return tuple(_chosen(request, named.get(f) or _unnamed(f), held=True) for f in frames), ()
    rate, length = brief.timeline.rate, brief.timeline.record.length
    length_s = float(rate.seconds(length))
    most = max(1, int(length_s / _PER_HIT_S))
    taken = _worded(request, moments)
    dropped: list[DroppedHit] = []
    worded = {hit.frame for hit in taken}
    for point in sorted(brief.hit_points, key=lambda point: (point.rank, point.frame)):
        hit = _chosen(request, point)
        if hit.frame in worded:
            continue
        if not _FIRST_S <= hit.seconds <= length_s - _LAST_S:
            dropped.append(hit.dropped(f"within {_FIRST_S:g} s of the beginning or the end"))
        elif any(abs(hit.seconds - other.seconds) < SPACING_S for other in taken):
            dropped.append(hit.dropped(f"within {SPACING_S:g} s of a stronger hit"))
        elif hit.weight < _WEAKEST:
            dropped.append(hit.dropped("too weak"))
        elif len(taken) >= most:
            dropped.append(hit.dropped(f"{most} stronger hits are enough for this length"))
        else:
            taken.append(hit)
    return (
        tuple(sorted(taken, key=lambda hit: hit.frame)),
        tuple(sorted(dropped, key=lambda hit: hit.frame)),
    )


def _worded(request: ScoreRequest, moments: Sequence[float]) -> list[ChosenHit]:
    """The moments that the words name as hits, by the names of candidates that lie there."""
    rate = request.brief.timeline.rate
    known = {point.frame: point for point in request.brief.hit_points}
    frames = sorted({rate.frame_nearest(moment) for moment in moments})
    length = request.brief.timeline.record.length
    return [
        _chosen(request, known.get(frame) or _unnamed(frame), held=True)
        for frame in frames
        if 0 < frame < length
    ]


def main_hit(hits: Sequence[ChosenHit]) -> int:
    """The index of the hit that matters most, the later of two alike; 0 where there is none."""
    if not hits:
        return 0
    return max(range(len(hits)), key=lambda index: (hits[index].weight, index))


def _unnamed(frame: int) -> HitPoint:
    return HitPoint(frame=frame, kind="marker", strength=0.8, rank=1)


def _chosen(request: ScoreRequest, point: HitPoint, *, held: bool = False) -> ChosenHit:
    candidates = max(1, len(request.brief.hit_points))
    # Rank leads; strength tells apart what ranks alike.
    rank = 1.0 - min(1.0, (point.rank - 1) / candidates)
    weight = 0.6 * rank + 0.4 * min(1.0, max(0.0, point.strength))
    seconds = float(request.brief.timeline.rate.seconds(point.frame))
    return ChosenHit(point.frame, seconds, point.kind, point.label, round(weight, 6), held)
