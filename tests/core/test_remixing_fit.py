"""Songs fitted to lengths and hits."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from musiscene_core.errors import CancelledError
from musiscene_core.remixing.fit import MOST_STRETCH, Wish, fit
from musiscene_core.remixing.fitted import Fitted
from musiscene_core.remixing.grid import Grid, find_grid
from musiscene_core.remixing.splicing import best_shift
from musiscene_core.timecode import FrameRate, frame_to_sample
from tests.support.songs import RATE, Song, clicks_bound, song

RATES = ("23.976", "24", "25", "29.97", "30", "50", "59.94")


@functools.lru_cache
def heard(bpm: float = 120.0) -> tuple[Song, Grid]:
    made = song(bpm)
    return made, find_grid(made.audio)


def fitted_to(share: float, bpm: float = 120.0, **wish: object) -> tuple[Song, Fitted]:
    made, grid = heard(bpm)
    return made, fit(made.audio, grid, Wish(round(share * made.samples), **wish))


@pytest.mark.parametrize("share", [0.1, 0.25, 0.6, 0.9, 1.0, 1.35, 3.0])
def test_any_length_is_met_to_the_sample_without_a_click(share: float) -> None:
    made, fitted = fitted_to(share)
    assert fitted.audio.shape == (2, round(share * made.samples))
    assert fitted.on_beats
    assert clicks_bound(fitted.audio) <= 1.05 * clicks_bound(made.audio)
    assert all(abs(part.percent) <= 100 * MOST_STRETCH for part in fitted.stretches)


@pytest.mark.parametrize("share", [0.6, 1.35, 3.0])
def test_joins_lie_on_bar_lines_of_the_music(share: float) -> None:
    made, fitted = fitted_to(share, keep_beginning=True)
    assert fitted.joins
    for join in fitted.joins:
        for moment in (join.from_s, join.to_s):
            assert np.abs(made.bars_s - moment).min() < 0.02
    runs = np.diff([0.0, *(join.at_s for join in fitted.joins), len(fitted.audio[0]) / RATE])
    # Four bars of two seconds, less what stretching takes.
    assert runs.min() > 8.0 * (1 - MOST_STRETCH) - 0.1


def test_equal_bars_are_joined_where_there_are_any() -> None:
    _, fitted = fitted_to(3.0)
    assert all(join.likeness > 0.85 for join in fitted.joins)


@pytest.mark.parametrize("share", [0.3, 0.77, 1.5])
def test_the_beats_of_the_result_are_heard_where_it_says(share: float) -> None:
    _, fitted = fitted_to(share)
    again = find_grid(fitted.audio)
    said = np.array(fitted.beats_s)
    near = [np.abs(said - beat).min() < 0.025 for beat in again.beats_s]
    assert np.mean(near) >= 0.95


def test_the_ending_is_the_musics_own_to_the_sample() -> None:
    made, grid = heard()
    eight_bars = 8 * 2 * RATE
    fitted = fit(made.audio, grid, Wish(made.samples + 2 * eight_bars))
    assert (len(fitted.joins), fitted.stretches) == (1, ())
    # From a second after the join on, every sample is the one so much later in the music.
    join = fitted.joins[0]
    at, source = (round((moment + 1.0) * RATE) for moment in (join.at_s, join.to_s))
    kept = made.audio[:, source : round(grid.heard.sounding_s[1] * RATE)]
    np.testing.assert_array_equal(fitted.audio[:, at : at + kept.shape[1]], kept)
    assert not fitted.audio[:, at + kept.shape[1] :].any()


def test_a_stretched_result_still_ends_with_the_musics_own_ring_out() -> None:
    made, fitted = fitted_to(0.95)
    assert fitted.stretches
    end = round(heard()[1].heard.sounding_s[1] * RATE)
    # Stretched no more than needed, it ends at either end of the silence that it may end with.
    assert any(
        np.array_equal(ring_out(fitted, rest), made.audio[:, end - RATE : end])
        for rest in (0, round(0.4 * RATE))
    )


def ring_out(fitted: Fitted, rest: int) -> np.ndarray:
    """The last second before `rest` samples of silence."""
    return fitted.audio[:, len(fitted.audio[0]) - rest - RATE :][:, :RATE]


def test_a_whole_song_at_its_own_length_is_left_as_it_is() -> None:
    made, grid = heard()
    begin, end = (round(second * RATE) for second in grid.heard.sounding_s)
    fitted = fit(made.audio, grid, Wish(end - max(0, begin - 576)))
    assert (fitted.joins, fitted.stretches) == ((), ())
    np.testing.assert_array_equal(fitted.audio, made.audio[:, max(0, begin - 576) : end])


@pytest.mark.parametrize("rate", RATES)
def test_length_and_hits_are_exact_at_every_frame_rate(rate: str) -> None:
    made, grid = heard()
    exact = FrameRate.parse(rate)
    frames = exact.frame_nearest(61.3)
    hits = [exact.frame_nearest(moment) for moment in (16.5, 40.4)]
    wish = Wish(
        frame_to_sample(frames, exact), hits=tuple(frame_to_sample(hit, exact) for hit in hits)
    )
    fitted = fit(made.audio, grid, wish)
    assert len(fitted.audio[0]) == frame_to_sample(frames, exact)
    assert [hit.met for hit in fitted.hits] == [True, True]
    for hit in fitted.hits:
        assert abs(hit.error_ms) <= 500 / float(exact.fps)
    for hit in fitted.hits:
        # The attack of the bar that is said to meet it, searched for around the hit.
        at, begin = round(made.bars_s[hit.bar - 1] * RATE), round(hit.at_s * RATE)
        attack = made.audio[0, at : at + RATE // 20]
        around = fitted.audio[0, begin - RATE // 25 : begin + RATE // 25 + len(attack)]
        shift, alike = best_shift(attack, around, (-RATE // 25, RATE // 25))
        assert alike > 0.9
        assert abs(shift) / RATE < 1 / exact.fps


def test_a_hit_that_cannot_be_met_is_said_to_be_missed() -> None:
    # Two hits a third of a beat apart cannot both be beats.
    _, fitted = fitted_to(0.8, hits=(20 * RATE, round(20.17 * RATE)))
    assert sum(hit.met for hit in fitted.hits) <= 1
    assert any("could not be met" in warning for warning in fitted.warnings)


def test_the_beginning_is_kept_when_asked_for() -> None:
    made, grid = heard()
    fitted = fit(made.audio, grid, Wish(30 * RATE, keep_beginning=True))
    begin = max(0, round(grid.heard.sounding_s[0] * RATE) - 576)
    assert fitted.bars[0] == 1
    np.testing.assert_array_equal(
        fitted.audio[:, : RATE // 2], made.audio[:, begin : begin + RATE // 2]
    )


def test_another_seed_may_choose_other_joins_and_the_same_gives_the_same() -> None:
    first, second = (fitted_to(3.0, seed=4)[1] for _ in range(2))
    np.testing.assert_array_equal(first.audio, second.audio)
    joins = {
        tuple((j.from_bar, j.to_bar) for j in fitted_to(3.0, seed=s)[1].joins) for s in range(4)
    }
    assert len(joins) > 1


@pytest.mark.parametrize("share", [0.05, 0.4, 0.97, 1.0, 1.2, 2.7])
def test_music_without_a_beat_is_fitted_by_quiet_places_and_it_is_said(share: float) -> None:
    time = np.arange(30 * RATE) / RATE
    swell = 0.1 * np.sin(2 * np.pi * 110 * time) * (1 + 0.5 * np.sin(0.7 * time))
    audio = np.tile(swell.astype(np.float32), (2, 1))
    samples = round(share * len(time))
    fitted = fit(audio, find_grid(audio), Wish(samples))
    assert (fitted.audio.shape, fitted.on_beats) == ((2, samples), False)
    assert "No steady beat" in fitted.warnings[0]
    assert clicks_bound(fitted.audio) <= 2 * clicks_bound(audio)
    np.testing.assert_allclose(fitted.audio[:, -RATE // 5 :], audio[:, -RATE // 5 :], atol=1e-6)


def test_it_stops_when_it_is_told_to() -> None:
    def stop(stage: str, fraction: float) -> None:
        raise CancelledError("enough")

    made, grid = heard()
    with pytest.raises(CancelledError):
        fit(made.audio, grid, Wish(made.samples // 2), stop)
