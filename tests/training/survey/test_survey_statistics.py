"""The analysis of variance against other ways to the same figures."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import linalg, stats

from musiscene_training.survey.statistics import anova, pairs, summaries

# Row means 3, 4, 5, 4; column means 2, 4, 6; grand mean 4. Systems: 4 * (4 + 0 + 4) = 32. The
# residuals are 0 0 0, 0 0 0, 0 -1 1, 0 1 -1: their squares add up to 4, with 3 * 2 = 6 degrees.
BY_HAND = np.array([[1.0, 3.0, 5.0], [2.0, 4.0, 6.0], [3.0, 4.0, 8.0], [2.0, 5.0, 5.0]])


def drawn(listeners: int, systems: int, seed: int) -> np.ndarray:
    chance = np.random.default_rng(seed)
    own = chance.normal(60, 12, (listeners, 1))
    spread = chance.uniform(2, 15, systems)
    return own + np.arange(systems) * 3 + chance.normal(0, 1, (listeners, systems)) * spread


def by_linear_models(table: np.ndarray) -> tuple[float, float]:
    """F and p of two nested least-squares fits: listeners alone, and with systems."""
    n, k = table.shape
    listener, system = np.repeat(np.eye(n), k, axis=0), np.tile(np.eye(k), (n, 1))
    values = table.ravel()
    rests = []
    for design in (listener, np.hstack([listener, system])):
        found = np.linalg.lstsq(design, values, rcond=None)[0]
        rests.append(((values - design @ found) ** 2).sum())
    more, less = k - 1, n * k - n - k + 1
    f = ((rests[0] - rests[1]) / more) / (rests[1] / less)
    return f, stats.f.sf(f, more, less)


def by_contrasts(table: np.ndarray) -> float:
    """Epsilon from the eigenvalues of orthonormal contrasts' covariance."""
    k = table.shape[1]
    contrasts = linalg.helmert(k)
    values = linalg.eigvalsh(contrasts @ np.cov(table, rowvar=False) @ contrasts.T)
    return values.sum() ** 2 / ((k - 1) * (values**2).sum())


def test_a_case_worked_by_hand():
    found = anova(BY_HAND)
    assert found is not None
    assert (found.df_systems, found.df_error) == (2, 6)
    assert found.f == pytest.approx((32 / 2) / (4 / 6))
    assert found.eta_squared == pytest.approx(32 / 36)
    assert found.p == pytest.approx((1 + found.f * 2 / 6) ** -3)


@pytest.mark.parametrize(("listeners", "systems"), [(2, 3), (7, 2), (12, 4), (68, 3)])
def test_it_agrees_with_nested_linear_models_and_with_contrasts(listeners, systems):
    table = drawn(listeners, systems, seed=listeners)
    found = anova(table)
    assert found is not None
    f, p = by_linear_models(table)
    assert found.f == pytest.approx(f)
    assert found.p == pytest.approx(p)
    epsilon = by_contrasts(table)
    assert found.epsilon == pytest.approx(epsilon)
    assert found.p_corrected == pytest.approx(
        stats.f.sf(f, (systems - 1) * epsilon, (systems - 1) * (listeners - 1) * epsilon)
    )
    assert found.p_corrected >= found.p or found.f < 1


def test_with_two_systems_it_is_the_paired_t_test():
    table = drawn(9, 2, seed=1)
    t, p = stats.ttest_rel(table[:, 0], table[:, 1])
    found = anova(table)
    assert found is not None
    assert (found.f, found.p, found.epsilon) == pytest.approx((t**2, p, 1.0))
    (pair,) = pairs(table)
    assert pair.p == pytest.approx(p)
    interval = stats.ttest_rel(table[:, 0], table[:, 1]).confidence_interval(0.95)
    assert (pair.difference - pair.ci, pair.difference + pair.ci) == pytest.approx(interval)
    # With two systems the within-subject intervals are those of the difference, over root two.
    assert summaries(table)[0].within_ci == pytest.approx(pair.ci / np.sqrt(2))


def test_what_listeners_differ_by_throughout_does_not_count():
    table = drawn(10, 3, seed=2)
    shifted = table + np.linspace(-30, 30, 10)[:, None]
    one, other = anova(table), anova(shifted)
    assert one is not None
    assert other is not None
    assert one.f == pytest.approx(other.f)
    for before, after in zip(summaries(table), summaries(shifted), strict=True):
        assert before.within_ci == pytest.approx(after.within_ci)
        assert before.sd is not None
        assert after.sd is not None


def test_intervals_of_the_mean_are_students():
    table = drawn(8, 3, seed=3)
    for column, found in zip(table.T, summaries(table), strict=True):
        low, high = stats.t.interval(0.95, 7, column.mean(), stats.sem(column))
        assert (found.mean - found.ci, found.mean + found.ci) == pytest.approx((low, high))


def test_holm_corrects_each_pair_for_those_not_yet_refused():
    table = drawn(15, 3, seed=4)
    single = [
        stats.ttest_rel(table[:, one], table[:, other]).pvalue
        for one, other in ((0, 1), (0, 2), (1, 2))
    ]
    smallest, middle, largest = np.argsort(single)
    corrected = [pair.p for pair in pairs(table)]
    assert corrected[smallest] == pytest.approx(min(1, 3 * single[smallest]))
    assert corrected[middle] == pytest.approx(min(1, max(3 * single[smallest], 2 * single[middle])))
    assert corrected[largest] == pytest.approx(max(corrected[middle], single[largest]), rel=1e-9)


def test_false_alarms_are_as_rare_as_they_say():
    chance = np.random.default_rng(5)
    tables = chance.normal(50, 10, (400, 12, 3)) + chance.normal(0, 20, (400, 12, 1))
    alarms = sum(found.p < 0.05 for table in tables if (found := anova(table)) is not None)
    assert 8 <= alarms <= 34


def test_one_listener_has_means_and_nothing_else():
    table = np.array([[70.0, 50.0, 20.0]])
    assert anova(table) is None
    assert pairs(table) == []
    assert [(one.mean, one.sd, one.ci, one.within_ci) for one in summaries(table)] == [
        (70.0, None, None, None),
        (50.0, None, None, None),
        (20.0, None, None, None),
    ]


def test_listeners_who_agree_exactly_leave_nothing_to_test_against():
    table = np.array([[10.0, 20.0, 30.0], [40.0, 50.0, 60.0]])
    assert anova(table) is None
    assert anova(np.full((3, 3), 50.0)) is None
    assert [pair.p for pair in pairs(np.full((3, 2), 50.0))] == [1.0]
