"""Where one shot ends and the next begins.

A cut stands out: its rupture is large, and far larger than around it. A picture that comes back
within a third of a second was a flash, not a shot. A clip boundary on the timeline needs less
evidence, but some: where nothing visibly changes, a viewer sees no cut. The first frame of a shot
is the first record frame that shows it; a dissolve or fade begins its shot at its middle.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from musiscene_core.brief import Transition
from musiscene_core.spotting.fades import find_fades
from musiscene_core.spotting.features import Watched
from musiscene_core.spotting.likeness import Floats

SHORTEST_SHOT_S = 0.16
"""Seconds: four frames at 24, the shortest that trailers are cut to."""
_LEAST_RUPTURE = 3.0
"""Footage darkened to 15 % still cuts with 4.1; movement stays below 2.4."""
_STANDS_OUT = 5.0
"""Times the rupture around it. Measured: cuts 8.7 and more, movement under heavy noise 3.3."""
_AROUND = 6
"""Pictures to either side that are looked at."""
_AROUND_RANK = 60
"""Percentile of them that is typical: above the half that repeat in animation on twos, below the
one in four that are cuts in a trailer."""
_FLOOR = 0.3
_BOUNDARY_RUPTURE = 0.8
_BOUNDARY_STANDS_OUT = 2.0
_CAME_BACK = 0.4
"""A picture has come back when it is this much nearer to an earlier one than to the last."""
_FLASH_LIGHT = 0.1
"""Luma (0-1) by which a flash longer than a shot may be outshines both sides."""


@dataclass(frozen=True)
class Boundaries:
    """Where shots begin.

    Attributes:
        starts: cue frame and transition of every shot, in order, the first at 0.
        unsteady: bool [M], pictures whose movement since the last means nothing: the first of a
            shot, flashes, and those inside a dissolve.
    """

    starts: tuple[tuple[int, Transition], ...]
    unsteady: npt.NDArray[np.bool_]


def find_boundaries(watched: Watched, fps: float) -> Boundaries:
    """Divide the range into shots.

    The editor's cuts come first, then fades, then cuts from the strongest to the weakest, then
    dissolves; what lies nearer than the shortest shot to an earlier one is left out.
    """
    shortest = max(2, round(SHORTEST_SHOT_S * fps))
    frames = watched.cue_frame
    standing = _standing_out(watched.rupture)
    starts: dict[int, Transition] = {0: "start"}
    for index in _editor_cuts(watched, standing):
        starts.setdefault(int(frames[index]), "cut")

    def is_free(frame: int) -> bool:
        return all(abs(frame - other) >= shortest for other in starts)

    sudden = (watched.rupture >= _LEAST_RUPTURE) & (standing >= _STANDS_OUT)
    flash = np.zeros(len(sudden), dtype=np.bool_)
    flash[list(_flashes(watched, sudden, shortest))] = True
    fades = [
        fade
        for fade in find_fades(frames, watched.brightness, watched.contrast, watched.opens, fps)
        if fade.transition == "fade"
        or not flash[(frames >= fade.plain[0]) & (frames < fade.plain[1])].any()
    ]
    for fade in fades:
        if fade.boundary is not None and is_free(fade.boundary):
            starts[fade.boundary] = fade.transition
    unsteady = sudden | flash
    candidates = np.flatnonzero(sudden & ~flash).tolist()
    for index in sorted(candidates, key=lambda index: -watched.rupture[index]):
        frame = int(frames[index])
        in_fade = any(fade.start <= frame <= fade.end for fade in fades)
        if not in_fade and is_free(frame):
            starts[frame] = "cut"
    hard = sorted(starts)
    for dissolve in watched.dissolves:
        taken = any(dissolve.start <= frame <= dissolve.end for frame in hard if frame)
        in_fade = any(fade.start < dissolve.end and dissolve.start < fade.end for fade in fades)
        if not taken and not in_fade and is_free(dissolve.middle):
            starts[dissolve.middle] = "dissolve"
            unsteady |= (frames >= dissolve.start) & (frames <= dissolve.end)
    unsteady |= np.isin(frames, np.asarray(hard, dtype=np.int64))
    return Boundaries(tuple(sorted(starts.items())), unsteady)


def _standing_out(rupture: Floats) -> Floats:
    """Rupture [M] over what is typical around each picture."""
    count = len(rupture)
    padded = np.full(count + 2 * _AROUND, np.nan, dtype=np.float32)
    padded[_AROUND : _AROUND + count] = rupture
    if count:
        # The first picture has nothing before it to differ from.
        padded[_AROUND] = np.nan
    shifts = [shift for shift in range(2 * _AROUND + 1) if shift != _AROUND]
    around = np.stack([padded[shift : shift + count] for shift in shifts])
    known = np.count_nonzero(~np.isnan(around), axis=0)
    ordered = np.sort(around, axis=0)
    rank = np.maximum(0, (known - 1) * _AROUND_RANK // 100)
    typical = np.where(known > 0, ordered[rank, np.arange(count)], 0.0)
    return np.asarray(rupture / (typical + _FLOOR), dtype=np.float32)


def _editor_cuts(watched: Watched, standing: Floats) -> list[int]:
    """Pictures that begin a stretch of the timeline where a viewer sees a cut."""
    cuts = []
    for index in np.flatnonzero(watched.opens).tolist():
        at_gap = watched.black[index] or (index > 0 and watched.black[index - 1])
        visible = watched.rupture[index] >= _BOUNDARY_RUPTURE
        if at_gap or (visible and standing[index] >= _BOUNDARY_STANDS_OUT):
            cuts.append(index)
    return cuts


def _flashes(watched: Watched, sudden: npt.NDArray[np.bool_], shortest: int) -> set[int]:
    """The pictures at which a flash begins, goes on or ends."""
    lagged, count = watched.lagged, len(watched.cue_frame)
    found: set[int] = set()
    for index in np.flatnonzero(sudden).tolist():
        near = _CAME_BACK * lagged[index, 0]
        for lag in range(1, lagged.shape[1]):
            back, since = index + lag, index - lag
            if back < count and lagged[back, lag] < near:
                first, after = index, back
            elif since > 0 and lagged[index, lag] < near:
                first, after = since, index
            else:
                continue
            if _is_interlude(watched, first, after, shortest):
                found.update(range(first, after + 1))
            break
    return found


def _is_interlude(watched: Watched, first: int, after: int, shortest: int) -> bool:
    """Whether the pictures [first, after) are too short, or too bright, to be a shot."""
    if watched.cue_frame[after] - watched.cue_frame[first] < shortest:
        return True
    brightness = watched.brightness
    sides = max(brightness[first - 1], brightness[after])
    return bool(brightness[first:after].max() > sides + _FLASH_LIGHT)
