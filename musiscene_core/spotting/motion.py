"""Motion energy and its sudden changes, per cue frame.

Speed is how far the picture moves on average, in diagonals of the picture a second, whatever the
frame rate or size. Motion energy maps it onto 0 to 1 by 1 - exp(-speed / 0.2): a slow pan (0.05)
gives 0.2, a brisk one (0.2) 0.6, a whip pan (1) 1. Nothing is measured across a cut. Saliency is
the onset of motion, after the visual beats of CMT (Di et al. 2021, section 3.2).
"""

from __future__ import annotations

import numpy as np

from musiscene_core.spotting.features import Watched
from musiscene_core.spotting.likeness import Floats

BRISK = 0.2
"""Diagonals a second at which motion energy is 0.63."""
_DIM = 0.02
_NO_CONTRAST, _FAINT_CONTRAST = 0.01, 0.04
"""Standard deviations of luma (0-1): nothing to see, and how much above it all is seen."""
_SMOOTHED_S = 0.2
_AHEAD_S = 0.15
_BEHIND_S = 0.5
_FULL_ONSET = 0.5
"""Rise of motion energy that counts as total."""


def motion_and_saliency(
    speed: Floats, starts: tuple[int, ...], fps: float
) -> tuple[Floats, Floats]:
    """Motion energy and saliency, 0 to 1, [frames].

    Args:
        speed: diagonals a second per cue frame, NaN where unknown, [frames].
        starts: the cue frame at which each shot begins.
        fps: cue frames a second.
    """
    motion = np.zeros(len(speed), dtype=np.float32)
    saliency = np.zeros(len(speed), dtype=np.float32)
    for start, end in zip(starts, (*starts[1:], len(speed)), strict=True):
        energy = 1.0 - np.exp(-_filled(speed[start:end]) / BRISK)
        half = _SMOOTHED_S * fps / 2
        motion[start:end] = _mean_between(energy, -round(half), round(half) + 1)
        ahead = _mean_between(energy, 0, max(1, round(_AHEAD_S * fps)))
        behind = _mean_between(energy, -max(1, round(_BEHIND_S * fps)), 0)
        rise = (ahead - behind) / _FULL_ONSET
        saliency[start:end] = np.clip(rise, 0.0, 1.0)
        # A shot that begins in motion has no onset: nothing lies behind its first frame.
        saliency[start] = 0.0
    return motion, saliency


def seen_speed(watched: Watched, fps: float) -> Floats:
    """Speed as a viewer sees it, in diagonals a second, [M] like `watched.speed`.

    Optical flow takes a change of light for movement, and finds wild movement in what is nearly
    black; both are taken back by how fast the light changes and how little there is to see.
    """
    light = np.maximum(watched.brightness, _DIM)
    change = np.abs(np.diff(light, prepend=light[:1])) / light * fps
    visible = np.clip((watched.contrast - _NO_CONTRAST) / _FAINT_CONTRAST, 0.0, 1.0)
    return np.asarray(watched.speed * visible / (1.0 + change), dtype=np.float32)


def _filled(speed: Floats) -> Floats:
    known = np.flatnonzero(~np.isnan(speed))
    if len(known) == 0:
        return np.zeros_like(speed)
    return np.interp(np.arange(len(speed)), known, speed[known]).astype(np.float32)


def _mean_between(values: Floats, first: int, after: int) -> Floats:
    """Mean of values[i + first : i + after] for every i, of as many as there are."""
    total = np.concatenate(([0.0], np.cumsum(values, dtype=np.float64)))
    index = np.arange(len(values))
    low = np.clip(index + first, 0, len(values))
    high = np.clip(index + after, 0, len(values))
    mean = (total[high] - total[low]) / np.maximum(1, high - low)
    return np.asarray(mean, dtype=np.float32)
