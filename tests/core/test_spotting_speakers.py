"""Speakers told apart by sound: voices that sing vowels at their own pitch and throat length."""

from __future__ import annotations

import numpy as np
import pytest

from musiscene_core.spotting.speech.model import SAMPLE_RATE
from musiscene_core.spotting.speech.speakers import tell_apart

VOWELS = ((730, 1090, 2440), (270, 2290, 3010), (530, 1840, 2480), (570, 840, 2410))


def said(pitch_hz: float, throat: float, seed: int, seconds: float = 2.0) -> np.ndarray:
    """A line of vowels in an order of its own, by a voice of this pitch and throat length."""
    random = np.random.default_rng(seed)
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    melody = pitch_hz * (1 + 0.06 * np.sin(2 * np.pi * random.uniform(0.5, 1.5) * time))
    phase = 2 * np.pi * np.cumsum(melody) / SAMPLE_RATE
    vowel = random.permutation(np.resize(np.arange(4), int(seconds / 0.2) + 1))
    place = vowel[(time / 0.2).astype(int)]
    formants = np.array(VOWELS)[place] / throat
    sound = np.zeros_like(time)
    for harmonic in range(1, 30):
        hertz = harmonic * melody
        gain = sum(np.exp(-(((hertz - formants[:, n]) / 180.0) ** 2)) / (n + 1) for n in range(3))
        sound += (0.02 + gain) * np.sin(harmonic * phase) / harmonic**0.5
    sound *= 0.2 * (0.3 + np.abs(np.sin(2 * np.pi * 2.5 * time)))
    return (sound + random.normal(0, 1e-3, len(sound))).astype(np.float32)


def man(seed: int) -> np.ndarray:
    return said(105, 1.0, seed)


def woman(seed: int) -> np.ndarray:
    return said(205, 0.82, seed)


def test_two_voices_in_turns_are_two_speakers() -> None:
    lines = [man(1), woman(2), man(3), woman(4), woman(5), man(6)]
    assert tell_apart(lines) == (0, 1, 0, 1, 1, 0)


def test_a_line_each_is_enough() -> None:
    assert tell_apart([woman(1), man(2)]) == (0, 1)


def test_one_voice_is_one_speaker() -> None:
    assert tell_apart([man(seed) for seed in range(7)]) == (0,) * 7
    assert tell_apart([woman(1), woman(2)]) == (0, 0)


def test_a_line_too_short_to_know_goes_to_who_spoke_before() -> None:
    short = man(9)[: SAMPLE_RATE // 5]
    assert tell_apart([woman(1), man(2), short, woman(3)]) == (0, 1, 1, 0)


@pytest.mark.parametrize(
    "line", [np.zeros(0, np.float32), np.zeros(SAMPLE_RATE, np.float32), np.ones(SAMPLE_RATE, "f4")]
)
def test_silence_is_nobody_in_particular(line: np.ndarray) -> None:
    assert tell_apart([line]) == (0,)
    assert tell_apart([]) == ()
