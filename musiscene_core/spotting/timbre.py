"""Timbre: how the power of a sound is spread over low and high, four times a second.

Tells bright from dark, and one passage from the next. Knows nothing of notes.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from musiscene_core.mel import mel_filters
from musiscene_core.spotting.framing import Framer
from musiscene_core.spotting.products import product

Floats = npt.NDArray[np.float32]

HOP_S = 0.25
BANDS = 20
_FRAME_S = 0.256
_FLOOR = 1e-8
"""Power of -80 dB: what lies below is silence alike."""


class TimbreListener:
    """Hears a sound block by block; keeps 21 numbers every HOP_S (340 bytes/s)."""

    def __init__(self, sample_rate: int) -> None:
        size = round(_FRAME_S * sample_rate)
        self._framer = Framer(size, round(HOP_S * sample_rate))
        self._window = np.hanning(size + 1)[:-1].astype(np.float32)
        self._window *= 2.0 / self._window.sum()
        self._mel = mel_filters(size, sample_rate, BANDS)
        self._hertz = np.fft.rfftfreq(size, 1 / sample_rate).astype(np.float32)
        self._bands = [np.zeros((0, BANDS), np.float32)]
        self._centres = [np.zeros(0, np.float32)]

    def push(self, samples: Floats) -> None:
        """Hear the next samples [n]."""
        self._measure(self._framer.push(samples))

    def finish(self) -> tuple[Floats, Floats]:
        """Decibels of each mel band [n, BANDS], and the spectrum's centre in hertz [n].

        Row i is about second i * HOP_S. The centre is weighted by amplitude; 0 in silence.
        """
        self._measure(self._framer.finish())
        return np.concatenate(self._bands), np.concatenate(self._centres)

    def _measure(self, frames: Floats) -> None:
        if not len(frames):
            return
        bins = np.fft.rfft(frames * self._window)
        power = (bins.real**2 + bins.imag**2).astype(np.float32)
        decibels = 10.0 * np.log10(np.maximum(product(power, self._mel), _FLOOR))
        self._bands.append(decibels.astype(np.float32))
        amplitude = np.sqrt(power)
        total = amplitude.sum(axis=1)
        centre = (amplitude @ self._hertz) / np.maximum(total, 1e-9)
        self._centres.append(np.where(power.sum(axis=1) > _FLOOR, centre, 0.0).astype(np.float32))
