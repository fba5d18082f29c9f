"""The number of threads follows what else runs, and trials of the other number stay few."""

from __future__ import annotations

import random

import pytest

from musiscene_core.neural.pace import Pace

IDLE, BUSY = {1: 22.0, 2: 13.0}, {1: 26.0, 2: 36.0}
"""Milliseconds a step of MusicGen takes in one thread and in two, as measured."""


def _calls(pace: Pace, times: dict[int, float], count: int, noise: float = 0.0) -> list[int]:
    chance, used = random.Random(0), []
    for _ in range(count):
        used.append(pace.parts)
        pace.took(times[pace.parts] * (1 + noise * chance.uniform(-1, 1)))
    return used


def test_the_free_core_is_taken_after_a_few_calls_and_kept():
    used = _calls(Pace(1, 2), IDLE, 400)
    assert used[:4] == [1] * 4
    assert used[4:].count(2) > 0.95 * len(used[4:])


def test_where_all_cores_are_busy_the_other_number_is_hardly_tried():
    used = _calls(Pace(1, 2), BUSY, 400)
    assert 1 <= used.count(2) < 0.05 * len(used)


def test_another_program_that_begins_is_given_its_core_at_once():
    pace = Pace(1, 2)
    _calls(pace, IDLE, 200)
    used = _calls(pace, BUSY, 100)
    # The call in which it began, one in which one thread is tried, and rare trials later.
    assert used[:2] == [2, 1]
    assert used[2:].count(2) < 8


def test_when_it_ends_the_core_is_taken_again():
    pace = Pace(1, 2)
    _calls(pace, BUSY, 1000)
    assert _calls(pace, IDLE, 100)[-20:].count(2) >= 19


@pytest.mark.parametrize("times", [IDLE, BUSY])
def test_noise_of_a_fifth_leaves_the_faster_number_at_work_mostly(times):
    used = _calls(Pace(1, 2), times, 2000, noise=0.2)
    best = min(times, key=times.__getitem__)
    assert used.count(best) > 0.8 * len(used)


def test_a_chosen_number_stays():
    assert set(_calls(Pace(3, 3), {3: 5.0}, 300, noise=0.5)) == {3}
