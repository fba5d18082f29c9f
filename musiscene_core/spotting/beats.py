"""Beats: the times at which a listener would tap, by dynamic programming (Ellis 2007).

The best chain of beats lies on strong onsets and keeps nearly the given tempo. Knows nothing of
bars or of sound.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from musiscene_core.spotting.onsets import RATE

Doubles = npt.NDArray[np.float64]

LONGEST_S = 1_200
"""Beats are followed for twenty minutes at most: a longer range is a reel, not a cue."""
_TIGHTNESS = 100.0
"""How dearly a beat pays for leaving the tempo; Ellis' value."""
_BASS_LEAD = 1.0
"""Of two onsets as strong, the beat is the one with the bass."""
_MAX_RESIDUAL_S = 0.04


def track_beats(pulses: Doubles, bpm: float) -> Doubles:
    """Beat times in seconds [n] through prepared onset strength [n, bands] at about `bpm`.

    The first band is the bass.
    """
    bands = pulses[: LONGEST_S * RATE]
    pulses = bands.sum(axis=1) + _BASS_LEAD * bands[:, 0]
    period = 60.0 * RATE / bpm
    if len(pulses) < 2 * period:
        return np.zeros(0)
    score = _smoothed(pulses, period / 32.0)
    deviation = float(score.std())
    if deviation == 0.0:
        return np.zeros(0)
    score = score / deviation
    shortest, longest = round(period / 2), round(period * 2)
    lags = np.arange(longest, shortest - 1, -1)
    cost = -_TIGHTNESS * np.log(lags / period) ** 2
    # `longest` places in front stand for "no beat before this one".
    best = np.zeros(len(score) + longest)
    before = np.full(len(score), -1)
    for now in range(len(score)):
        reached = best[now : now + longest - shortest + 1] + cost
        choice = int(reached.argmax())
        if reached[choice] > 0.0:
            best[now + longest] = score[now] + reached[choice]
            before[now] = now - int(lags[choice])
        else:
            best[now + longest] = score[now]
    tail = best[longest:][-round(period) - 1 :]
    beat = len(score) - len(tail) + int(tail.argmax())
    beats = []
    while beat >= 0:
        beats.append(beat)
        beat = int(before[beat])
    return np.array(beats[::-1], dtype=np.float64) / RATE


def steady_tempo(beats: Doubles, bpm: float) -> float:
    """Beats a minute of the straight line through `beats` (seconds), else `bpm` where none fits."""
    if len(beats) < 4:
        return bpm
    numbers = np.arange(len(beats))
    slope, offset = np.polyfit(numbers, beats, 1)
    residual = float(np.median(np.abs(beats - offset - slope * numbers)))
    refined = 60.0 / float(slope)
    return refined if residual < _MAX_RESIDUAL_S and abs(refined / bpm - 1) < 0.04 else bpm


def _smoothed(values: Doubles, sigma: float) -> Doubles:
    reach = max(1, round(3 * sigma))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / max(sigma, 0.5)) ** 2)
    return np.convolve(values, kernel / kernel.sum(), mode="same")
