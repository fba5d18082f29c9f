"""Which picture clip shows at every frame of the range.

A clip on a higher track hides those below, opaque or not: what a compositor would blend is not
known here. Knows nothing of what the pictures look like.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import PurePath

import numpy as np

from musiscene_core.timeline import TimelineClip, TimelineRange


@dataclass(frozen=True)
class Stretch:
    """Cue frames over which one clip's picture runs on unbroken, or a gap.

    Attributes:
        start: first cue frame.
        end: the cue frame after the last.
        clip: what shows; None in a gap, which is black.
    """

    start: int
    end: int
    clip: TimelineClip | None


def visible_stretches(timeline: TimelineRange) -> tuple[Stretch, ...]:
    """What shows, in order, abutting, from cue frame 0 to the range's length.

    A through edit (the next clip shows the same file, at the same speed, from where the last one
    stopped to within half a source frame) joins with the stretch before it.
    """
    clips = timeline.by_role("picture")
    first, length = timeline.record.start, timeline.record.length
    owner = np.full(length, -1, dtype=np.int32)
    for index in sorted(range(len(clips)), key=lambda index: clips[index].track_index):
        seen = clips[index].mapping.record.overlap(timeline.record)
        if seen is not None:
            owner[seen.start - first : seen.end - first] = index
    edges = [0, *(np.flatnonzero(np.diff(owner)) + 1).tolist(), length]
    stretches: list[Stretch] = []
    for start, end in pairwise(edges):
        clip = clips[int(owner[start])] if owner[start] >= 0 else None
        last = stretches[-1] if stretches else None
        if last and last.clip and clip and _runs_on(last.clip, clip, first + start):
            stretches[-1] = Stretch(last.start, end, last.clip)
        else:
            stretches.append(Stretch(start, end, clip))
    return tuple(stretches)


def media_name(clip: TimelineClip) -> str:
    """What a user calls the file that `clip` shows."""
    return clip.media.name or PurePath(clip.media.path).name or clip.name


def _runs_on(before: TimelineClip, after: TimelineClip, record_frame: int) -> bool:
    if not before.media.path or before.media.path != after.media.path:
        return False
    if before.mapping.speed != after.mapping.speed:
        return False
    jump = after.mapping.source_seconds(record_frame) - before.mapping.source_seconds(record_frame)
    return abs(jump) <= Fraction(1, 2) / after.mapping.source_rate.fps
