"""Which rows a step sees and how they lie side by side; no torch is needed to know."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musiscene_core.errors import RequestError
from musiscene_training.adapter.planning import Schedule, packs, rate_at
from musiscene_training.adapter.settings import settings_for


@given(st.integers(1, 60), st.integers(1, 20), st.integers(0, 9))
def test_every_epoch_sees_every_row_once_in_another_order(rows, batch, seed):
    schedule = Schedule(rows, batch, epochs=3, seed=seed)
    orders = []
    for epoch in range(3):
        steps = range(epoch * schedule.steps_an_epoch, (epoch + 1) * schedule.steps_an_epoch)
        seen = [row for step in steps for row in schedule.rows_of(step)]
        assert sorted(seen) == list(range(rows))
        assert {schedule.epoch(step) for step in steps} == {epoch}
        assert [schedule.ends_epoch(step) for step in steps] == [False] * (len(steps) - 1) + [True]
        orders.append(seen)
    if rows > 20:
        assert len({tuple(order) for order in orders}) == 3


@given(
    st.lists(st.integers(1, 300), min_size=1, max_size=60),
    st.integers(1, 1000),
    st.integers(1, 5),
)
def test_packs_hold_every_row_once_within_the_limit_and_as_many_for_each_process(
    lengths, most, processes
):
    made = packs(lengths, most, processes)
    assert sorted(row for pack in made for row in pack) == list(range(len(lengths)))
    assert len(made) % processes == 0
    for pack in made:
        assert len(pack) <= 1 or sum(lengths[row] for row in pack) <= most


def test_packs_are_filled_alike():
    made = packs([100, 90, 80, 30, 20, 10, 10], 400, 2)
    assert sorted(sum([100, 90, 80, 30, 20, 10, 10][row] for row in pack) for pack in made) == [
        170,
        170,
    ]


def test_the_rate_rises_in_a_line_and_falls_as_half_a_cosine_to_nothing():
    assert rate_at(0, 20, 1, 8e-4) == 0
    assert rate_at(0.5, 20, 1, 8e-4) == pytest.approx(4e-4)
    assert rate_at(1, 20, 1, 8e-4) == pytest.approx(8e-4)
    assert rate_at(10.5, 20, 1, 8e-4) == pytest.approx(4e-4)
    assert rate_at(20, 20, 1, 8e-4) == pytest.approx(0, abs=1e-12)
    assert rate_at(0, 1, 0, 8e-4) == pytest.approx(8e-4)


def test_phases_begin_with_the_published_numbers():
    finetune, pretrain = settings_for("finetune", {}), settings_for("pretrain", {})
    assert (finetune.epochs, finetune.batch, finetune.most_tokens) == (20, 32, 512)
    assert finetune.peak_rate == pytest.approx(1.25e-4)
    assert (pretrain.epochs, pretrain.batch, pretrain.most_tokens) == (150, 4, 96)
    assert settings_for("msi", {"rate": 1e-5}).peak_rate == 1e-5


@pytest.mark.parametrize(
    "numbers", [{"epochs": 0}, {"batch": -1}, {"rank": 0}, {"linears": ["lm_head"]}, {"seed": -1}]
)
def test_settings_that_make_no_sense_are_refused_by_name(numbers):
    with pytest.raises(RequestError, match=next(iter(numbers))):
        settings_for("house", numbers)
