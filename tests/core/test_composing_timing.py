from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musiscene_core.composing.tempo import HELD_BEND, MAX_BEND, Wish
from musiscene_core.composing.timing import make_timing
from musiscene_core.errors import RequestError
from musiscene_core.request import HeldBar, ScoreRequest
from tests.support.scenes import brief_of
from tests.support.tempi import steps_of, worst_bend

RATES = ("23.976", "24", "25", "29.97", "30", "48", "50", "59.94", "60")
WISH = Wish(84, 116, 98, 4)
HELD = Wish(97, 97, 97, 4, held=True)


def timing_of(length_s, *, rate="24", cuts=(), wish=WISH, **wanted):
    brief = brief_of(length_s, rate=rate, cuts=cuts)
    return make_timing(ScoreRequest(brief=brief, **wanted), wish)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.floats(1.2, 58.5), min_size=1, max_size=8),
    st.sampled_from(RATES),
    st.sampled_from((Wish(54, 74, 62, 4), WISH, Wish(100, 136, 120, 3), Wish(120, 156, 130, 4))),
)
def test_every_hit_is_met_within_a_frame_and_the_tempo_stays_within_three_percent(
    seconds, rate, wish
):
    cuts = sorted({round(second, 2) for second in seconds})
    cuts = [cut for cut, before in zip(cuts, [-1.0, *cuts], strict=False) if cut - before > 0.1]
    timing = timing_of(60.0, rate=rate, cuts=cuts, wish=wish)
    assert len(timing.report) + len(timing.dropped) == len(cuts)
    assert timing.report
    for hit in timing.report:
        assert abs(hit.error_frames) <= 1.0
        assert abs(hit.error_ms) <= 40.1
    assert worst_bend(timing.tempo) <= MAX_BEND + 1e-9
    assert max(steps_of(timing.tempo)) < 1e-9
    main = next(hit for hit in timing.hits if hit.main)
    assert timing.tempo.place(main.beat)[0] == pytest.approx(0.0, abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(0, 1439), min_size=1, max_size=12, unique=True),
    st.sampled_from((WISH, HELD)),
)
def test_the_users_hits_are_all_met_to_the_frame_whatever_the_tempo(frames, wish):
    timing = timing_of(60.0, hits=tuple(frames), wish=wish)
    assert [hit.frame for hit in timing.report] == sorted(frames)
    assert all(abs(hit.error_frames) <= 1.0 for hit in timing.report)
    assert not timing.dropped
    limit = HELD_BEND if wish.held else MAX_BEND
    assert worst_bend(timing.tempo) <= limit + 1e-9


def test_a_held_tempo_drops_the_candidates_that_it_misses_and_tells_by_how_much():
    timing = timing_of(40.0, cuts=(4.2, 9.7, 15.1, 21.3, 26.0, 33.0), wish=HELD)
    assert timing.report
    assert len(timing.report) + len(timing.dropped) == 6
    assert worst_bend(timing.tempo, 97.0) <= HELD_BEND + 1e-9
    assert timing.dropped
    for hit in timing.dropped:
        off_ms = float(hit.reason.removeprefix("no beat at this tempo is nearer than ").split()[0])
        beat = round(2 * timing.tempo.beat(hit.frame / 24)) / 2
        assert abs(timing.tempo.seconds(beat) - hit.frame / 24) * 1000 == pytest.approx(
            off_ms, abs=0.5
        )
        assert off_ms > 40


def test_candidates_are_left_out_for_a_reason():
    timing = timing_of(60.0, cuts=(0.5, 6.0, 7.0, 20.0, 40.0))
    reasons = {hit.frame: hit.reason for hit in timing.dropped}
    assert reasons[12] == "within 1 s of the beginning or the end"
    assert reasons[168] == "within 3.2 s of a stronger hit"
    assert {hit.frame for hit in timing.report} == {144, 480, 960}


@pytest.mark.parametrize("rate", RATES)
def test_hits_on_the_first_and_the_last_frame_are_met(rate):
    frames = brief_of(20.0, rate=rate).timeline.record.length
    timing = timing_of(20.0, rate=rate, hits=(0, frames - 1))
    assert [abs(hit.error_frames) <= 1.0 for hit in timing.report] == [True, True]
    assert timing.start_beat <= timing.hits[0].beat
    assert timing.hits[-1].beat <= timing.end_beat


def test_hits_closer_than_the_fastest_half_beat_are_met_between_beats():
    timing = timing_of(20.0, hits=(240, 242, 244))
    assert [abs(hit.error_frames) <= 1.0 for hit in timing.report] == [True, True, True]
    assert any(hit.place.startswith("between") for hit in timing.report)


def test_two_hundred_hits_in_a_minute_are_all_met():
    frames = tuple(range(4, 1404, 7))
    timing = timing_of(60.0, hits=frames)
    assert [hit.frame for hit in timing.report] == list(frames)
    assert max(abs(hit.error_frames) for hit in timing.report) <= 1.0
    assert worst_bend(timing.tempo) <= MAX_BEND + 1e-9


def test_fifteen_minutes_of_candidates_stay_within_three_percent():
    cuts = [5.0 + 7.31 * step + (step * step % 13) / 7 for step in range(120)]
    timing = timing_of(900.0, cuts=cuts)
    assert len(timing.report) >= 110
    assert max(abs(hit.error_frames) for hit in timing.report) <= 1.0
    assert worst_bend(timing.tempo) <= MAX_BEND + 1e-9


@pytest.mark.parametrize("frames", [1, 5, 24])
def test_a_very_short_range_has_a_beginning_and_an_end(frames):
    length_s = frames / 24
    timing = timing_of(length_s, hits=(0,))
    assert abs(timing.report[0].error_frames) <= 1.0
    assert timing.tempo.seconds(timing.start_beat) >= 0.0
    assert timing.tempo.seconds(timing.end_beat) <= length_s
    assert not timing_of(length_s).report


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 6), st.floats(1.4, 3.4)), min_size=1, max_size=5))
def test_held_bars_are_pinned_to_their_frames(steps):
    bar, second = 3, 1.5
    bars = [HeldBar(bar, round(second * 24))]
    for count, each_s in steps:
        bar, second = bar + count, second + count * each_s
        bars.append(HeldBar(bar, round(second * 24)))
    timing = timing_of(second + 5.0, bars=tuple(bars), cuts=(second / 2,))
    tempo = timing.tempo
    lines = {line.number: line for line in tempo.bar_lines(0.0, timing.end_beat)}
    for held in bars:
        assert tempo.seconds(lines[held.bar].beat) == pytest.approx(held.frame / 24, abs=1e-6)
    assert all(2 <= line.beats <= 5 for line in lines.values())
    assert all(after.number == before.number + 1 for before, after in pairwise(lines.values()))


def test_bars_of_an_earlier_take_hold_in_the_next():
    first = timing_of(60.0, cuts=(9.7, 21.3, 33.0, 47.1))
    lines = [line for line in first.tempo.bar_lines(0.0, first.end_beat) if line.number % 4 == 1]
    bars = tuple(HeldBar(line.number, round(first.tempo.seconds(line.beat) * 24)) for line in lines)
    again = timing_of(60.0, bars=bars, cuts=(9.7, 21.3, 33.0, 50.2))
    for line in lines:
        new = next(n for n in again.tempo.bar_lines(0.0, 200.0) if n.number == line.number)
        assert abs(again.tempo.seconds(new.beat) - first.tempo.seconds(line.beat)) <= 1 / 48 + 1e-6


@pytest.mark.parametrize(
    "bars",
    [
        ((1, 0), (1, 48)),
        ((4, 0), (2, 96)),
        ((1, 48), (2, 0)),
        ((1, 0), (11, 48)),
        ((1, 0), (2, 400)),
        ((1, 480),),
        ((1, -1),),
    ],
)
def test_bars_that_cannot_be_held_are_refused(bars):
    with pytest.raises(RequestError, match="held"):
        ScoreRequest(brief=brief_of(20.0), bars=tuple(HeldBar(*bar) for bar in bars))
