"""Stretches of one recording brought to one colour and level, within limits.

What is generated window by window grows duller, brighter or louder as it goes on. Each stretch's
third-octave spectrum is held against the first one's and evened out by 6 dB a band at most; small
differences are music and stay. Just before the next stretch begins, one correction gives way to
the other over a fraction of a second, so nothing is heard of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.signal import firwin2, oaconvolve

from musiscene_core.remixing.splicing import crossfaded
from musiscene_core.timecode import SAMPLE_RATE

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

MOST_DB = 6.0
"""No band, and no level, is changed by more."""
_MUSICAL_DB = 1.5
"""Differences that are left alone, and by which others are evened out less."""
_LOWEST_HZ, _BANDS = 40.0, 26
_SIZE = 16_384
_TAPS = 4_095
_BLEND = round(0.3 * SAMPLE_RATE)
"""Before where two stretches meet."""
_FAINT_DB = -55.0
"""A band this far below the loudest is hiss; it is not raised."""


@dataclass(frozen=True)
class Correction:
    """What was done to a stretch.

    Attributes:
        level_db: its change in level.
        bands_db: its change in colour, by third octave from 40 Hz up [26].
    """

    level_db: float
    bands_db: tuple[float, ...]

    @property
    def most_db(self) -> float:
        """The largest change in any band."""
        return max((abs(self.level_db + band) for band in self.bands_db), default=0.0)


NONE = Correction(0.0, (0.0,) * _BANDS)


def centres_hz() -> Doubles:
    """The middles of the third octaves [26]."""
    found: Doubles = _LOWEST_HZ * 2.0 ** (np.arange(_BANDS) / 3)
    return found


def third_octaves_db(audio: Floats) -> Doubles:
    """Mean power of `audio` [channels, n] at 48 kHz in third octaves, in dB [26]."""
    padded = np.pad(audio, ((0, 0), (0, max(0, _SIZE - audio.shape[1]))))
    window = np.hanning(_SIZE + 1)[:-1].astype(np.float32)
    power = np.zeros(_SIZE // 2 + 1)
    starts = range(0, padded.shape[1] - _SIZE + 1, _SIZE // 2)
    for first in starts:
        spectra = np.fft.rfft(padded[:, first : first + _SIZE] * window)
        power += np.square(np.abs(spectra)).sum(axis=0)
    hertz = np.fft.rfftfreq(_SIZE, 1 / SAMPLE_RATE)
    bands = [
        power[(hertz >= at / 2 ** (1 / 6)) & (hertz < at * 2 ** (1 / 6))].sum()
        for at in centres_hz()
    ]
    found: Doubles = 10 * np.log10(np.maximum(bands, 1e-12) / len(starts))
    return found


def matched(
    audio: Floats,
    edges: Sequence[int],
    arcs_db: Sequence[float] = (),
    heard: Callable[[float], None] = lambda _: None,
) -> tuple[Floats, tuple[Correction, ...]]:
    """Even out the stretches of `audio` [2, n] at 48 kHz.

    Args:
        audio: one recording.
        edges: the samples where a stretch begins or ends [k + 1]: 0 first, n last.
        arcs_db: how much louder each stretch is meant to be than the first [k]; none: alike.
        heard: told of the share done; may raise to stop.

    Returns:
        The recording, and what was done to each stretch.
    """
    count = len(edges) - 1
    arcs = arcs_db or (0.0,) * count
    if count < 2:
        return audio, (NONE,) * count
    levels = [third_octaves_db(audio[:, one:two]) for one, two in pairwise(edges)]
    found = [NONE] + [
        _correction(own, levels[0], arc) for own, arc in zip(levels[1:], arcs[1:], strict=True)
    ]
    if all(one == NONE for one in found):
        return audio, tuple(found)
    result: Floats = np.empty_like(audio)
    for number, correction in enumerate(found):
        heard(number / count)
        first, last = edges[number], edges[number + 1]
        # The change is over where the stretch begins: an attack there is all its own.
        begin = max(edges[max(0, number - 1)], first - _BLEND)
        part = _coloured(audio, begin, last, correction)
        result[:, first:last] = part[:, first - begin :]
        if begin < first:
            leaving = result[:, begin:first].copy()
            result[:, begin:first] = crossfaded(leaving, part[:, : first - begin])
    return result, tuple(found)


def _correction(own: Doubles, wanted: Doubles, arc_db: float) -> Correction:
    level = _total_db(wanted) + arc_db - _total_db(own)
    shape = (wanted - _total_db(wanted)) - (own - _total_db(own))
    faint = own < own.max() + _FAINT_DB
    shape = np.where(faint, np.minimum(shape, 0.0), shape)
    smooth = np.convolve(np.pad(shape, 1, mode="edge"), (0.25, 0.5, 0.25), mode="valid")
    bands = np.array([_limited(band) for band in smooth])
    level_db = _limited(level)
    # Together they stay within the limit too.
    bands = np.clip(bands + level_db, -MOST_DB, MOST_DB) - level_db
    if not level_db and not bands.any():
        return NONE
    return Correction(round(level_db, 2), tuple(round(float(band), 2) for band in bands))


def _limited(apart_db: float) -> float:
    """What is done about a difference: nothing about a small one, and never too much."""
    beyond = max(0.0, abs(apart_db) - _MUSICAL_DB)
    return float(np.copysign(min(beyond, MOST_DB), apart_db)) if beyond else 0.0


def _total_db(bands: Doubles) -> float:
    return float(10 * np.log10(np.sum(10 ** (bands / 10))))


def _coloured(audio: Floats, begin: int, end: int, correction: Correction) -> Floats:
    """[begin, end) of `audio` through a filter without delay."""
    if correction == NONE:
        return audio[:, begin:end]
    reach = _TAPS // 2
    first, last = max(0, begin - reach), min(audio.shape[1], end + reach)
    around = np.pad(audio[:, first:last], ((0, 0), (first - begin + reach, end + reach - last)))
    taps = _taps(correction)
    found = oaconvolve(around, taps[None, :].astype(np.float32), mode="valid", axes=1)
    return np.asarray(found, np.float32)


def _taps(correction: Correction) -> Doubles:
    """A linear-phase filter [_TAPS] with the gains of `correction`."""
    bands = 10 ** ((np.array(correction.bands_db) + correction.level_db) / 20)
    hertz = np.concatenate([[0.0], centres_hz(), [SAMPLE_RATE / 2]])
    gains = np.concatenate([bands[:1], bands, bands[-1:]])
    found: Doubles = firwin2(_TAPS, hertz, gains, fs=SAMPLE_RATE)
    return found
