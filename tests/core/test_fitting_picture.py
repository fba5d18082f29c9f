"""Recorded music laid on picture: true beats meet hits, exact length, an ending that rings."""

from __future__ import annotations

import numpy as np
import pytest

from musiscene_core.fitting.ending import ring_s, rung_out
from musiscene_core.fitting.meeting import MOST_STRETCH, Moment, Task, meet
from musiscene_core.fitting.picture import Laid, Wish, lay
from musiscene_core.fitting.places import attacks_s, places_in
from musiscene_core.remixing.grid import find_grid
from tests.support.songs import RATE, Song, clicks_bound, drone, scattered, song

HITS = (4.1, 9.6, 14.8, 21.0)
LENGTH_S = 26.0


@pytest.fixture(scope="module")
def made() -> Song:
    return song(112.0, "ABAC", bars=4)


@pytest.fixture(scope="module")
def laid(made: Song) -> Laid:
    moments = tuple(Moment(at, 0.8) for at in HITS)
    wish = Wish(round(LENGTH_S * RATE), moments, begin_within_s=2.5)
    return lay(made.audio, find_grid(made.audio), wish)


def true_place(made: Song, laid: Laid, second: float) -> float:
    """Where a moment of the song is heard, told from the stretches alone."""
    at, own = 0.0, laid.begin_s
    for part in laid.stretches:
        own += part.start_s - at
        own_length = (part.end_s - part.start_s) / (1 + part.percent / 100)
        if second <= own + own_length:
            return part.start_s + max(0.0, second - own) * (1 + part.percent / 100)
        at, own = part.end_s, own + own_length
    return at + second - own


def test_every_hit_is_met_by_a_true_beat_or_half_beat_within_a_frame(
    made: Song, laid: Laid
) -> None:
    halves = np.sort(np.concatenate([made.beats_s, (made.beats_s[1:] + made.beats_s[:-1]) / 2]))
    places = np.array([true_place(made, laid, beat) for beat in halves])
    for hit, told in zip(HITS, laid.moments, strict=True):
        assert told.met
        assert np.abs(places - hit).min() < 0.02
        assert abs(told.after_ms) < 0.5
    # Without stretching they would have been missed, and the report says by how much.
    before = [1000 * np.abs(made.beats_s - hit).min() for hit in HITS]
    assert max(before) > 60
    assert [abs(told.before_ms) for told in laid.moments] == pytest.approx(before, abs=8)


def test_nothing_is_stretched_beyond_four_percent_and_no_click_is_made(
    made: Song, laid: Laid
) -> None:
    assert laid.audio.shape == (2, round(LENGTH_S * RATE))
    assert any(abs(part.percent) > 0.2 for part in laid.stretches)
    assert max(abs(part.percent) for part in laid.stretches) <= 100 * MOST_STRETCH + 0.01
    assert clicks_bound(laid.audio) < 1.2 * clicks_bound(made.audio)


def test_an_attack_is_heard_at_each_hit_that_a_beat_meets(laid: Laid) -> None:
    power = np.square(laid.audio.mean(axis=0))
    for hit, told in zip(HITS, laid.moments, strict=True):
        if told.place == "bar line":
            at = round(hit * RATE)
            assert power[at : at + 2400].mean() > 3 * power[at - 2400 : at - 900].mean()


def test_it_ends_on_an_accent_after_which_nothing_begins(laid: Laid) -> None:
    accent = laid.accent_s
    assert accent is not None
    least, most = ring_s(LENGTH_S)
    assert least <= LENGTH_S - accent <= most
    # On a beat, as that is heard and not as it is counted.
    assert min(abs(accent - beat) for beat in laid.beats_s) < 0.01
    assert laid.beats_s[-1] == pytest.approx(accent, abs=0.01)
    sound = laid.audio[:, round(accent * RATE) :]
    hop = RATE // 10
    count = sound.shape[1] // hop
    level = 10 * np.log10(np.square(sound[:, : count * hop]).reshape(2, count, hop).mean((0, 2)))
    assert np.all(np.diff(level[4:]) < 1.5)
    assert level[-1] < level[0] - 30
    assert not laid.audio[:, -1].any()


def test_the_ring_is_the_hall_and_no_fade(made: Song) -> None:
    accent = round(made.bars_s[6] * RATE)
    then = round(made.beats_s[25] * RATE)
    found = rung_out(made.audio, accent, then, accent + 2 * RATE)
    assert np.array_equal(found[:, : then - RATE // 8], made.audio[:, : then - RATE // 8])
    assert np.abs(found[:, then + RATE // 4 : then + RATE // 2]).max() > 1e-3


def test_what_cannot_be_met_within_four_percent_is_said_to_be_unmet(made: Song) -> None:
    close = (10.0, 10.13)
    wish = Wish(round(20 * RATE), tuple(Moment(at, 0.5) for at in close))
    found = lay(made.audio, find_grid(made.audio), wish)
    assert [told.met for told in found.moments].count(True) == 1
    assert "1 of 2 hits" in found.warnings[0]


def test_music_without_a_pulse_meets_hits_with_its_attacks() -> None:
    audio = scattered(3, held=False, length_s=24.0)
    hits = (6.3, 12.75)
    wish = Wish(20 * RATE, tuple(Moment(hit, 1.0) for hit in hits))
    found = lay(audio, find_grid(audio), wish)
    assert found.audio.shape == (2, 20 * RATE)
    assert [(told.met, told.place) for told in found.moments] == [(True, "attack")] * 2
    assert any(abs(told.before_ms) > 25 for told in found.moments)
    assert max(abs(part.percent) for part in found.stretches) <= 100 * MOST_STRETCH + 0.01
    heard = attacks_s(find_grid(found.audio).heard.onsets)
    assert max(np.abs(heard - hit).min() for hit in hits) < 0.02
    assert found.beats_s == ()
    assert "No steady beat" in found.warnings[0]
    assert not found.audio[:, -1].any()


def test_music_in_which_nothing_is_struck_meets_nothing_and_still_ends() -> None:
    audio = np.stack([drone(20.0)] * 2)
    found = lay(audio, find_grid(audio), Wish(18 * RATE, (Moment(6.0, 1.0),)))
    told = found.moments[0]
    assert (told.met, told.place, found.accent_s) == (False, None, None)
    assert "Neither a beat nor an attack" in found.warnings[0]
    assert found.audio.shape == (2, 18 * RATE)
    assert not found.audio[:, -1].any()


def test_a_last_accent_near_the_end_of_slow_music_dies_away_and_is_not_cut() -> None:
    held = np.stack([drone(10.0)] * 2)
    samples = 10 * RATE
    accent = samples - round(0.9 * RATE)
    result = rung_out(held, accent, accent + 2 * RATE, samples)

    def level_db(before_end_s: float) -> float:
        at = samples - round(before_end_s * RATE)
        return float(10 * np.log10(np.mean(np.square(result[:, at : at + 2400])) + 1e-14))

    assert level_db(0.6) - level_db(0.25) > 6
    assert level_db(0.6) - level_db(0.05) > 40


def test_half_a_beat_meets_nothing_where_nothing_is_struck(made: Song) -> None:
    # Its drums and chords are on beats alone.
    places = places_in(find_grid(made.audio))
    assert "half beat" not in places.kinds
    assert {"beat", "bar line"} == set(places.kinds)
    away = np.abs(places.at_s[:, None] - made.beats_s).min(axis=1)
    assert np.quantile(away, 0.9) < 0.01


@pytest.mark.parametrize("length_s", [0.02, 0.3, 1.1])
def test_the_shortest_ranges_are_exact(made: Song, length_s: float) -> None:
    samples = round(length_s * RATE)
    for audio in (made.audio, made.audio[:, : RATE // 10], made.audio[:, :1]):
        found = lay(audio, find_grid(audio), Wish(samples))
        assert found.audio.shape == (2, samples)
        assert np.isfinite(found.audio).all()


def test_a_heavy_moment_is_preferred_to_a_light_one() -> None:
    beats = 0.5 * np.arange(80)
    for heavy in (0, 1):
        task = Task(
            beats_s=beats,
            strength=np.ones(80),
            moments=(Moment(20.1, 1.0 - 0.8 * heavy), Moment(20.35, 0.2 + 0.8 * heavy)),
            begins_s=(0.0,),
            length_s=36.0,
            ring_s=(1.0, 3.0),
            ends=np.ones(80, np.bool_),
        )
        assert [index for index, _ in meet(task).met] == [heavy]
