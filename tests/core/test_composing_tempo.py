import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musiscene_core.composing.tempo import MAX_BEND, Clock, Target, Wish, solve
from musiscene_core.cue import TempoMap, TempoSegment


def targets_at(*seconds, weight=0.8):
    return [Target(second, weight) for second in seconds]


def worst(solution, targets):
    return max(
        abs(solution.tempo.seconds(beat) - targets[index].seconds) for index, beat in solution.met
    )


def test_without_targets_the_wished_tempo_is_kept_within_a_few_percent():
    solution = solve([], 0, 30.0, Wish(70, 140, 100, 4))
    assert solution.met == ()
    assert len(solution.tempo.segments) == 1
    assert solution.tempo.segments[0].bpm == pytest.approx(100, rel=0.08)


def test_two_targets_are_met_exactly_at_one_tempo_and_the_main_one_on_a_downbeat():
    targets = targets_at(7.31, 19.02)
    solution = solve(targets, 1, 30.0, Wish(80, 120, 96, 4))
    assert len(solution.tempo.segments) == 1
    assert worst(solution, targets) < 0.04
    assert dict(solution.met)[1] % 4 == 0


def test_targets_on_a_steady_grid_keep_one_tempo():
    targets = targets_at(2.0, 5.0, 8.0, 11.0, 20.0)
    solution = solve(targets, 3, 30.0, Wish(90, 130, 118, 4))
    assert len(solution.tempo.segments) == 1
    assert worst(solution, targets) < 0.005


def test_targets_that_no_tempo_meets_bend_the_tempo_by_four_percent_at_most():
    targets = targets_at(2.13, 5.71, 9.02, 13.37, 17.93, 22.06, 27.54, 31.11, 36.9, 41.07)
    solution = solve(targets, 4, 45.0, Wish(84, 120, 100, 4))
    assert len(solution.tempo.segments) > 2
    assert worst(solution, targets) < 1e-6
    base = solution.tempo.segments[-1].bpm
    bends = [abs(segment.bpm / base - 1) for segment in solution.tempo.segments]
    assert max(bends) <= MAX_BEND + 1e-9
    assert all(beat * 2 % 1 == 0 for _, beat in solution.met)
    assert dict(solution.met)[4] % 4 == 0


def test_the_main_target_survives_where_others_must_go():
    targets = [Target(10.0 + 0.21 * step, 0.3) for step in range(30)]
    targets[17] = Target(targets[17].seconds, 0.31)
    solution = solve(targets, 17, 40.0, Wish(80, 100, 90, 4))
    assert 17 in dict(solution.met)
    assert len(solution.met) < len(targets)


def test_a_held_tempo_is_played_to_the_letter_and_every_target_told():
    targets = targets_at(2.13, 5.71, 9.02, 13.37)
    solution = solve(targets, 0, 30.0, Wish(97.3, 97.3, 97.3, 4, held=True))
    assert [segment.bpm for segment in solution.tempo.segments] == [97.3]
    assert [index for index, _ in solution.met] == [0, 1, 2, 3]
    assert worst(solution, targets) <= 60 / 97.3 / 4 + 1e-9


def test_the_tempo_is_a_whole_number_of_microseconds_a_beat():
    tempo = solve(targets_at(3.3, 8.8), 0, 20.0, Wish(70, 110, 88, 3)).tempo
    assert 60e6 / tempo.segments[0].bpm == pytest.approx(round(60e6 / tempo.segments[0].bpm))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(1, 1400), min_size=1, max_size=12, unique=True),
    st.sampled_from((3, 4)),
    st.integers(0, 11),
)
def test_beat_zero_lies_in_the_first_bar_and_time_runs_forwards(frames, metre, main):
    seconds = sorted(frame / 24 for frame in frames)
    targets = targets_at(*seconds)
    solution = solve(targets, main % len(targets), 60.0, Wish(72, 126, 95, metre))
    tempo = solution.tempo
    assert tempo.seconds(0.0) >= -1e-6
    assert tempo.beat(0.0) > -metre - 1e-6
    beats = np.arange(-metre, 150, 0.5)
    times = [tempo.seconds(float(beat)) for beat in beats]
    assert np.all(np.diff(times) > 0)
    assert worst(solution, targets) <= 0.0401
    assert dict(solution.met)[main % len(targets)] % metre == 0
    for before, after in zip(tempo.segments, tempo.segments[1:], strict=False):
        reached = before.start_s + (after.start_beat - before.start_beat) * 60 / before.bpm
        assert reached == pytest.approx(after.start_s, abs=1e-6)


def test_the_clock_agrees_with_the_map():
    tempo = TempoMap(
        segments=(
            TempoSegment(start_beat=0.0, start_s=0.4, bpm=100.0),
            TempoSegment(start_beat=8.0, start_s=5.2, bpm=104.0),
        )
    )
    clock = Clock(tempo)
    for beat in (-0.5, 0.0, 3.7, 8.0, 21.25):
        assert clock.seconds(beat) == tempo.seconds(beat)
        assert clock.beat(tempo.seconds(beat)) == pytest.approx(beat)
    assert clock.beats_in(0.6, 2.0) == pytest.approx(1.0)
