"""Onset strength: how much suddenly begins, a hundred times a second, in the bass and above it.

Spectral flux over a compressed mel spectrum, with a maximum over neighbouring bands before the
difference so that vibrato is no onset (Böck and Widmer 2013, SuperFlux).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from musiscene_core.mel import band_edges, mel_filters
from musiscene_core.spotting.framing import Framer
from musiscene_core.spotting.products import product

Floats = npt.NDArray[np.float32]

RATE = 100
"""Values a second."""
_FRAME_S = 0.032
_BANDS = 40
_COMPRESSION = 1000.0
"""Levels under a thousandth of full scale hardly count."""
_LAG = 2
_BASS_HZ = 200.0
"""Kick and bass lie below; they would drown among the many bands of the cymbals."""


class OnsetListener:
    """Hears a soundtrack block by block; keeps two numbers every 10 ms (800 bytes/s)."""

    def __init__(self, sample_rate: int) -> None:
        size = round(_FRAME_S * sample_rate)
        self._framer = Framer(size, sample_rate // RATE)
        self._window = np.hanning(size + 1)[:-1].astype(np.float32)
        self._window *= 2.0 / self._window.sum()
        self._mel = mel_filters(size, sample_rate, _BANDS)
        self._before = np.zeros((_LAG, _BANDS), np.float32)
        self._bass = int(np.searchsorted(band_edges(sample_rate, _BANDS)[1:-1], _BASS_HZ))
        self._flux = [np.zeros((0, 2), np.float32)]

    def push(self, samples: Floats) -> None:
        """Hear the next samples [n]."""
        self._measure(self._framer.push(samples))

    def finish(self) -> Floats:
        """Onset strength [n, 2] of bass and the rest, 0 or more; row i is about second i / RATE."""
        self._measure(self._framer.finish())
        return np.concatenate(self._flux)

    def _measure(self, frames: Floats) -> None:
        if not len(frames):
            return
        spectrum = np.fft.rfft(frames * self._window)
        bands = product(np.sqrt(spectrum.real**2 + spectrum.imag**2), self._mel)
        levels = np.log1p(_COMPRESSION * bands)
        joined = np.concatenate([self._before, levels])
        self._before = joined[-_LAG:]
        earlier = joined[:-_LAG]
        widest = earlier.copy()
        np.maximum(widest[:, 1:], earlier[:, :-1], out=widest[:, 1:])
        np.maximum(widest[:, :-1], earlier[:, 1:], out=widest[:, :-1])
        risen = np.maximum(levels - widest, 0)
        bass, rest = risen[:, : self._bass], risen[:, self._bass :]
        self._flux.append(np.stack([bass.mean(axis=1), rest.mean(axis=1)], axis=1))
