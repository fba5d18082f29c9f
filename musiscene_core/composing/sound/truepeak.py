"""True peaks: the highest point of the wave between samples, by four-fold oversampling.

The interpolator is the polyphase Kaiser filter of scipy's resample_poly(x, 4, 1), 20 taps a
phase, run as one matrix product over blocks and only where a block can matter.
"""

from __future__ import annotations

import functools

import numpy as np

from musiscene_core.composing.sound.signal import Audio, Points
from musiscene_core.filtering import product
from musiscene_core.timecode import SAMPLE_RATE

BLOCK = SAMPLE_RATE // 1000
"""Samples in a block: 1 ms."""

REACH = 10
"""Samples of context that a block needs on either side."""

SILENCE_DBTP = -200.0
"""Stands for the true peak of silence, which is minus infinity."""

_OVERSAMPLING = 4
_MOST_OVERSHOOT = 2.0
"""Real music's peaks between samples lie within this factor of the samples around them."""


def block_peaks(signal: Audio, floor: float) -> Points:
    """The true peak of every block, both channels together.

    Args:
        signal: [2, REACH + n + REACH]: n samples with those around them, zeros where none are.
        floor: true peaks below it need not be exact: the highest sample may stand for them.

    Returns:
        [ceil(n / BLOCK)], linear.
    """
    samples = signal.shape[1] - 2 * REACH
    count = -(-samples // BLOCK)
    if not count:
        return np.zeros(0)
    padded = np.zeros((2, count * BLOCK + 2 * REACH), dtype=np.float32)
    padded[:, : signal.shape[1]] = signal
    inner = padded[:, REACH:-REACH].reshape(2, count, BLOCK)
    found = np.maximum(inner.max(axis=2), -inner.min(axis=2)).astype(np.float64)
    around = np.pad(found, ((0, 0), (1, 1)))
    around = np.maximum(found, np.maximum(around[:, :-2], around[:, 2:]))
    # The context of a piece's first and last block lies partly outside its blocks.
    around[:, 0] = np.maximum(around[:, 0], np.abs(padded[:, :REACH]).max(axis=1))
    around[:, -1] = np.maximum(around[:, -1], np.abs(padded[:, -REACH:]).max(axis=1))
    close = around * _MOST_OVERSHOOT > max(floor, 1e-9)
    windows = np.lib.stride_tricks.sliding_window_view(padded, BLOCK + 2 * REACH, axis=1)
    windows = windows[:, ::BLOCK]
    if close.any():
        between = product(windows[close], _interpolator())
        found[close] = np.maximum(found[close], np.abs(between).max(axis=1))
    return np.asarray(found.max(axis=0))


def dbtp(peak: float) -> float:
    """A linear true peak in dBTP; SILENCE_DBTP for 0."""
    return max(SILENCE_DBTP, 20 * float(np.log10(max(peak, 1e-12))))


@functools.lru_cache(maxsize=1)
def _interpolator() -> Audio:
    """From a block with its context to its oversampled points: [BLOCK + 2 REACH, 4 BLOCK]."""
    half = REACH * _OVERSAMPLING
    taps = np.sinc(np.arange(-half, half + 1) / _OVERSAMPLING) * np.kaiser(2 * half + 1, 5.0)
    taps *= _OVERSAMPLING / taps.sum()
    source = np.arange(BLOCK + 2 * REACH)[:, None] - REACH
    target = np.arange(BLOCK * _OVERSAMPLING)[None, :]
    place = half + target - _OVERSAMPLING * source
    inside = (place >= 0) & (place <= 2 * half)
    weights = np.where(inside, taps[np.clip(place, 0, 2 * half)], 0.0)
    return weights.astype(np.float32)
