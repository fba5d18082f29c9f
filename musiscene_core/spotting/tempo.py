"""Tempo: beats a minute from onset strength, with how sure that is.

Every window's autocorrelation is summed; a tempo scores what it finds at its first beats less what
is too much half way between them, times how usual it is (log-normal around 120). Assumes one tempo:
music that changes it gets a low confidence. Knows nothing of sound.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from musiscene_core.spotting.onsets import RATE

Doubles = npt.NDArray[np.float64]

SLOWEST_BPM, FASTEST_BPM = 40.0, 220.0
USUAL_BPM = 120.0
_PRIOR_OCTAVES = 0.8
_WINDOW_S = 12.0
_SHORTEST_S = 4.0
_GRID_STEP = 0.0025
_BEATS = 4
_OFF_BEAT_SHARE = 0.7
"""How strong the half-beats may be against the beats before they look like beats themselves."""
_WEAKEST_SHARE = 0.25
_FAINT = 0.03
"""Onset strength that is hardly heard: not worth making even."""
_NOISE_SCORE, _SURE_SCORE = 0.13, 0.45
"""Scores that noise reaches, and that a clear pulse does."""


_SAME_PULSE_OCTAVES = 0.08
_CLEAR_LEAD = 0.2
"""Lead over every other pulse from which a tempo is not doubted."""


class Tempo(NamedTuple):
    """A tempo in beats a minute (0 where none was heard) and how sure it is, 0 to 1."""

    bpm: float
    confidence: float


NO_TEMPO = Tempo(0.0, 0.0)


def prepare(onsets: npt.NDArray[np.floating], heard: npt.NDArray[np.bool_]) -> Doubles:
    """Pulses [n, bands]: onset strength against its surroundings, evened, 0 where not `heard`.

    Args:
        onsets: onset strength [n, bands], RATE a second.
        heard: where music can be heard alone [n].
    """
    if not len(heard):
        return np.zeros(onsets.shape)
    weights = heard.astype(np.float64)
    bands = np.asarray(onsets, np.float64).T
    return np.stack([_evened(band * weights, weights) for band in bands], axis=1)


def _evened(values: Doubles, weights: Doubles) -> Doubles:
    near = RATE // 2
    mean = _moving_sum(values, near) / np.maximum(_moving_sum(weights, near), 1.0)
    raised = np.maximum(values - mean, 0.0) * weights
    far = 4 * RATE
    power = _moving_sum(raised**2, far) / np.maximum(_moving_sum(weights, far), 1.0)
    overall = float(np.sqrt(power.mean()))
    result: Doubles = raised / (np.sqrt(power) + 0.1 * overall + _FAINT)
    return result


def find_tempo(pulses: Doubles) -> Tempo:
    """The tempo of pulses [n, bands]; NO_TEMPO under four seconds or without onsets."""
    if len(pulses) < _SHORTEST_S * RATE or not pulses.any():
        return NO_TEMPO
    # Bands apart, a kick on the beat and a hat off it are not the same event; together, a kick
    # and a snare in turn make one pulse. Both hold, so both count.
    apart = sum((_autocorrelation(band) for band in pulses.T), np.zeros(1))
    together = _autocorrelation(pulses.sum(axis=1))
    correlation = 0.5 * (apart / max(apart[0], 1e-12) + together / max(together[0], 1e-12))
    steps = np.arange(np.log(SLOWEST_BPM), np.log(FASTEST_BPM), _GRID_STEP)
    tempi = np.exp(steps)
    salience = _salience(correlation, 60.0 * RATE / tempi)
    prior = np.exp(-0.5 * (np.log2(tempi / USUAL_BPM) / _PRIOR_OCTAVES) ** 2)
    scores = salience * prior
    best = int(np.argmax(scores))
    sure = (salience[best] - _NOISE_SCORE) / (_SURE_SCORE - _NOISE_SCORE)
    alone = _lead(scores, steps, best) / _CLEAR_LEAD
    return Tempo(float(tempi[best]), float(np.clip(sure, 0.0, 1.0) * min(1.0, alone)))


def _lead(scores: Doubles, steps: Doubles, best: int) -> float:
    """How far the best score is ahead of the best at another pulse, as a share of itself.

    An octave is the same pulse counted otherwise; two thirds or two fifths of it is another.
    """
    octaves = (steps - steps[best]) / np.log(2)
    another = np.abs(octaves - np.round(octaves)) > _SAME_PULSE_OCTAVES
    if scores[best] <= 0:
        return 0.0
    return 1.0 - float(scores[another].max(initial=0.0) / scores[best])


def _autocorrelation(pulses: Doubles) -> Doubles:
    """Sum of the windows' autocorrelations [lags], each lag by the pairs it has."""
    size = min(len(pulses), round(_WINDOW_S * RATE))
    starts = range(0, len(pulses) - size + 1, max(1, size // 2))
    length = 1 << (2 * size - 1).bit_length()
    total = np.zeros(size)
    for start in starts:
        window = pulses[start : start + size]
        window = window - window.mean()
        spectrum = np.fft.rfft(window, length)
        total += np.fft.irfft(spectrum.real**2 + spectrum.imag**2, length)[:size]
    pairs = size - np.arange(size)
    unbiased: Doubles = total / pairs
    return unbiased


def _salience(correlation: Doubles, periods: Doubles) -> Doubles:
    """How much more the onsets agree a few beats apart than between beats, for each period."""
    # Past three quarters of the window too few pairs are left to trust.
    usable = int(0.75 * len(correlation))
    on, counted = np.zeros(len(periods)), np.zeros(len(periods))
    off = np.zeros(len(periods))
    weakest = np.ones(len(periods))
    for beat in range(1, _BEATS + 1):
        inside = beat * periods < usable
        agreement = np.where(inside, _at(correlation, beat * periods), 0.0)
        on += agreement
        weakest = np.where(inside, np.minimum(weakest, agreement), weakest)
        counted += inside
        off += np.where(inside, _at(correlation, (beat - 0.5) * periods), 0.0)
    mean_on = on / np.maximum(counted, 1)
    excess = np.maximum(off / np.maximum(counted, 1) - _OFF_BEAT_SHARE * mean_on, 0.0)
    # Where every other beat is empty, the tempo is half of this.
    full = (1 - _WEAKEST_SHARE) * mean_on + _WEAKEST_SHARE * np.maximum(weakest, 0.0)
    result: Doubles = np.maximum(full - excess, 0.0)
    result[counted < 2] = 0.0
    return result


def _at(values: Doubles, positions: Doubles) -> Doubles:
    return np.interp(positions, np.arange(len(values)), values)


def _moving_sum(values: Doubles, width: int) -> Doubles:
    """Sum over `width` around each value; less at both ends."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    places = np.arange(len(values))
    first = np.maximum(places - width // 2, 0)
    last = np.minimum(places + width // 2 + 1, len(values))
    result: Doubles = total[last] - total[first]
    return result
