"""What every synthesiser and the mixer share: arrays, control curves, seeds, decibels.

Slow curves (envelopes, gains) are computed at control points, `HOP` samples apart unless said
otherwise, and drawn out to samples in straight lines. Knows nothing of notes or instruments.
"""

from __future__ import annotations

import zlib

import numpy as np
import numpy.typing as npt

from musiscene_core.timecode import SAMPLE_RATE

Audio = npt.NDArray[np.float32]
"""Samples at 48 kHz, full scale 1: [n], or [2, n] as left and right."""

Points = npt.NDArray[np.float64]
"""A curve at control points."""

HOP = 32
"""Samples between control points of an envelope (0.67 ms)."""

SHORTEST_RAMP_S = 0.003
"""No sound begins or ends faster than this: a shorter ramp would click."""

HIGHEST_PARTIAL_HZ = 20_000.0
"""Partials above this are left out, so that nothing can fold back at 24 kHz."""


def decibels(gain_db: float) -> float:
    """The factor that `gain_db` means."""
    return float(10.0 ** (gain_db / 20.0))


def hertz(pitch: float) -> float:
    """Frequency of a MIDI note number, A4 = 440 Hz."""
    return float(440.0 * 2.0 ** ((pitch - 69.0) / 12.0))


def control_times(samples: int, hop: int = HOP) -> Points:
    """Seconds of the control points that cover `samples`: one more than there are hops."""
    return np.asarray(np.arange(-(-samples // hop) + 1) * (hop / SAMPLE_RATE), dtype=np.float64)


def drawn_out(points: npt.ArrayLike, samples: int, hop: int = HOP) -> Audio:
    """A curve at control points (see `control_times`) as `samples` samples, in straight lines."""
    values = np.asarray(points, dtype=np.float32)
    ramp = np.arange(hop, dtype=np.float32) / np.float32(hop)
    lines: Audio = np.multiply.outer(np.diff(values), ramp)
    lines += values[:-1, None]
    return lines.reshape(-1)[:samples]


def generator(seed: int, *what: str | int) -> np.random.Generator:
    """Random numbers that depend on nothing but `seed` and `what` they are for."""
    words = [zlib.crc32(key.encode()) if isinstance(key, str) else key for key in what]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, *words])))


def rms(audio: Audio) -> float:
    """Root mean square over everything in `audio`; 0 where it is empty."""
    return float(np.sqrt(np.mean(np.square(audio), dtype=np.float64))) if audio.size else 0.0
