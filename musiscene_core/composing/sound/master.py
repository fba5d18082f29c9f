"""The master: one gain curve for all stems, then 24-bit integers whose sum is the mix.

Finds the gain that brings the sum to its loudness under a true-peak limiter, applies it to each
stem, quantises each stem and adds the integers. Works through the cue in pieces, so it needs no
second copy of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import numpy.typing as npt

from musiscene_core.composing.sound.limiter import limiter_gain_db
from musiscene_core.composing.sound.signal import Audio, Points, decibels, drawn_out
from musiscene_core.composing.sound.truepeak import BLOCK, REACH, block_peaks, dbtp
from musiscene_core.cue import StemRole
from musiscene_core.loudness import LoudnessMeter, integrated
from musiscene_core.timecode import SAMPLE_RATE

Integers = npt.NDArray[np.int32]

_FULL_SCALE = 1 << 23
_PIECE = 10 * SAMPLE_RATE
_BLOCKS_IN_SLOT = 10
"""The meter's slots are 10 ms long."""

_FADE_S = 0.03
_MOST_REDUCTION_DB = 8.0
"""A cue that would need more limiting than this stays below its loudness instead."""

_MARGIN_DB = 0.15
"""For what the limiter's own gain changes and the quantiser add between samples."""

_HIGHEST_CEILING_DB = -0.05
_INAUDIBLE_LUFS = -120.0
_SEARCHES = 16


def master(
    stems: Mapping[StemRole, Audio],
    mix: Integers,
    target_lufs: float,
    max_true_peak_dbtp: float,
    checkpoint: Callable[[float], None],
) -> tuple[dict[StemRole, Integers], float, float]:
    """Bring the sum of `stems` to loudness and peak.

    Args:
        stems: [2, samples] each; their memory is reused for the result.
        mix: [2, samples] of zeros, which is filled.
        target_lufs: integrated loudness wanted.
        max_true_peak_dbtp: never exceeded.
        checkpoint: called with the share done, 0 to 1; may raise to stop.

    Returns:
        The stems as 24-bit values, the mix's loudness in LUFS, its true peak in dBTP.
    """
    samples = mix.shape[1]
    sounding = [
        stem
        for stem in stems.values()
        if any(stem[:, first:last].any() for first, last in _pieces(samples))
    ]
    slots, peaks = _analysed(sounding, samples, checkpoint)
    highest_dbtp = min(max_true_peak_dbtp, _HIGHEST_CEILING_DB)
    gain_db = _gain_curve_db(slots, peaks, target_lufs, highest_dbtp - _MARGIN_DB)
    checkpoint(0.5)
    for first, last in _pieces(samples):
        edges = gain_db[first // BLOCK : -(-last // BLOCK) + 1]
        gain = drawn_out(10.0 ** (edges / 20.0) * _FULL_SCALE, last - first, BLOCK)
        _fade_out(gain, first, samples)
        for stem in sounding:
            values = np.rint(stem[:, first:last] * gain).astype(np.int32)
            stem.view(np.int32)[:, first:last] = values
            mix[:, first:last] += values
        checkpoint(0.5 + 0.3 * last / samples)
    integers = [stem.view(np.int32) for stem in sounding]
    loudness, true_peak = _measured(mix)
    while true_peak > highest_dbtp:
        _turn_down(integers, mix, decibels(highest_dbtp - true_peak - 0.02))
        loudness, true_peak = _measured(mix)
    checkpoint(1.0)
    return {role: stem.view(np.int32) for role, stem in stems.items()}, loudness, true_peak


def _analysed(
    stems: list[Audio], samples: int, checkpoint: Callable[[float], None]
) -> tuple[Points, Points]:
    """K-weighted power by slot and true peak by block of the sum of float `stems`."""
    meter, blocks = LoudnessMeter(), []
    loudest = 0.0
    for first, last in _pieces(samples):
        around = np.zeros((2, last - first + 2 * REACH), dtype=np.float32)
        begin, end = max(0, first - REACH), min(samples, last + REACH)
        for stem in stems:
            around[:, begin - first + REACH : end - first + REACH] += stem[:, begin:end]
        piece = around[:, REACH:-REACH]
        meter.hear(piece)
        loudest = max(loudest, float(piece.max()), -float(piece.min()))
        blocks.append(block_peaks(around, loudest * decibels(-_MOST_REDUCTION_DB - 1.0)))
        checkpoint(0.5 * last / samples)
    return meter.finish(), np.concatenate([np.zeros(0), *blocks])


def _gain_curve_db(slots: Points, peaks: Points, target_lufs: float, ceiling_db: float) -> Points:
    """Gain at the blocks' edges, in dB: a constant, and the limiter's reduction."""
    edges = np.zeros(len(peaks) + 1)
    if integrated(slots) < _INAUDIBLE_LUFS or not peaks.any():
        return edges
    peaks_db = 20 * np.log10(np.maximum(peaks, 1e-10))
    most_db = ceiling_db - float(peaks_db.max()) + _MOST_REDUCTION_DB
    gain_db = min(most_db, target_lufs - integrated(slots))
    for _ in range(_SEARCHES):
        edges = gain_db + limiter_gain_db(peaks_db + gain_db, ceiling_db)
        short = target_lufs - integrated(slots * _power_by_slot(edges, len(slots)))
        if abs(short) < 0.01 or (gain_db == most_db and short > 0):
            break
        gain_db = min(most_db, gain_db + short)
    return edges


def _power_by_slot(edges_db: Points, slots: int) -> Points:
    """Mean power gain in each slot of a curve at the edges of blocks."""
    power = 10.0 ** (edges_db[:-1] / 10.0)
    starts = np.arange(slots) * _BLOCKS_IN_SLOT
    return np.asarray(np.add.reduceat(power, starts) / np.diff([*starts, len(power)]))


def _fade_out(gain: Audio, first: int, samples: int) -> None:
    """The safety fade on a piece of gain that begins at sample `first`: exactly 0 at the end."""
    fade = min(samples, round(_FADE_S * SAMPLE_RATE))
    begin = max(0, samples - fade - first)
    if begin < len(gain):
        place = (np.arange(first + begin, first + len(gain)) - (samples - fade) + 1) / fade
        curve = np.cos(np.pi / 2 * place) ** 2
        curve[place >= 1.0] = 0.0
        gain[begin:] *= curve


def _measured(mix: Integers) -> tuple[float, float]:
    """Loudness and true peak of a finished mix."""
    samples = mix.shape[1]
    highest = max(int(mix.max(initial=0)), -int(mix.min(initial=0))) / _FULL_SCALE
    meter, peak = LoudnessMeter(), 0.0
    for first, last in _pieces(samples):
        around = np.zeros((2, last - first + 2 * REACH), dtype=np.float32)
        begin, end = max(0, first - REACH), min(samples, last + REACH)
        inside = around[:, begin - first + REACH : end - first + REACH]
        np.multiply(mix[:, begin:end], np.float32(1 / _FULL_SCALE), out=inside)
        meter.hear(around[:, REACH:-REACH])
        peak = max(peak, float(block_peaks(around, highest).max()))
    return integrated(meter.finish()), dbtp(peak)


def _turn_down(stems: list[Integers], mix: Integers, factor: float) -> None:
    """Turn all stems down and add them up again, in place; always by at least a step."""
    for first, last in _pieces(mix.shape[1]):
        mix[:, first:last] = 0
        for stem in stems:
            values = np.trunc(stem[:, first:last] * factor).astype(np.int32)
            stem[:, first:last] = values
            mix[:, first:last] += values


def _pieces(samples: int) -> Iterator[tuple[int, int]]:
    for first in range(0, samples, _PIECE):
        yield first, min(samples, first + _PIECE)
