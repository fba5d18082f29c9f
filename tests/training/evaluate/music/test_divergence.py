"""KL, against scipy and by hand."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.special
import scipy.stats

from musiscene_core.errors import InputError
from musiscene_training.evaluate.music.divergence import divergence, opinion


def test_it_is_what_scipy_s_entropy_gives():
    random = np.random.default_rng(0)
    one, other = (random.dirichlet(np.full(20, 10.0)) for _ in range(2))
    found = divergence(one, other)
    assert found.pq == pytest.approx(scipy.stats.entropy(one, other), abs=1e-4)
    assert found.qp == pytest.approx(scipy.stats.entropy(other, one), abs=1e-4)
    assert found.both == found.pq + found.qp


def test_it_is_right_by_hand_and_finite_where_nothing_is_expected():
    half, sure = np.array([0.5, 0.5, 0.0]), np.array([1.0, 0.0, 0.0])
    found = divergence(half, sure)
    # 0.5 log 0.5 + 0.5 log(0.5 / 1e-6), and log(1 / 0.5) the other way.
    assert found.pq == pytest.approx(0.5 * np.log(0.5) + 0.5 * np.log(0.5 / 1e-6), abs=1e-5)
    assert found.qp == pytest.approx(np.log(2), abs=1e-5)
    assert divergence(sure, sure).pq == pytest.approx(0.0, abs=2e-6)


def test_an_opinion_is_the_mean_of_softmaxes():
    logits = np.array([[0.0, 0.0], [1000.0, 0.0]])
    assert opinion(logits).tolist() == [0.75, 0.25]
    random = np.random.default_rng(1).normal(size=(3, 5))
    assert opinion(random) == pytest.approx(scipy.special.softmax(random, axis=1).mean(axis=0))
    with pytest.raises(InputError, match="no number"):
        opinion(np.array([[np.nan, 0.0]]))
