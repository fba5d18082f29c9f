"""Beats and bar lines of songs that are known."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from musiscene_core.composing.score import score
from musiscene_core.media import read_audio
from musiscene_core.remixing.agreement import pulse_agreement
from musiscene_core.remixing.grid import Grid, Wanted, find_grid, known_grid
from musiscene_core.request import ScoreRequest
from musiscene_core.tempo_map import TempoMap
from tests.support.scenes import brief_of
from tests.support.songs import RATE, scattered, song


def share_met(
    found: npt.NDArray[np.float64], truth: npt.NDArray[np.float64], within_s: float
) -> float:
    return float(np.mean([np.abs(found - moment).min() <= within_s for moment in truth]))


@pytest.mark.parametrize(
    ("bpm", "metre", "drift"),
    [(72, 4, 0), (97, 4, 0), (120, 4, 0), (140, 4, 0), (96, 3, 0), (100, 4, 0.06), (120, 4, -0.06)],
)
def test_beats_and_bar_lines_lie_where_they_are(bpm: float, metre: int, drift: float) -> None:
    made = song(bpm, metre=metre, drift=drift)
    grid = find_grid(made.audio)
    assert grid.beats_per_bar == metre
    assert share_met(grid.beats_s, made.beats_s, 0.020) >= 0.95
    assert share_met(grid.bar_lines_s, made.bars_s, 0.020) >= 0.95
    assert share_met(made.bars_s, grid.bar_lines_s[1:-1], 0.020) >= 0.95
    assert grid.usable
    assert grid.confidence > 0.6


def test_what_the_user_says_is_taken() -> None:
    made = song(120)
    told = Wanted(tempo_bpm=60.0, bar_line_s=float(made.beats_s[2]), beats_per_bar=2)
    grid = find_grid(made.audio, told)
    assert grid.tempo_bpm == pytest.approx(60, rel=0.01)
    assert grid.beats_per_bar == 2
    assert np.abs(grid.bar_lines_s - made.beats_s[2]).min() < 0.02
    assert grid.confidence > 0.9


def test_a_known_tempo_map_gives_its_own_bars() -> None:
    made = song(120, lead_s=0.5)
    grid = known_grid(made.audio, TempoMap.constant(120.0, offset_s=0.5))
    assert (grid.confidence, grid.usable) == (1.0, True)
    np.testing.assert_allclose(grid.bar_lines_s[: len(made.bars_s)], made.bars_s, atol=1e-4)


@pytest.mark.parametrize("kind", ["noise", "silence", "short", "drone"])
def test_sound_without_a_beat_gives_no_grid_to_cut_by(kind: str) -> None:
    time = np.arange(20 * RATE) / RATE
    sounds = {
        "noise": np.random.default_rng(0).normal(0, 0.1, 20 * RATE),
        "silence": np.zeros(20 * RATE),
        "short": np.sin(time[:4000]),
        "drone": 0.1 * np.sin(2 * np.pi * 110 * time),
    }
    audio = np.tile(sounds[kind].astype(np.float32), (2, 1))
    grid: Grid = find_grid(audio)
    assert not grid.usable


@pytest.mark.parametrize("held", [False, True], ids=["notes", "held chords"])
def test_notes_that_follow_no_pulse_give_no_grid_however_they_fall(held: bool) -> None:
    for seed in range(4):
        assert not find_grid(scattered(seed, held=held)).usable


@pytest.mark.parametrize("idiom", ["ambient pad", "intimate piano", "melancholy", "string drama"])
def test_soft_music_of_ours_can_be_cut_by_its_beats(idiom: str, tmp_path: Path) -> None:
    brief = brief_of(40.0, cuts=(12.0, 27.0), valence=-0.4, arousal=0.2)
    take = score(ScoreRequest(brief=brief, seed=0, idiom=idiom, hits=()), 0, "take-1", tmp_path)
    assert take.tempo is not None
    end = Fraction(take.length_samples, RATE)
    mix = read_audio(tmp_path / take.mix, Fraction(0), end, sample_rate=RATE, channels=2)
    grid = find_grid(mix)
    assert grid.usable
    beats = np.array([take.tempo.seconds(float(n)) for n in range(int(take.tempo.beat(40.0)) + 1)])
    assert grid.tempo_bpm == pytest.approx(60 / np.median(np.diff(beats)), rel=0.02)
    assert share_met(beats, grid.beats_s, 0.07) >= 0.9
    assert (
        share_met(
            np.array([take.tempo.seconds(bar.beat) for bar in take.tempo.bar_lines(0.0, 200.0)]),
            grid.bar_lines_s,
            0.07,
        )
        >= 0.9
    )


def test_onsets_agree_with_beats_that_the_rest_of_the_music_tells() -> None:
    pulses = np.zeros((4000, 2))
    pulses[np.arange(20, 4000, 50), 1] = 1.0
    assert pulse_agreement(pulses, np.arange(0.2, 40.0, 0.5)) > 0.95
    assert pulse_agreement(pulses, np.arange(0.45, 40.0, 0.5)) < 0.0
    assert abs(pulse_agreement(pulses, np.arange(0.2, 40.0, 0.61))) < 0.2
    assert pulse_agreement(np.zeros((4000, 2)), np.arange(0.2, 40.0, 0.5)) == 0.0
    assert pulse_agreement(pulses, np.arange(0.0, 1.0, 0.5)) == 0.0
