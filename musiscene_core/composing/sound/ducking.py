"""Makes room for speech: under dialogue the music falls, and falls more where consonants live.

A gain and a bell-shaped dip, both following one smooth curve that knows only the dialogue, so the
same for every stem: ducked stems still sum to the ducked mix.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from musiscene_core.brief import DialogueRegion
from musiscene_core.composing.sound.filters import band_pass
from musiscene_core.composing.sound.signal import Audio, Points, control_times, decibels, drawn_out
from musiscene_core.filtering import filtered

DUCK_DB = -5.0
"""Gain under dialogue."""

DIP_DB = -3.5
"""Further gain at the middle of the speech band."""

_DIP_HZ, _DIP_Q = 2000.0, 0.667
"""The middle of 1 to 4 kHz, two octaves wide."""

_ATTACK_S, _RELEASE_S = 0.15, 0.4
_HOP = 480
_WARM_UP = 2400
"""Samples for the dip's filter to settle where it is switched in, inaudibly."""


def duck(stem: Audio, dialogue: Sequence[DialogueRegion]) -> None:
    """Duck `stem` [2, n] in place under `dialogue`."""
    samples = stem.shape[1]
    depth = duck_depth(dialogue, samples)
    section = band_pass(_DIP_HZ, _DIP_Q)[None, :]
    for first, last in _active(depth):
        begin, end = first * _HOP, min(samples, last * _HOP)
        warm = max(0, begin - _WARM_UP)
        band = filtered(section, stem[:, warm:end])[:, begin - warm :]
        curve = depth[first : last + 1]
        gain = drawn_out(10.0 ** (DUCK_DB / 20.0 * curve), end - begin, _HOP)
        dip = drawn_out((decibels(DIP_DB) - 1.0) * curve, end - begin, _HOP)
        piece = stem[:, begin:end]
        piece += band * dip
        piece *= gain


def duck_depth(dialogue: Sequence[DialogueRegion], samples: int) -> Points:
    """How far the ducking has gone, 0 to 1, every 10 ms: full from each region's start to end."""
    time_s = control_times(samples, _HOP)
    depth = np.zeros_like(time_s)
    for region in dialogue:
        fall = np.clip((time_s - region.start_s + _ATTACK_S) / _ATTACK_S, 0.0, 1.0)
        rise = np.clip((region.end_s + _RELEASE_S - time_s) / _RELEASE_S, 0.0, 1.0)
        depth = np.maximum(depth, np.sin(np.pi / 2 * np.minimum(fall, rise)) ** 2)
    return depth


def _active(depth: Points) -> list[tuple[int, int]]:
    """Runs of hops [first, last) in which the ducking does anything."""
    busy = (depth[:-1] > 0) | (depth[1:] > 0)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], busy, [False]]).astype(np.int8)))
    return [(int(first), int(last)) for first, last in edges.reshape(-1, 2)]
