"""Loudness against the standard's own figures and against another meter."""

from __future__ import annotations

import numpy as np
import pyloudnorm
import pytest
import scipy.signal

from musiscene_core.loudness import (
    SILENCE_LUFS,
    LoudnessMeter,
    integrated,
    k_weighting,
    momentary,
)
from musiscene_core.timecode import SAMPLE_RATE

TABLES = np.array(
    [
        [
            *(1.53512485958697, -2.69169618940638, 1.19839281085285),
            *(1.0, -1.69065929318241, 0.73248077421585),
        ],
        [1.0, -2.0, 1.0, 1.0, -1.99004745483398, 0.99007225036621],
    ]
)
"""ITU-R BS.1770-4, tables 1 and 2."""


def slots(signal: np.ndarray, piece: int = 48_000, rate: int = SAMPLE_RATE) -> np.ndarray:
    meter = LoudnessMeter(rate, len(signal))
    for first in range(0, signal.shape[1], piece):
        meter.hear(signal[:, first : first + piece])
    return meter.finish()


def sine(hertz: float, seconds: float, level: float, rate: int = SAMPLE_RATE) -> np.ndarray:
    wave = level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)
    return np.stack([wave, wave]).astype(np.float32)


def gated_music() -> np.ndarray:
    """Nine seconds of noise with a hum below, a near silence and a softer part."""
    signal = np.random.default_rng(3).standard_normal((2, 9 * SAMPLE_RATE)) * 0.1
    signal += 0.5 * np.sin(2 * np.pi * 30.0 * np.arange(signal.shape[1]) / SAMPLE_RATE)
    signal[:, 3 * SAMPLE_RATE : 6 * SAMPLE_RATE] *= 0.003
    signal[:, 7 * SAMPLE_RATE :] *= 0.4
    return signal


def test_the_filters_are_those_of_the_standard() -> None:
    assert k_weighting(48_000) == pytest.approx(TABLES, abs=1e-13)


@pytest.mark.parametrize("rate", [16_000, 44_000, 96_000])
def test_another_sample_rate_hears_the_same(rate: int) -> None:
    hertz = np.array([10.0, 38.0, 100.0, 997.0, 1700.0, 3000.0])
    _, expected = scipy.signal.sosfreqz(TABLES, hertz, fs=48_000)
    _, found = scipy.signal.sosfreqz(k_weighting(rate), hertz, fs=rate)
    assert 20 * np.log10(np.abs(found / expected)) == pytest.approx(0.0, abs=0.3)


def test_a_reference_tone_has_the_loudness_the_standard_gives_it() -> None:
    # ITU-R BS.1770: a 997 Hz sine at 0 dBFS in one channel reads -3.01 LUFS; two add 3.01 dB.
    assert integrated(slots(sine(997.0, 5.0, 0.1))) == pytest.approx(-20.0, abs=0.02)


def test_loudness_agrees_with_another_meter_on_gated_music() -> None:
    signal = gated_music()
    # The standard's tables: pyloudnorm's own default filters hear this hum 0.03 LU softer.
    meter = pyloudnorm.Meter(SAMPLE_RATE)
    reference = scipy.signal.sosfilt(TABLES, signal)
    meter._filters = {}
    assert integrated(slots(signal)) == pytest.approx(
        meter.integrated_loudness(reference.T), abs=0.01
    )
    assert integrated(slots(signal)) == pytest.approx(
        pyloudnorm.Meter(SAMPLE_RATE).integrated_loudness(signal.T), abs=0.05
    )


def test_every_slot_holds_the_power_of_the_filtered_sound() -> None:
    signal = gated_music()[:, :100_001]
    expected = np.square(scipy.signal.sosfilt(TABLES, signal)).sum(axis=0)
    found = slots(signal, piece=12_345)
    assert len(found) == 209
    assert found[:208] == pytest.approx(expected[:99_840].reshape(208, 480).mean(axis=1), rel=1e-4)
    assert found[208] == pytest.approx(expected[99_840:].mean(), rel=1e-4)


@pytest.mark.parametrize("piece", [1, 479, 7_777])
def test_the_size_of_the_pieces_makes_no_difference(piece: int) -> None:
    signal = gated_music()[:, :12_000]
    assert slots(signal, piece) == pytest.approx(slots(signal, 12_000), rel=1e-5)


def test_loudness_of_little_and_of_nothing() -> None:
    assert integrated(slots(np.zeros((2, 0)))) == SILENCE_LUFS
    assert integrated(slots(np.zeros((2, 48_000)))) == SILENCE_LUFS
    assert integrated(slots(sine(997.0, 0.1, 0.1))) == pytest.approx(-20.0, abs=1.0)
    assert len(momentary(slots(np.zeros((2, 0))))) == 0


def test_an_offset_is_not_heard() -> None:
    found = momentary(slots(np.full((2, 96_000), 0.5)))
    assert found[4:-2].max() < -100.0


def test_momentary_loudness_is_that_of_the_window_around() -> None:
    sound = np.concatenate([np.zeros((2, SAMPLE_RATE)), sine(997.0, 1.0, 0.1)], axis=1)
    found = momentary(slots(sound))
    assert len(found) == 20
    assert found[:9].max() == SILENCE_LUFS
    assert found[12:18] == pytest.approx(-20.0, abs=0.05)
    assert found[10] == pytest.approx(-20.0 - 3.01, abs=0.1)


def test_slots_of_another_length_give_the_same_loudness() -> None:
    signal = gated_music()
    meter = LoudnessMeter(slots_per_s=10)
    meter.hear(signal)
    coarse, fine = meter.finish(), slots(signal)
    assert len(coarse) == 90
    assert momentary(coarse, 10) == pytest.approx(momentary(fine), abs=1e-3)
    assert integrated(coarse, 10) == pytest.approx(integrated(fine), abs=1e-3)
