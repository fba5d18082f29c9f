"""Hit points: the moments music may meet, ranked by how much a viewer notices them.

Candidates are cuts, sudden motion, the ends of spoken lines and the editor's markers. Knows
nothing of music: which of them a cue meets is for the composer, or the user, to choose.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from musiscene_core.brief import DialogueRegion, HitKind, HitPoint, Shot
from musiscene_core.timecode import FrameRate
from musiscene_core.timeline import TimelineRange

_MERGE_S = 0.12
_MOTION_APART_S = 0.6
_MOTION_FLOOR = 0.25
_LONG_PAUSE_S = 3.0
_MAX_PER_MINUTE = 60
_MOST = 2000
"""Of a whole film: its brief stays about 1 MB."""
_FULL_CONTRAST = 0.6
"""A change of this size in motion, brightness, warmth and saturation together is total."""


def find_hit_points(
    timeline: TimelineRange,
    shots: Sequence[Shot],
    saliency: npt.NDArray[np.float32],
    dialogue: Sequence[DialogueRegion],
) -> tuple[HitPoint, ...]:
    """Candidates in order of time, rank 1 the most noticeable.

    Args:
        timeline: for the rate, the length and the markers.
        shots: abutting, in order.
        saliency: sudden change of motion per cue frame, 0 to 1, [frames].
        dialogue: where someone speaks.
    """
    rate, length = timeline.rate, timeline.record.length
    found = [
        *_markers(timeline),
        *_cuts(shots),
        *_dialogue_ends(dialogue, rate, float(timeline.length_seconds)),
        *_motion_peaks(saliency, rate),
    ]
    inside = [hit for hit in found if 0 <= hit.frame < length]
    merged = _merged(inside, max(1, round(_MERGE_S * float(rate.fps))))
    most = min(_MOST, max(4, round(_MAX_PER_MINUTE * timeline.length_seconds / 60)))
    best = sorted(merged, key=lambda hit: (-hit.strength, hit.frame))[:most]
    ranks = {hit.frame: rank for rank, hit in enumerate(best, start=1)}
    return tuple(
        HitPoint(
            frame=hit.frame,
            kind=hit.kind,
            strength=hit.strength,
            rank=ranks[hit.frame],
            label=hit.label,
        )
        for hit in sorted(best, key=lambda hit: hit.frame)
    )


def _hit(frame: int, kind: HitKind, strength: float, label: str) -> HitPoint:
    return HitPoint(
        frame=frame, kind=kind, strength=round(min(1.0, strength), 4), rank=0, label=label
    )


def _markers(timeline: TimelineRange) -> list[HitPoint]:
    # A marker longer than a second marks a stretch, such as the cue itself, not a moment.
    moment = round(float(timeline.rate.fps))
    return [
        _hit(marker.record.start - timeline.record.start, "marker", 1.0, marker.name or "marker")
        for marker in timeline.markers
        if marker.record.length <= moment
    ]


def _cuts(shots: Sequence[Shot]) -> list[HitPoint]:
    hits = []
    for index in range(1, len(shots)):
        before, after = shots[index - 1], shots[index]
        change = (
            abs(after.motion - before.motion)
            + abs(after.brightness - before.brightness)
            + abs(after.warmth - before.warmth) / 2
            + abs(after.saturation - before.saturation)
        )
        firmness = 0.5 if after.transition == "cut" else 0.35
        strength = firmness + 0.45 * min(1.0, change / _FULL_CONTRAST)
        hits.append(_hit(after.start_frame, "cut", strength, f"shot {index + 1}"))
    return hits


def _dialogue_ends(
    dialogue: Sequence[DialogueRegion], rate: FrameRate, length_s: float
) -> list[HitPoint]:
    hits = []
    for index, region in enumerate(dialogue):
        following = dialogue[index + 1].start_s if index + 1 < len(dialogue) else length_s
        pause = min(1.0, max(0.0, following - region.end_s) / _LONG_PAUSE_S)
        frame = rate.frame_nearest(region.end_s)
        hits.append(_hit(frame, "dialogue_end", 0.25 + 0.3 * pause, "line ends"))
    return hits


def _motion_peaks(saliency: npt.NDArray[np.float32], rate: FrameRate) -> list[HitPoint]:
    apart = max(1, round(_MOTION_APART_S * float(rate.fps)))
    left = saliency.copy()
    hits = []
    while left.size and (peak := int(np.argmax(left))) >= 0 and left[peak] >= _MOTION_FLOOR:
        hits.append(_hit(peak, "motion", 0.15 + 0.6 * float(left[peak]), "sudden motion"))
        left[max(0, peak - apart) : peak + apart + 1] = 0.0
    return hits


def _merged(hits: list[HitPoint], within: int) -> list[HitPoint]:
    """One hit where several fall within `within` frames: the strongest keeps its exact frame."""
    kept: list[HitPoint] = []
    taken: list[int] = []
    for hit in sorted(hits, key=lambda hit: (-hit.strength, hit.frame)):
        first = bisect_left(taken, hit.frame - within)
        if first == len(taken) or taken[first] > hit.frame + within:
            kept.append(hit)
            insort(taken, hit.frame)
    return kept
