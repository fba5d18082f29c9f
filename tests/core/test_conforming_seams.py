"""Music held on its film: in whole bars, on the sample, with seams near the tempo around them."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest

from musiscene_core.composing.compose import compose
from musiscene_core.conforming.film import KeptFilm, kept_film
from musiscene_core.conforming.seams import ENDING_S, Regrid, hold
from musiscene_core.ranges import FrameRange
from musiscene_core.request import ScoreRequest
from musiscene_core.tempo_map import TempoMap
from musiscene_core.timecode import SAMPLE_RATE, FrameRate
from tests.support.recuts import cut_list, edited, laid_out
from tests.support.scenes import brief_of

RATE = FrameRate(24)
MINUTE = 60 * 24


def kept(was: int, now: int, length: int) -> KeptFilm:
    return KeptFilm(FrameRange.from_length(was, length), FrameRange.from_length(now, length))


def held(tempo: TempoMap, was: int, now: int, *film: KeptFilm) -> Regrid | None:
    return hold(tempo, was / 24, now / 24, film, RATE, RATE)


def check(old: TempoMap, found: Regrid, now_s: float) -> None:
    """What must hold of every regrid."""
    for music in found.held:
        for place in range(9):
            beat = music.start_beat + place / 8 * (music.end_beat - music.start_beat)
            at = found.tempo.seconds(beat + music.beat_shift)
            assert at == pytest.approx(old.seconds(beat) + music.shift_s, abs=1e-7)
        for bar in old.bar_lines(music.start_beat, music.end_beat):
            now = found.tempo.bar_at(bar.beat + music.beat_shift)
            assert now.beat == pytest.approx(bar.beat + music.beat_shift, abs=1e-6)
    for one, other in pairwise(found.tempo.segments):
        assert one.start_s < other.start_s
        assert one.seconds(other.start_beat) == pytest.approx(other.start_s, abs=1e-7)
    for before, after in pairwise(found.held):
        assert before.now_s[1] <= after.now_s[0] + 1e-4
        beats = after.start_beat + after.beat_shift - before.end_beat - before.beat_shift
        assert beats == round(beats)
        if beats:
            bpm = 60 * beats / (after.now_s[0] - before.now_s[1])
            assert bpm == pytest.approx(old.bpm_at(before.end_beat), rel=0.13)
    assert all(2 <= metre.beats_per_bar <= 5 for metre in found.tempo.metres)
    last = found.held[-1]
    assert last.closes or last.now_s[1] <= now_s - min(ENDING_S, 0.3 * now_s) + 1e-6
    assert found.tempo.segments[-1].bpm_per_s == 0.0


def test_two_seconds_cut_out_of_a_minute_cost_few_bars() -> None:
    for bpm in (58.0, 72.5, 97.3, 120.0, 143.0):
        tempo = TempoMap.constant(bpm, offset_s=0.4)
        film = kept(0, 0, 700), kept(748, 700, MINUTE - 748)
        found = held(tempo, MINUTE, MINUTE - 48, *film)
        assert found is not None
        check(tempo, found, (MINUTE - 48) / 24)
        first, last = found.held
        assert (first.opens, last.closes) == (True, True)
        assert (first.shift_samples, last.shift_samples) == (0, -2 * SAMPLE_RATE)
        assert found.bars_held >= 0.75 * found.bars_was


def test_whole_bars_cut_out_cost_the_bar_that_leads_over() -> None:
    tempo = TempoMap.constant(120.0)
    film = kept(0, 0, 480), kept(480 + 96, 480, MINUTE - 576)
    found = held(tempo, MINUTE, MINUTE - 96, *film)
    assert found is not None
    assert [music.bars for music in found.held] == [9, 18]
    assert found.bars_now == found.bars_was - 2 == 28


def test_film_replaced_in_place_is_played_over_where_it_is_short() -> None:
    tempo = TempoMap.constant(100.0)
    short = held(tempo, MINUTE, MINUTE, kept(0, 0, 600), kept(660, 660, MINUTE - 660))
    assert short is not None
    assert [(one.opens, one.closes) for one in short.held] == [(True, True)]
    long = held(tempo, MINUTE, MINUTE, kept(0, 0, 600), kept(960, 960, MINUTE - 960))
    assert long is not None
    assert len(long.held) == 2
    assert long.tempo.bpm_at(long.held[0].end_beat) == pytest.approx(100.0)


def test_a_swap_of_short_shots_breaks_nothing_and_long_ones_take_their_music_along() -> None:
    tempo = TempoMap.constant(100.0)
    swapped = kept(0, 0, 600), kept(640, 600, 50), kept(600, 650, 40), kept(690, 690, 750)
    found = held(tempo, MINUTE, MINUTE, *swapped)
    assert found is not None
    assert len(found.held) == 1
    halves = kept(720, 0, 720), kept(0, 720, 720)
    found = held(tempo, MINUTE, MINUTE, *halves)
    assert found is not None
    check(tempo, found, 60.0)
    assert [one.start_s > 25 for one in found.held] == [True, False]


def test_an_opening_and_an_ending_that_changed_leave_room_for_new_ones() -> None:
    tempo = TempoMap.constant(90.0)
    found = held(tempo, MINUTE, MINUTE + 100, kept(100, 200, MINUTE - 200))
    assert found is not None
    check(tempo, found, (MINUTE + 100) / 24)
    (only,) = found.held
    assert not only.opens
    assert not only.closes
    assert 0.0 <= found.tempo.seconds(0.0) < 4 * 60 / 90


def test_where_no_two_bars_are_left_nothing_is_held() -> None:
    tempo = TempoMap.constant(60.0)
    assert held(tempo, 240, 200, kept(0, 0, 150)) is None
    assert held(tempo, 240, 200) is None
    assert held(TempoMap(segments=()), 240, 240, kept(0, 0, 240)) is None


@pytest.mark.parametrize("seed", range(25))
def test_random_edits_leave_a_sound_tempo_map(seed: int) -> None:
    random = Random(seed)
    shots = cut_list(random, random.randint(12, 30))
    new = edited(shots, random, random.randint(1, 4))
    old_range, new_range = laid_out(shots), laid_out(new)
    cuts = [2.0 + 5.0 * number for number in range(4)]
    brief = brief_of(old_range.length_seconds, cuts=cuts)
    tempo = compose(ScoreRequest(brief=brief), seed).tempo
    film = kept_film(old_range, new_range)
    found = hold(tempo, old_range.length_seconds, new_range.length_seconds, film, RATE, RATE)
    assert found is not None
    check(tempo, found, new_range.length_seconds)
