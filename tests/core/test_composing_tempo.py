import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from musiscene_core.composing.ramps import segments_for
from musiscene_core.composing.tempo import HELD_BEND, MAX_BEND, Wish, solve
from musiscene_core.composing.tempo_chain import Target
from musiscene_core.tempo_map import TempoMap
from tests.support.tempi import steps_of, tempi_of, worst_bend

LAYOUT = (2.13, 5.71, 9.02, 13.37, 17.93, 22.06, 27.54, 31.11, 36.9, 41.07)


def targets_at(*seconds, weight=0.8, held=False):
    return [Target(second, weight, held) for second in seconds]


def worst(solution, targets):
    return max(
        abs(solution.tempo.seconds(beat) - targets[index].seconds) for index, beat in solution.met
    )


def test_without_targets_the_wished_tempo_is_kept_within_a_few_percent():
    solution = solve([], 0, 30.0, Wish(70, 140, 100, 4))
    assert solution.met == solution.missed == ()
    assert len(solution.tempo.segments) == 1
    assert solution.tempo.segments[0].bpm == pytest.approx(100, rel=0.08)


def test_two_targets_are_met_at_one_tempo_and_the_main_one_on_a_downbeat():
    targets = targets_at(7.31, 19.02)
    solution = solve(targets, 1, 30.0, Wish(80, 120, 96, 4))
    assert len(solution.tempo.segments) == 1
    assert worst(solution, targets) < 0.04
    assert solution.tempo.place(dict(solution.met)[1])[0] == 0.0


def test_targets_on_a_steady_grid_keep_one_tempo():
    targets = targets_at(2.0, 5.0, 8.0, 11.0, 20.0)
    solution = solve(targets, 3, 30.0, Wish(90, 130, 118, 4))
    assert len(solution.tempo.segments) == 1
    assert worst(solution, targets) < 0.005


def test_a_finer_tolerance_asks_for_a_map_where_one_tempo_would_not_do():
    targets = targets_at(3.1, 9.27, 14.9, 21.2)
    coarse = solve(targets, 3, 30.0, Wish(84, 120, 100, 4), 0.040)
    fine = solve(targets, 3, 30.0, Wish(84, 120, 100, 4), 0.002)
    assert len(coarse.tempo.segments) == 1 < len(fine.tempo.segments)
    assert 0.002 < worst(coarse, targets) <= 0.040
    assert worst(fine, targets) < 1e-9


def test_targets_that_no_tempo_meets_bend_it_by_three_percent_at_most_and_without_a_step():
    targets = targets_at(*LAYOUT)
    solution = solve(targets, 4, 45.0, Wish(84, 120, 100, 4))
    tempo = solution.tempo
    assert any(segment.bpm_per_s for segment in tempo.segments)
    assert worst(solution, targets) < 1e-9
    assert len(solution.met) + len(solution.missed) == len(targets)
    assert len(solution.met) >= 9
    assert 0.001 < worst_bend(tempo) <= MAX_BEND + 1e-9
    assert max(steps_of(tempo)) < 1e-9
    assert all(beat * 2 % 1 == 0 for _, beat in solution.met)
    assert tempo.place(dict(solution.met)[4])[0] == 0.0


def test_ramps_begin_and_end_on_half_beats_and_last_a_bar_at_most():
    tempo = solve(targets_at(*LAYOUT), 4, 45.0, Wish(84, 120, 100, 4)).tempo
    for segment, following in pairwise(tempo.segments):
        assert segment.start_beat * 2 % 1 == 0
        if segment.bpm_per_s:
            assert following.start_beat - segment.start_beat <= 4.0
    assert tempo.segments[-1].bpm == pytest.approx(tempo.segments[0].bpm)


def test_ramps_give_way_where_they_would_push_a_plateau_too_far():
    moments = [(5.0, 0.0), (8.0, 5.14), (11.0, 10.0)]
    base = 100.0
    free = TempoMap(segments=segments_for(moments, base, 4, 0.5))
    tight = TempoMap(segments=segments_for(moments, base, 4, 0.029))
    assert worst_bend(free) > 0.03
    assert worst_bend(tight) <= 0.029
    for tempo in (free, tight):
        assert all(abs(tempo.seconds(beat) - seconds) < 1e-9 for seconds, beat in moments)


def test_the_main_target_survives_where_others_must_go():
    targets = [Target(10.0 + 0.21 * step, 0.3) for step in range(30)]
    targets[17] = Target(targets[17].seconds, 0.31)
    solution = solve(targets, 17, 40.0, Wish(80, 100, 90, 4), 0.005)
    assert 17 in dict(solution.met)
    assert len(solution.missed) > 5
    for index, error in solution.missed:
        nearest = round(2 * solution.tempo.beat(targets[index].seconds)) / 2
        assert solution.tempo.seconds(nearest) == pytest.approx(targets[index].seconds + error)
        assert abs(error) > 0.005


def test_a_held_tempo_bends_by_one_percent_at_most_and_tells_what_it_misses():
    targets = targets_at(2.13, 5.71, 9.02, 13.37, 15.9)
    solution = solve(targets, 0, 30.0, Wish(97.3, 97.3, 97.3, 4, held=True), 0.01)
    assert worst_bend(solution.tempo, 97.3) <= HELD_BEND + 1e-9
    assert solution.missed
    assert worst(solution, targets) <= 0.01
    alone = solve(targets[:1], 0, 30.0, Wish(97.3, 97.3, 97.3, 4, held=True), 0.01)
    assert [segment.bpm for segment in alone.tempo.segments] == [97.3]


def test_a_held_target_that_no_beat_meets_is_met_between_beats():
    targets = targets_at(2.13, 5.71, 5.78, 5.85, 13.37, held=True)
    solution = solve(targets, 1, 30.0, Wish(97.3, 97.3, 97.3, 4, held=True), 0.01)
    assert [index for index, _ in solution.met] == [0, 1, 2, 3, 4]
    assert worst(solution, targets) < 0.0101
    assert worst_bend(solution.tempo, 97.3) <= HELD_BEND + 1e-9


def test_strong_targets_become_downbeats_by_an_odd_bar_and_the_tempo_stays_near():
    # 21 beats lie between these at 100 BPM: five bars and one beat.
    targets = targets_at(6.0, 18.6)
    solution = solve(targets, 1, 30.0, Wish(98, 102, 100, 4))
    beats = dict(solution.met)
    assert beats[1] - beats[0] == 21.0
    assert [solution.tempo.place(beat)[0] for beat in beats.values()] == [0.0, 0.0]
    lengths = [bar.beats for bar in solution.tempo.bar_lines(beats[0], beats[1])]
    assert lengths == [4, 4, 4, 4, 5]
    assert worst_bend(solution.tempo, 100.0) < 0.02


def test_held_bars_begin_where_they_are_held():
    targets = [
        Target(3.0, 0.0, True, 5),
        Target(10.03, 0.7),
        Target(13.2, 0.0, True, 9),
        Target(19.8, 0.0, True, 12),
    ]
    solution = solve(targets, 1, 30.0, Wish(80, 120, 92, 4), 0.01)
    beats = dict(solution.met)
    for index in (0, 2, 3):
        bar = solution.tempo.bar_at(beats[index])
        assert (bar.number, bar.beat) == (targets[index].bar, beats[index])
        assert solution.tempo.seconds(beats[index]) == pytest.approx(targets[index].seconds)


def test_held_bars_too_short_for_the_metre_get_shorter_ones():
    targets = [Target(2.0, 0.0, True, 1), Target(14.0, 0.0, True, 11)]
    tempo = solve(targets, 0, 30.0, Wish(88, 118, 100, 4)).tempo
    assert tempo.bar_at(tempo.beat(14.0) + 1e-6).number == 11
    assert all(2 <= bar.beats <= 3 for bar in tempo.bar_lines(tempo.beat(2.0), tempo.beat(13.9)))


def test_the_tempo_is_a_whole_number_of_microseconds_a_beat():
    tempo = solve(targets_at(3.3, 8.8), 0, 20.0, Wish(70, 110, 88, 3)).tempo
    assert 60e6 / tempo.segments[0].bpm == pytest.approx(round(60e6 / tempo.segments[0].bpm))


@settings(max_examples=60, deadline=None)
@example([0, 166], 3, 1, False)
@given(
    st.lists(st.integers(0, 1439), min_size=1, max_size=14, unique=True),
    st.sampled_from((3, 4)),
    st.integers(0, 13),
    st.booleans(),
)
def test_beat_zero_lies_in_the_first_bar_and_time_runs_forwards(frames, metre, main, held):
    seconds = sorted(frame / 24 for frame in frames)
    targets = targets_at(*seconds, held=held)
    main %= len(targets)
    solution = solve(targets, main, 60.0, Wish(72, 126, 95, metre))
    tempo = solution.tempo
    assert tempo.seconds(0.0) >= -1e-6
    assert tempo.beat(0.0) > -metre - 1e-6
    times = np.array([tempo.seconds(float(beat)) for beat in np.arange(-metre, 150, 0.25)])
    assert np.all(np.diff(times) > 0)
    assert all(math.isclose(tempo.beat(tempo.seconds(b)), b, abs_tol=1e-6) for b in range(100))
    assert worst(solution, targets) <= 0.0401
    assert tempo.place(dict(solution.met)[main])[0] == pytest.approx(0.0, abs=1e-9)
    assert not (held and solution.missed)
    assert worst_bend(tempo) <= MAX_BEND + 1e-9
    assert all(40 < bpm < 200 for pair in tempi_of(tempo) for bpm in pair)
