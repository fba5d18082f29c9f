"""From a value per frame to a curve small enough to travel in a brief."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from musiscene_core.brief import Curve
from musiscene_core.spotting.likeness import Floats
from musiscene_core.timecode import FrameRate

SHORTEST_HOP = Fraction(1, 10)
"""Seconds."""
MAX_POINTS = 6000
"""Values in a curve, however long the range."""
_CUT_WINDOW_S = 10.0
_DECIMALS = 4


def hop_for(length: int, rate: FrameRate) -> Fraction:
    """Seconds between the values of a curve over `length` frames."""
    return max(SHORTEST_HOP, rate.seconds(length) / MAX_POINTS)


def sampled(values: Floats, rate: FrameRate, *, peaks: bool = False) -> Curve:
    """`values` per frame [n] as a curve: the mean of each hop, or its peak.

    A hop in which no frame begins takes the frame that shows.
    """
    hop = hop_for(len(values), rate)
    first, end = _edges(len(values), rate, hop)
    shown = np.minimum(first, len(values) - 1)
    if peaks:
        points = [
            float(values[low : max(low + 1, high)].max())
            for low, high in zip(shown.tolist(), end.tolist(), strict=True)
        ]
        return _curve(hop, np.asarray(points))
    total = np.concatenate(([0.0], np.cumsum(values, dtype=np.float64)))
    count = end - first
    means = (total[end] - total[first]) / np.maximum(1, count)
    return _curve(hop, np.where(count > 0, means, values[shown]))


def cut_rate(starts: tuple[int, ...], length: int, rate: FrameRate) -> Curve:
    """Shots that begin a minute, counted over 10 s around each hop (less at the ends).

    Args:
        starts: the cue frame at which each shot begins, the first at 0.
        length: frames.
        rate: cue frames a second.
    """
    hop = hop_for(length, rate)
    length_s = float(rate.seconds(length))
    cuts_s = np.asarray([float(rate.seconds(start)) for start in starts[1:]])
    centers = (np.arange(_count(length, rate, hop)) + 0.5) * float(hop)
    low = np.maximum(0.0, centers - _CUT_WINDOW_S / 2)
    high = np.minimum(length_s, centers + _CUT_WINDOW_S / 2)
    inside = np.searchsorted(cuts_s, high) - np.searchsorted(cuts_s, low)
    # A range shorter than the window is not taken for a montage because of its one cut.
    return _curve(hop, 60.0 * inside / np.maximum(high - low, _CUT_WINDOW_S / 2))


def _count(length: int, rate: FrameRate, hop: Fraction) -> int:
    return -((-rate.seconds(length)) // hop)


def _edges(length: int, rate: FrameRate, hop: Fraction) -> tuple[np.ndarray, np.ndarray]:
    """First frame that begins in each hop, and the frame after the last."""
    frames = hop * rate.fps
    top, bottom = frames.numerator, frames.denominator
    edges = [
        min(length, -(-index * top // bottom)) for index in range(_count(length, rate, hop) + 1)
    ]
    begins = np.asarray(edges, dtype=np.int64)
    return begins[:-1], begins[1:]


def _curve(hop: Fraction, values: np.ndarray) -> Curve:
    return Curve(float(hop), tuple(np.round(values.astype(np.float64), _DECIMALS).tolist()))
