"""Music presence: whether there is music in a sound, and when.

Two kinds of evidence: notes (steady spectral peaks in much of what is not speech) and a pulse
(for drums alone). In a movie's own sound, notes must also move: mains hum, an engine or a siren on
one pitch is no music. Birdsong, bells and machines in rhythm can still deceive it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from musiscene_core.spotting.chroma import HOP_S

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]

TONAL = 0.35
"""Tonal share from which a frame is a note: noise reaches 0.03, music has a median of 0.75."""
AUDIBLE_LUFS = -55.0
_MIN_NOTES_S = 1.5
_MIN_SHARE = 0.25
_MIN_MOVEMENT = 0.05
_MIN_PULSE_S = 4.0
_SURE_PULSE = 0.6
_AROUND_S = 4.0


def has_notes(chroma: Floats, tonal: Floats, heard: Bools, *, moving: bool) -> bool:
    """Whether notes are enough to call it music.

    Args:
        chroma: [n, steps], one row every HOP_S.
        tonal: tonal share [n].
        heard: which frames are audible and free of speech [n].
        moving: ask that the pitches change.
    """
    notes = heard & (tonal >= TONAL)
    if notes.sum() * HOP_S < _MIN_NOTES_S or notes.sum() < _MIN_SHARE * heard.sum():
        return False
    return not moving or _movement(chroma[notes]) >= _MIN_MOVEMENT


def has_pulse(confidence: float, heard: Bools) -> bool:
    """Whether a tempo this sure, over the audible frames `heard`, is music even without notes."""
    return confidence >= _SURE_PULSE and heard.sum() * HOP_S >= _MIN_PULSE_S


def when_present(tonal: Floats, heard: Bools, audible: Bools, *, notes: bool) -> Bools:
    """Which frames [n] lie in music, given that there is some.

    Args:
        tonal: tonal share [n].
        heard: which frames are audible and free of speech.
        audible: which frames are audible.
        notes: whether the music has notes; else whatever is audible counts.
    """
    if not notes:
        return _around(audible.astype(np.float64), 1.0) > 0.0
    weights = _around(heard.astype(np.float64), _AROUND_S)
    share = _around((heard & (tonal >= TONAL)).astype(np.float64), _AROUND_S)
    known = np.flatnonzero(weights > 0)
    if not len(known):
        return np.zeros(len(tonal), np.bool_)
    # Under speech the music is taken to go on as it did around it.
    ratio = np.interp(np.arange(len(tonal)), known, share[known] / weights[known])
    present: Bools = (ratio >= _MIN_SHARE) & (_around(audible.astype(np.float64), 1.0) > 0.0)
    return present


def _movement(chroma: Floats) -> float:
    """Mean cosine distance of chroma rows from their mean, 0 (one held sound) to 1."""
    lengths = np.linalg.norm(chroma, axis=1, keepdims=True)
    unit = chroma / np.maximum(lengths, 1e-9)
    mean = unit.mean(axis=0)
    return float(1.0 - (unit @ (mean / max(float(np.linalg.norm(mean)), 1e-9))).mean())


def _around(values: npt.NDArray[np.float64], seconds: float) -> npt.NDArray[np.float64]:
    """Sum over `seconds` around each frame."""
    reach = max(1, round(seconds / HOP_S / 2))
    total = np.concatenate([[0.0], np.cumsum(values)])
    places = np.arange(len(values))
    last = np.minimum(places + reach + 1, len(values))
    result: npt.NDArray[np.float64] = total[last] - total[np.maximum(places - reach, 0)]
    return result
