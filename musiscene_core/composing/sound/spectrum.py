"""Spectra as data: how strong each partial of a tone is.

A spectrum is a slope, a low-pass and formants; it knows neither time nor phase.
"""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt


class Formant(msgspec.Struct, frozen=True):
    """A resonance that stays where it is whatever the note.

    Attributes:
        hz: its centre.
        octaves: its half width.
        gain_db: at the centre.
    """

    hz: float
    octaves: float
    gain_db: float


class Spectrum(msgspec.Struct, frozen=True, kw_only=True):
    """The strengths of a tone's partials.

    Attributes:
        slope_db: fall per octave of partial number; 6 is a sawtooth.
        even_db: level of the even partials against the odd ones; -60 is a square wave.
        cutoff_hz: low-pass corner.
        cutoff_partials: the corner is never below this many times the fundamental.
        cutoff_order: 2 falls 12 dB an octave above the corner.
        fundamental_db: extra level of the fundamental.
        formants: resonances.
    """

    slope_db: float = 6.0
    even_db: float = 0.0
    cutoff_hz: float = 20_000.0
    cutoff_partials: float = 1.5
    cutoff_order: int = 2
    fundamental_db: float = 0.0
    formants: tuple[Formant, ...] = ()

    def strengths(
        self, fundamental_hz: float, frequencies_hz: npt.NDArray[np.floating]
    ) -> npt.NDArray[np.float64]:
        """Amplitudes of partials 1, 2, ... that lie at `frequencies_hz` [k]."""
        number = np.arange(1, len(frequencies_hz) + 1)
        level_db = -self.slope_db * np.log2(number)
        level_db += np.where(number % 2 == 0, self.even_db, 0.0)
        level_db += np.where(number == 1, self.fundamental_db, 0.0)
        for formant in self.formants:
            distance = np.log2(frequencies_hz / formant.hz) / formant.octaves
            level_db += formant.gain_db * np.exp(-(distance**2))
        corner = max(self.cutoff_hz, self.cutoff_partials * fundamental_hz)
        lowpass = 1.0 / np.sqrt(1.0 + (frequencies_hz / corner) ** (2 * self.cutoff_order))
        return np.asarray(10.0 ** (level_db / 20.0) * lowpass)
