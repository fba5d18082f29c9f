"""Loudness curves against levels that are known."""

from __future__ import annotations

import numpy as np
import pytest

from musiscene_core.spotting.loudness import HOP_S, MAX_VALUES, LoudnessListener, loudness_curve
from tests.support import sounds


def measured(samples: np.ndarray, block: int = 12_345) -> np.ndarray:
    meter = LoudnessListener(sounds.RATE)
    for start in range(0, len(samples), block):
        meter.push(samples[start : start + block])
    return meter.finish()


def sine(hertz: float, seconds: float, level: float) -> np.ndarray:
    time = np.arange(round(seconds * sounds.RATE)) / sounds.RATE
    return (level * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


@pytest.mark.parametrize("decibels", [0.0, -20.0, -40.0])
def test_a_full_scale_sine_measures_as_bs1770_says(decibels: float) -> None:
    lufs = measured(sine(997.0, 3.0, 10 ** (decibels / 20)))
    assert lufs[5:-5] == pytest.approx(-3.01 + decibels, abs=0.1)


def test_low_tones_weigh_less_and_high_ones_more() -> None:
    middle, low, high = (np.median(measured(sine(f, 2.0, 0.1))) for f in (997.0, 30.0, 4000.0))
    assert low < middle - 6
    assert high == pytest.approx(middle + 3.3, abs=0.5)


def test_silence_and_direct_current_are_zero() -> None:
    for samples in (sounds.silence(2.0), np.full(32_000, 0.5, np.float32)):
        curve = loudness_curve(measured(samples)[3:-3])
        assert set(curve.values) == {0.0}


def test_the_curve_follows_the_level_and_has_a_value_every_hop() -> None:
    samples = np.concatenate([sounds.silence(2.0), sine(997.0, 2.0, 0.1), sounds.silence(1.0)])
    curve = loudness_curve(measured(samples))
    assert curve.hop_s == HOP_S
    assert len(curve.values) == 50
    assert curve.at(1.0) == 0.0
    assert curve.at(3.0) == pytest.approx((-23.0 + 60) / 50, abs=0.01)
    assert curve.at(4.8) == 0.0


def test_a_long_range_is_sampled_more_coarsely() -> None:
    lufs = np.full(3 * MAX_VALUES - 1, -35.0, np.float32)
    curve = loudness_curve(lufs)
    assert curve.hop_s == pytest.approx(0.3)
    assert len(curve.values) == MAX_VALUES
    assert set(curve.values) == {0.5}


def test_no_sound_has_an_empty_curve() -> None:
    assert loudness_curve(measured(np.zeros(0, np.float32))).values == ()


def test_the_size_of_the_blocks_makes_no_difference() -> None:
    samples = sounds.noise(3.0)
    np.testing.assert_allclose(measured(samples, 999), measured(samples, len(samples)), atol=1e-3)
