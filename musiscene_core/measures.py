"""How a mix measures beside orchestral film and game scores: range, crest, width, balance.

Knows nothing of how music is made. Loudness itself is measured in loudness.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec
import numpy as np
import numpy.typing as npt

from musiscene_core.loudness import LoudnessMeter, lufs_of
from musiscene_core.timecode import SAMPLE_RATE

Signal = npt.NDArray[np.floating]
"""Left and right, full scale 1: [2, n]."""
Values = npt.NDArray[np.float64]

OCTAVES_DB: tuple[float, ...] = (-9.5, -0.6, -3.2, -1.7, -2.3, -3.7, -9.7, -17.9, -25.2)
"""Power in nine octaves centred on 40 Hz to 10.24 kHz, of 25 orchestral game-score tracks.

Only their shape is compared: both are shifted to a mean of 0 dB over the nine bands.
"""

TARGETS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "correlation": (0.1, 0.5),
        "lra_lu": (4.0, 12.0),
        "crest_db": (12.0, 20.0),
        "octaves_off_db": (0.0, 6.0),
    }
)
"""Where such scores lie, ends included."""

_LOWEST_HZ = 40.0
_WINDOW = 16_384
_SHORT_TERM_S, _SLOTS_PER_S = 3, 10
_ABSOLUTE_GATE_LUFS, _RELATIVE_GATE_LU = -70.0, -20.0
_SILENT = 1e-12


class Measures(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured of a mix.

    Attributes:
        correlation: of left and right, -1 to 1; 1 for silence.
        lra_lu: loudness range (EBU Tech 3342).
        crest_db: highest sample against RMS.
        octaves_off_db: how far the worst octave lies from OCTAVES_DB.
        octaves_db: each octave, shifted so that it compares with OCTAVES_DB.
    """

    correlation: float
    lra_lu: float
    crest_db: float
    octaves_off_db: float
    octaves_db: tuple[float, ...]


def measure(mix: Signal) -> Measures:
    """Measure a mix [2, n] of 0.4 s or more."""
    level = float(np.sqrt(np.mean(np.square(mix, dtype=np.float64))))
    reference = np.array(OCTAVES_DB)
    bands = octave_balance(mix)
    heard = float(np.ptp(mix, axis=1).min()) > _SILENT
    return Measures(
        correlation=float(np.asarray(np.corrcoef(mix))[0, 1]) if heard else 1.0,
        lra_lu=loudness_range(mix),
        crest_db=float(20 * np.log10(max(np.abs(mix).max(), _SILENT) / max(level, _SILENT))),
        octaves_off_db=float(np.abs(bands - (reference - reference.mean())).max()),
        octaves_db=tuple((bands + reference.mean()).tolist()),
    )


def octave_balance(mix: Signal) -> Values:
    """Power in nine octaves centred on 40 Hz to 10.24 kHz, in dB, shifted to a mean of 0 [9].

    By Welch's method: Hann windows of 0.34 s, each half over the next, their means taken out.
    """
    mix = np.pad(mix, ((0, 0), (0, max(0, _WINDOW - mix.shape[1]))))
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_WINDOW) / _WINDOW)
    power = np.zeros(_WINDOW // 2 + 1)
    for first in range(0, mix.shape[1] - _WINDOW + 1, _WINDOW // 2):
        piece = mix[:, first : first + _WINDOW].astype(np.float64)
        spectra = np.fft.rfft((piece - piece.mean(axis=1, keepdims=True)) * window)
        power += np.square(np.abs(spectra)).sum(axis=0)
    hertz = np.fft.rfftfreq(_WINDOW, 1 / SAMPLE_RATE)
    centres = _LOWEST_HZ * 2.0 ** np.arange(len(OCTAVES_DB))
    octaves = [power[(hertz >= at / 2**0.5) & (hertz < at * 2**0.5)].sum() for at in centres]
    bands = 10 * np.log10(np.maximum(octaves, 1e-30))
    return np.asarray(bands - bands.mean())


def loudness_range(mix: Signal) -> float:
    """LRA in LU by EBU Tech 3342: 3 s windows every 0.1 s, gated, 10th to 95th percentile."""
    meter = LoudnessMeter(slots_per_s=_SLOTS_PER_S)
    meter.hear(mix)
    slots = meter.finish()
    wide = _SHORT_TERM_S * _SLOTS_PER_S
    if len(slots) < wide:
        return 0.0
    short = np.convolve(slots, np.ones(wide) / wide, mode="valid")
    lufs = lufs_of(short)
    gated = lufs > _ABSOLUTE_GATE_LUFS
    if not gated.any():
        return 0.0
    gate_lufs = float(lufs_of(short[gated].mean())) + _RELATIVE_GATE_LU
    low, high = np.percentile(lufs[gated & (lufs > gate_lufs)], [10, 95])
    return float(high - low)
