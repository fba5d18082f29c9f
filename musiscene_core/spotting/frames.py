"""Frames that stand for a scene: Herrmann-1's sampling, and which frame of a stretch is taken.

Haseeb et al. 2023, section 3.1, n = 15: where there are fewer shots than n, at least n frames
across them; else one of each shot. Here every shot has at least one, and longer shots more: they
are cut on a grid of the timeline's own frames, the coarsest of 1, 2, 4 ... frames that gives n. So
a range that is moved a little keeps its frames, and what models said of them. Of each stretch the
sharpest is taken, and before it one with faces that is nearly as sharp.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from musiscene_core.brief import SceneFrame, Shot
from musiscene_core.spotting.likeness import Floats

SAMPLES = 15
"""The paper's n."""
MOST = 600
"""Frames at most: with more shots than that, neighbours share one."""
_SHARP_ENOUGH = 0.6
"""A face is worth this much less sharpness than the stretch's best."""
_EDGE = 0.1
"""Share of a shot at either end that is left alone where it can be: it may still be dissolving."""


def sample(
    shots: Sequence[Shot], sharpness: Floats, faces: Mapping[int, int], first: int = 0
) -> tuple[SceneFrame, ...]:
    """The frames that stand for `shots`, in order.

    Args:
        shots: in order, abutting.
        sharpness: [frames] of the picture at each cue frame, 0 or more.
        faces: how many there are, at the cue frames that were looked at.
        first: the record frame that is cue frame 0.
    """
    sharpest = float(sharpness.max(initial=0.0))
    chosen = []
    for index, start, end in _stretches(shots, first):
        frame = best_in(start, end, sharpness, faces)
        sharp = float(sharpness[frame]) / sharpest if sharpest > 0 else 0.0
        chosen.append(
            SceneFrame(
                frame=frame, shot=index, sharpness=round(sharp, 4), faces=faces.get(frame, 0)
            )
        )
    return tuple(chosen)


def _stretches(shots: Sequence[Shot], first: int) -> list[tuple[int, int, int]]:
    """(index of a shot, its part [start, end) to take a frame of), in order."""
    if len(shots) > MOST:
        # Of each run of neighbours, the longest stands for all.
        runs = np.array_split(np.arange(len(shots)), MOST)
        longest = [int(max(run, key=lambda index: _length(shots[index]))) for run in runs]
        return [(index, *_inside(shots[index])) for index in longest]
    if len(shots) >= SAMPLES:
        return [(index, *_inside(shot)) for index, shot in enumerate(shots)]
    cell = 1 << max(0, sum(map(_length, shots)) - 1).bit_length()
    while True:
        cut = [
            (index, start, end)
            for index, shot in enumerate(shots)
            for start, end in cells(*_inside(shot), cell, first)
        ]
        if len(cut) >= SAMPLES or cell == 1:
            return cut
        cell //= 2


def _length(shot: Shot) -> int:
    return shot.end_frame - shot.start_frame


def _inside(shot: Shot) -> tuple[int, int]:
    return inside(shot.start_frame, shot.end_frame)


def inside(start: int, end: int) -> tuple[int, int]:
    """A shot [start, end) less its edges."""
    inset = int((end - start) * _EDGE)
    return start + inset, end - inset


def first_cell(length: int) -> int:
    """Frames of a cell of the grid on which a scene of one shot is cut."""
    cell = 1 << max(0, length - 1).bit_length()
    while cell > 1 and len(cells(*inside(0, length), cell, 0)) < SAMPLES:
        cell //= 2
    return cell


def cells(start: int, end: int, cell: int, first: int) -> list[tuple[int, int]]:
    """[start, end) cut at every `cell` record frames, ends under half a cell left with the next."""
    least = (cell + 1) // 2
    edges = [start]
    for record in range(-(-(start + 1 + first) // cell) * cell, end + first, cell):
        if record - first - edges[-1] >= least and end - (record - first) >= least:
            edges.append(record - first)
    return list(pairwise([*edges, end]))


def best_in(first: int, last: int, sharpness: Floats, faces: Mapping[int, int]) -> int:
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
