"""Short-term loudness as a curve from 0 to 1.

Each value is the K-weighted level (ITU-R BS.1770-4, filters applied in the frequency domain) of
FRAME_S around its hop, mapped in decibels: QUIET_LUFS and below is 0, LOUD_LUFS and above is 1.
Half way, -35 LUFS, is a murmur; dialogue sits near 0.7, loud music near 0.85.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from musiscene_core.brief import Curve
from musiscene_core.spotting.framing import Framer

Floats = npt.NDArray[np.float32]

HOP_S = 0.1
FRAME_S = 0.4
"""The "momentary" window of EBU Tech 3341."""
QUIET_LUFS = -60.0
LOUD_LUFS = -10.0
MAX_VALUES = 6_000
"""Values a curve has at most; a range over ten minutes long is sampled more coarsely."""


class LoudnessMeter:
    """Measures a soundtrack block by block; keeps one number every HOP_S (40 bytes/s)."""

    def __init__(self, sample_rate: int) -> None:
        size = round(FRAME_S * sample_rate)
        self._framer = Framer(size, round(HOP_S * sample_rate))
        self._window = np.hanning(size + 1)[:-1].astype(np.float32)
        frequencies = np.fft.rfftfreq(size, 1 / sample_rate)
        # One-sided spectrum of a windowed frame to mean square, weighted.
        scale = 2.0 / (size * float(np.sum(self._window**2)))
        self._weights = (_k_weighting(frequencies) * scale).astype(np.float32)
        # A Hann window leaks direct current into the bin beside it.
        self._weights[:2] = 0.0
        self._powers = [np.zeros(0, np.float32)]

    def push(self, samples: Floats) -> None:
        """Hear the next samples [n]."""
        self._measure(self._framer.push(samples))

    def finish(self) -> Floats:
        """Loudness in LUFS [n], one every HOP_S; silence is -120."""
        self._measure(self._framer.finish())
        power = np.concatenate(self._powers)
        return (-0.691 + 10.0 * np.log10(np.maximum(power, 1.2e-12))).astype(np.float32)

    def _measure(self, frames: Floats) -> None:
        if len(frames):
            spectrum = np.fft.rfft(frames * self._window)
            power = spectrum.real**2 + spectrum.imag**2
            self._powers.append(np.einsum("ij,j->i", power, self._weights))


def loudness_curve(lufs: Floats) -> Curve:
    """The curve of `lufs` [n], one every HOP_S, at no more than MAX_VALUES values."""
    step = max(1, -(-len(lufs) // MAX_VALUES))
    scaled = np.clip((lufs - QUIET_LUFS) / (LOUD_LUFS - QUIET_LUFS), 0.0, 1.0).astype(np.float64)
    means = np.add.reduceat(scaled, np.arange(0, len(scaled), step)) if len(scaled) else scaled
    if len(scaled):
        means[:-1] /= step
        means[-1] /= len(scaled) - step * (len(means) - 1)
    return Curve(
        hop_s=round(HOP_S * step, 3), values=tuple(round(float(value), 3) for value in means)
    )


def _k_weighting(frequencies: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Power response [f] of BS.1770's two filters, from their analogue prototypes."""
    s = 1j * np.asarray(frequencies) / 1681.974450955533
    quality, gain = 0.7071752369554196, 10 ** (3.999843853973347 / 20)
    band = gain**0.4996667741545416
    shelf = (gain * s**2 + band / quality * s + 1) / (s**2 + s / quality + 1)
    s = 1j * np.asarray(frequencies) / 38.13547087602444
    high_pass = s**2 / (s**2 + s / 0.5003270373238773 + 1)
    power: npt.NDArray[np.float64] = np.abs(shelf * high_pass) ** 2
    return power
