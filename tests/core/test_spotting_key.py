"""Key on chords that are made here in every key, in and out of tune."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from musiscene_core.spotting.chroma import HOP_S, ChromaListener, tuned
from musiscene_core.spotting.key import NO_KEY, find_key
from tests.support import sounds


def heard(
    samples: npt.NDArray[np.float32],
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    listener = ChromaListener(sounds.RATE)
    for start in range(0, len(samples), 30_011):
        listener.push(samples[start : start + 30_011])
    return listener.finish()


@pytest.mark.parametrize("mode", ["major", "minor"])
@pytest.mark.parametrize("tonic", range(12))
def test_cadences_tell_their_key(tonic: int, mode: str) -> None:
    cents = (tonic * 7) % 40 - 20.0
    chroma, tonal = heard(sounds.cadences(tonic, mode, cents=cents))
    classes, tuning = tuned(chroma.sum(axis=0))
    key = find_key(classes)
    assert (key.tonic, key.mode) == (tonic, mode)
    assert key.confidence > 0.7
    assert tuning == pytest.approx(cents, abs=6)
    assert np.median(tonal) > 0.8


def test_chroma_names_the_notes_that_sound() -> None:
    chroma, _ = heard(sounds.tone(440.0, 2.0, harmonics=1))
    classes, _ = tuned(chroma.sum(axis=0))
    assert int(np.argmax(classes)) == 9
    assert classes[9] > 20 * np.delete(classes, 9).max()


def test_there_is_a_row_for_every_hop() -> None:
    chroma, tonal = heard(sounds.noise(3.3))
    assert len(chroma) == len(tonal) == -(-3.3 // HOP_S)
    one, _ = heard(np.ones(1, np.float32))
    assert len(one) == 1
    none, _ = heard(np.zeros(0, np.float32))
    assert len(none) == 0


def test_noise_has_no_notes() -> None:
    chroma, tonal = heard(sounds.noise(10.0))
    assert tonal.max() < 0.15
    assert np.median(chroma.sum(axis=1)) == 0.0


@pytest.mark.parametrize("level", [0.0, 0.5])
def test_silence_and_direct_current_have_no_key(level: float) -> None:
    chroma, tonal = heard(np.full(3 * sounds.RATE, level, np.float32))
    inside = slice(4, -4)
    assert not chroma[inside].any()
    assert not tonal[inside].any()
    assert find_key(tuned(chroma[inside].sum(axis=0))[0]) == NO_KEY


def test_pitch_classes_that_fit_every_key_alike_have_none() -> None:
    assert find_key(np.ones(12)) == NO_KEY
    assert find_key(np.zeros(12)) == NO_KEY


def test_an_ambiguous_key_is_less_sure_than_a_clear_one() -> None:
    clear = np.zeros(12)
    clear[[0, 2, 4, 5, 7, 9, 11]] = (5, 2, 3, 2, 4, 2, 2)
    even = (clear > 0).astype(np.float64)
    assert find_key(clear).confidence > 2 * find_key(even).confidence
