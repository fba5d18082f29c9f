"""Frames that stand for a scene: Herrmann-1's sampling, and which frame of a stretch is taken.

Haseeb et al. 2023, section 3.1, n = 15: where there are fewer shots than n, n frames across them;
else one of each shot. Here every shot has at least one, and longer shots more. A shot is divided
into as many stretches of like length as it gets frames; of each, the sharpest is taken, and before
it one with faces that is nearly as sharp.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence

import numpy as np

from musiscene_core.brief import SceneFrame, Shot
from musiscene_core.spotting.likeness import Floats

SAMPLES = 15
"""The paper's n."""
MOST = 600
"""Frames at most: with more shots than that, neighbours share one. Keeps a brief below 1 MB."""
_SHARP_ENOUGH = 0.6
"""A face is worth this much less sharpness than the stretch's best."""
_EDGE = 0.1
"""Share of a shot at either end that is left alone where it can be: it may still be dissolving."""


def sample(
    shots: Sequence[Shot], sharpness: Floats, faces: Mapping[int, int]
) -> tuple[SceneFrame, ...]:
    """The frames that stand for `shots`, in order.

    Args:
        shots: in order, abutting.
        sharpness: [frames] of the picture at each cue frame, 0 or more.
        faces: how many there are, at the cue frames that were looked at.
    """
    sharpest = float(sharpness.max(initial=0.0))
    chosen = []
    for index, count in _counts(shots):
        shot = shots[index]
        inset = int((shot.end_frame - shot.start_frame) * _EDGE)
        edges = np.linspace(shot.start_frame + inset, shot.end_frame - inset, count + 1)
        for first, last in zip(edges.astype(int), edges[1:].astype(int), strict=False):
            frame = _best(int(first), max(int(first) + 1, int(last)), sharpness, faces)
            sharp = float(sharpness[frame]) / sharpest if sharpest > 0 else 0.0
            chosen.append(
                SceneFrame(
                    frame=frame,
                    shot=index,
                    sharpness=round(sharp, 4),
                    faces=faces.get(frame, 0),
                )
            )
    return tuple(chosen)


def _counts(shots: Sequence[Shot]) -> list[tuple[int, int]]:
    """(index of a shot, how many frames it gets), in order; only shots that get any."""
    lengths = [shot.end_frame - shot.start_frame for shot in shots]
    if len(shots) > MOST:
        # Of each run of neighbours, the longest stands for all.
        runs = np.array_split(np.arange(len(shots)), MOST)
        return [(int(max(run, key=lambda index: lengths[index])), 1) for run in runs]
    counts = [1] * len(shots)
    # Each further frame goes to the shot whose frames stand for most (Sainte-Laguë's method).
    waiting = [(-length / 3, index) for index, length in enumerate(lengths) if length > 1]
    heapq.heapify(waiting)
    for _ in range(SAMPLES - len(shots)):
        if not waiting:
            break
        index = heapq.heappop(waiting)[1]
        counts[index] += 1
        if counts[index] < lengths[index]:
            heapq.heappush(waiting, (-lengths[index] / (2 * counts[index] + 1), index))
    return list(enumerate(counts))


def _best(first: int, last: int, sharpness: Floats, faces: Mapping[int, int]) -> int:
    """The frame of [first, last) to take; of equals, the one nearest the middle."""
    middle = (first + last - 1) / 2
    best = float(sharpness[first:last].max())
    with_faces = [
        frame
        for frame in range(first, last)
        if faces.get(frame, 0) and sharpness[frame] >= _SHARP_ENOUGH * best
    ]
    if with_faces:
        return max(with_faces, key=lambda f: (faces[f], sharpness[f], -abs(f - middle)))
    equal = first + np.flatnonzero(sharpness[first:last] >= best)
    return int(equal[np.argmin(np.abs(equal - middle))])
