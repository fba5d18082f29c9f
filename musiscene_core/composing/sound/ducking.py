"""Makes room for speech: under dialogue the music falls, and falls more where consonants live.

A gain and a bell-shaped dip, both following one smooth curve that knows only the dialogue, so the
same for every stem: ducked stems still sum to the ducked mix.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from musiscene_core.brief import DialogueRegion
from musiscene_core.composing.sound.filters import band_pass
from musiscene_core.composing.sound.signal import Audio, Points, control_times, decibels, drawn_out
from musiscene_core.filtering import filtered
from musiscene_core.timecode import SAMPLE_RATE

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


class Ducker:
    """Ducks a track under `dialogue`, block by block."""

    def __init__(self, dialogue: Sequence[DialogueRegion], samples: int) -> None:
        """For a cue of `samples` samples."""
        self._depth = duck_depth(dialogue, samples)
        self._section = band_pass(_DIP_HZ, _DIP_Q)[None, :]
        self._before: Audio = np.zeros((2, _WARM_UP), dtype=np.float32)

    def run(self, block: Audio, first: int) -> None:
        """Duck the next block [2, n] in place; it begins at cue sample `first`, on a hop."""
        samples = block.shape[1]
        depth = self._depth[first // _HOP : first // _HOP - (-samples // _HOP) + 1]
        runs = _active(depth)
        heard = np.concatenate([self._before, block], axis=1)
        self._before = heard[:, -_WARM_UP:]
        for start, last in runs:
            begin, end = start * _HOP, min(samples, last * _HOP)
            band = filtered(self._section, heard[:, begin : end + _WARM_UP])[:, _WARM_UP:]
            curve = depth[start : last + 1]
            gain = drawn_out(10.0 ** (DUCK_DB / 20.0 * curve), end - begin, _HOP)
            dip = drawn_out((decibels(DIP_DB) - 1.0) * curve, end - begin, _HOP)
            piece = block[:, begin:end]
            piece += band * dip
            piece *= gain


def around(
    dialogue: Sequence[DialogueRegion], length_s: float, samples: int
) -> tuple[DialogueRegion, ...]:
    """`dialogue` as it comes again each time a loop of `length_s` goes round, over `samples`."""
    rounds = range(-1, math.ceil(samples / SAMPLE_RATE / length_s) + 1)
    return tuple(
        DialogueRegion(
            start_s=region.start_s + number * length_s, end_s=region.end_s + number * length_s
        )
        for number in rounds
        for region in dialogue
    )


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
