"""What a stretch of music is like, in figures that can be held against another stretch's.

Tempo, key, harmony, colour and loudness; how far two stretches lie apart is their drift. Knows
nothing of where the music comes from.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from musiscene_core.brief import Mode
from musiscene_core.fitting.drift import Drift
from musiscene_core.keys import key_name
from musiscene_core.loudness import LoudnessMeter, integrated
from musiscene_core.remixing.grid import Grid
from musiscene_core.spotting.chroma import tuned
from musiscene_core.spotting.key import find_key

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

_SURE_TEMPO, _SURE_KEY = 0.3, 0.35
"""Confidence from which a tempo or key is held against another."""
_FAINT_DB = -50.0
"""Against the loudest band."""
_FAR_TEMPO_PERCENT = 20.0
"""Farther apart it is not the tempo that drifts: it is counted another way, or not heard at all."""


@dataclass(frozen=True)
class Traits:
    """What a stretch is like.

    Attributes:
        tempo_bpm: 0 where no beat is heard.
        tempo_confidence: 0 to 1.
        tonic: pitch class from C = 0; None where no key is heard.
        mode: major or minor.
        key_confidence: 0 to 1.
        chroma: mean strength of the pitch classes [12], of unit length.
        lufs: integrated loudness.
        bands_db: mean level of each of listening's bands [BANDS]; none where nothing was heard.
    """

    tempo_bpm: float
    tempo_confidence: float
    tonic: int | None
    mode: Mode | None
    key_confidence: float
    chroma: Doubles
    lufs: float
    bands_db: Doubles


def traits_of(audio: Floats, grid: Grid) -> Traits:
    """The traits of `audio` [channels, n] at 48 kHz, whose beats are `grid`."""
    steps = np.asarray(grid.heard.chroma, np.float64)
    classes = tuned(steps.sum(axis=0))[0] if len(steps) else np.zeros(12)
    key = find_key(classes)
    meter = LoudnessMeter(channels=len(audio))
    meter.hear(audio)
    usable = grid.usable
    return Traits(
        tempo_bpm=grid.tempo_bpm if usable else 0.0,
        tempo_confidence=grid.confidence if usable else 0.0,
        tonic=key.tonic,
        mode=key.mode,
        key_confidence=key.confidence,
        chroma=classes / max(float(np.linalg.norm(classes)), 1e-9),
        lufs=integrated(meter.finish()),
        bands_db=10 * np.log10(np.mean(10 ** (grid.heard.bands.astype(np.float64) / 10), axis=0))
        if len(grid.heard.bands)
        else np.zeros(0),
    )


def drift(stretch: Traits, reference: Traits, louder_lu: float = 0.0) -> Drift:
    """How far `stretch` lies from `reference`, than which it is meant to be so much louder."""
    louder = stretch.lufs - reference.lufs - louder_lu
    both = float(stretch.chroma @ reference.chroma)
    heard = stretch.chroma.any() and reference.chroma.any()
    return Drift(
        tempo_percent=tempo_apart(stretch, reference.tempo_bpm, reference.tempo_confidence),
        fifths=fifths_apart(
            stretch, reference.tonic, reference.mode, confidence=reference.key_confidence
        ),
        chroma=round(max(0.0, 1.0 - both), 3) if heard else 0.0,
        level_lu=round(max(-60.0, min(60.0, louder)), 2),
        colour_db=_colour_db(stretch.bands_db, reference.bands_db),
    )


def _colour_db(bands_db: Doubles, others_db: Doubles) -> float:
    """How far bands lie apart at the mean, level aside; faint ones do not count."""
    if not len(bands_db) or not len(others_db):
        return 0.0
    highest = np.maximum(bands_db - bands_db.max(), others_db - others_db.max())
    apart = (bands_db - others_db)[highest > _FAINT_DB]
    return round(float(np.abs(apart - np.median(apart)).mean()), 2)


def tempo_apart(stretch: Traits, bpm: float, confidence: float = 1.0) -> float | None:
    """By how many percent the tempo lies off `bpm`, octaves aside; None where it is not sure."""
    if min(stretch.tempo_confidence, confidence) < _SURE_TEMPO or not bpm or not stretch.tempo_bpm:
        return None
    octaves = math.log2(stretch.tempo_bpm / bpm)
    percent = 100 * (2 ** (octaves - round(octaves)) - 1)
    return round(percent, 2) if abs(percent) <= _FAR_TEMPO_PERCENT else None


def fifths_apart(
    stretch: Traits, tonic: int | None, mode: Mode | None, *, confidence: float = 1.0
) -> int | None:
    """Steps on the circle of fifths from the key to another; None where one is not sure."""
    if stretch.tonic is None or tonic is None:
        return None
    if min(stretch.key_confidence, confidence) < _SURE_KEY:
        return None
    steps = (_on_circle(stretch.tonic, stretch.mode) - _on_circle(tonic, mode)) % 12
    return min(steps, 12 - steps)


def words(traits: Traits) -> str:
    """Tempo and key as a musician says them."""
    tempo = f"{traits.tempo_bpm:.0f} BPM" if traits.tempo_bpm else "no steady beat"
    key = key_name(traits.tonic, traits.mode) if traits.tonic is not None else "no clear key"
    return f"{tempo}, {key}"


def _on_circle(tonic: int, mode: Mode | None) -> int:
    """The place of a key's signature on the circle of fifths."""
    return (tonic + (3 if mode == "minor" else 0)) * 7 % 12
