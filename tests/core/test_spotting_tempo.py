"""Tempo and beats on sounds whose beats are known."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from musiscene_core.spotting.beats import steady_tempo, track_beats
from musiscene_core.spotting.onsets import RATE, OnsetListener
from musiscene_core.spotting.tempo import NO_TEMPO, Tempo, find_tempo, prepare
from tests.support import sounds


def pulses_of(samples: npt.NDArray[np.float32], block: int = 50_001) -> npt.NDArray[np.float64]:
    listener = OnsetListener(sounds.RATE)
    for start in range(0, len(samples), block):
        listener.push(samples[start : start + block])
    strength = listener.finish()
    return prepare(strength, np.ones(len(strength), np.bool_))


def heard(samples: npt.NDArray[np.float32]) -> tuple[Tempo, list[float]]:
    pulses = pulses_of(samples)
    tempo = find_tempo(pulses)
    beats = track_beats(pulses, tempo.bpm)
    return Tempo(steady_tempo(beats, tempo.bpm), tempo.confidence), list(beats)


@pytest.mark.parametrize("bpm", [60, 66, 72, 80, 93, 100, 110, 120, 128, 140, 150, 160, 172, 180])
def test_a_metronome_is_followed_at_its_own_tempo(bpm: float) -> None:
    samples, truth = sounds.clicks(bpm, 20.0)
    tempo, beats = heard(samples)
    assert tempo.bpm == pytest.approx(bpm, rel=0.01)
    assert tempo.confidence > 0.8
    assert sounds.f_measure(beats, truth) > 0.95


@pytest.mark.parametrize("bpm", [80, 90, 100, 110, 120, 128, 140, 150, 160, 172])
def test_a_drum_pattern_is_followed_at_its_own_tempo(bpm: float) -> None:
    samples, truth = sounds.drums(bpm, 20.0)
    tempo, beats = heard(samples)
    assert tempo.bpm == pytest.approx(bpm, rel=0.01)
    assert tempo.confidence > 0.6
    assert sounds.f_measure(beats, truth) > 0.95


@pytest.mark.parametrize("bpm", [60, 66, 72])
def test_a_slow_pattern_full_of_eighths_is_followed_at_the_eighths(bpm: float) -> None:
    tempo, _ = heard(sounds.drums(bpm, 20.0)[0])
    assert tempo.bpm == pytest.approx(2 * bpm, rel=0.01)


@pytest.mark.parametrize("bpm", [96, 108, 124, 138])
def test_a_kick_on_every_beat_and_a_hat_off_it_keep_the_beat(bpm: float) -> None:
    samples, truth = sounds.four_on_the_floor(bpm, 20.0)
    tempo, beats = heard(samples)
    assert tempo.bpm == pytest.approx(bpm, rel=0.01)
    assert sounds.f_measure(beats, truth) > 0.95


def test_beats_lie_within_ten_milliseconds_in_the_median() -> None:
    samples, truth = sounds.drums(104, 30.0)
    _, beats = heard(samples)
    errors = [min(beats, key=lambda found: abs(found - beat)) - beat for beat in truth]
    assert abs(float(np.median(errors))) < 0.010


def test_a_tempo_between_two_frames_of_the_onset_curve_is_exact() -> None:
    tempo, _ = heard(sounds.clicks(117.3, 30.0)[0])
    assert tempo.bpm == pytest.approx(117.3, rel=0.001)


@pytest.mark.parametrize("seed", range(4))
def test_noise_has_no_tempo(seed: int) -> None:
    assert find_tempo(pulses_of(sounds.noise(20.0 + 10 * seed, seed=seed))).confidence < 0.1


def test_a_held_chord_has_no_tempo() -> None:
    pad = sounds.tone(220, 20, 0.05) + sounds.tone(277.18, 20, 0.05)
    assert find_tempo(pulses_of(pad)).confidence < 0.1


def test_silence_and_too_little_sound_have_no_tempo() -> None:
    assert find_tempo(pulses_of(sounds.silence(10.0))) == NO_TEMPO
    assert find_tempo(pulses_of(sounds.clicks(120, 2.0)[0])) == NO_TEMPO
    assert find_tempo(prepare(np.zeros((0, 2)), np.zeros(0, np.bool_))) == NO_TEMPO


def test_unheard_stretches_do_not_change_the_tempo() -> None:
    samples, truth = sounds.drums(96, 24.0)
    samples[8 * sounds.RATE : 14 * sounds.RATE] += sounds.noise(6.0, 0.3, seed=5)
    listener = OnsetListener(sounds.RATE)
    listener.push(samples)
    strength = listener.finish()
    clear = np.ones(len(strength), np.bool_)
    clear[8 * RATE : 14 * RATE] = False
    pulses = prepare(strength, clear)
    tempo = find_tempo(pulses)
    assert pulses.shape[1] == 2
    assert not pulses[8 * RATE : 14 * RATE].any()
    assert tempo.bpm == pytest.approx(96, rel=0.01)
    assert sounds.f_measure(list(track_beats(pulses, tempo.bpm)), truth) > 0.95


def test_the_size_of_the_blocks_makes_no_difference() -> None:
    samples, _ = sounds.drums(100, 6.0)
    whole = pulses_of(samples, len(samples))
    np.testing.assert_allclose(pulses_of(samples, 777), whole, rtol=1e-3, atol=1e-4)


def test_a_tempo_is_only_refined_by_beats_that_lie_on_a_line() -> None:
    steady = np.arange(0, 20, 0.5)
    assert steady_tempo(steady, 119.0) == pytest.approx(120.0)
    assert steady_tempo(steady, 90.0) == 90.0
    assert steady_tempo(steady**1.2, 100.0) == 100.0
    assert steady_tempo(steady[:3], 119.0) == 119.0
