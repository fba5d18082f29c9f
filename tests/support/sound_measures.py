"""Plays notes on one instrument, dry, and measures what comes out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from musiscene_core.composing.sound.player import TrackPlayer
from musiscene_core.tempo_map import TempoMap
from musiscene_core.timecode import SAMPLE_RATE
from tests.support.sound_cues import part_of

Floats = npt.NDArray[np.floating]


def dry(
    instrument: str,
    notes: Sequence[tuple[float, float, int, int]],
    *,
    length_s: float = 4.0,
    seed: int = 1,
) -> Floats:
    """Notes of (start, length, pitch, velocity), in seconds, before mixing: [2, n]."""
    part = part_of(instrument, notes)
    samples = round(length_s * SAMPLE_RATE)
    player = TrackPlayer([part], TempoMap.constant(60.0), samples, seed)
    return next(player.blocks(samples, lambda notes: None))


def level_db(signal: Floats) -> float:
    """RMS in dB."""
    return 10 * float(np.log10(np.mean(np.square(signal, dtype=np.float64)) + 1e-30))


def centroid_hz(signal: Floats) -> float:
    """Centre of gravity of the amplitude spectrum: brightness."""
    spectrum = np.abs(np.fft.rfft(signal.sum(axis=0) * np.hanning(signal.shape[1])))
    frequencies = np.fft.rfftfreq(signal.shape[1], 1 / SAMPLE_RATE)
    return float((frequencies * spectrum).sum() / spectrum.sum())


def cents_off(signal: Floats, hertz: float) -> float:
    """How far the partial near `hertz` lies from it: the mean over its power."""
    padded = 1 << 19
    power = np.abs(np.fft.rfft(signal[0] * np.hanning(signal.shape[1]), n=padded)) ** 2
    frequencies = np.fft.rfftfreq(padded, 1 / SAMPLE_RATE)
    width = max(0.03 * hertz, 4.0)
    near = np.abs(frequencies - hertz) < width
    mean = float((frequencies * power)[near].sum() / power[near].sum())
    return 1200 * float(np.log2(mean / hertz))
