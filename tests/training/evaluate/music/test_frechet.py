"""The Fréchet distance, against scipy's matrix root and Gaussians whose distance is known."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg

from musiscene_core.errors import InputError
from musiscene_training.evaluate.music.frechet import distance, frechet, gaussian


def _clips(random, count, mean, spread, dimensions=4, windows=20):
    return [random.normal(size=(windows, dimensions)) * spread + mean for _ in range(count)]


def test_it_is_what_scipy_s_matrix_root_gives():
    random = np.random.default_rng(0)
    one = random.normal(size=(60, 12)) @ random.normal(size=(12, 12))
    other = random.normal(size=(45, 12)) @ random.normal(size=(12, 12)) + 0.7
    covariances = np.cov(one, rowvar=False), np.cov(other, rowvar=False)
    root = scipy.linalg.sqrtm(covariances[0] @ covariances[1]).real
    apart = one.mean(axis=0) - other.mean(axis=0)
    wanted = apart @ apart + np.trace(covariances[0] + covariances[1] - 2 * root)
    assert frechet(gaussian(one), gaussian(other)) == pytest.approx(wanted, rel=1e-9)


def test_it_is_right_by_hand():
    # One dimension: (m1 - m2)^2 + (s1 - s2)^2, of deviations 1 and 3 and means 0 and 4.
    one, other = np.array([[-1.0], [1.0]]), np.array([[1.0], [7.0]])
    deviations = np.sqrt(2) * np.array([1.0, 3.0])
    wanted = 4.0**2 + (deviations[0] - deviations[1]) ** 2
    assert frechet(gaussian(one), gaussian(other)) == pytest.approx(wanted)


def test_a_set_is_at_no_distance_from_itself_though_its_covariance_is_singular():
    few = np.random.default_rng(1).normal(size=(3, 8))
    assert frechet(gaussian(few), gaussian(few)) == pytest.approx(0.0, abs=1e-6)
    constant = np.ones((5, 8))
    assert frechet(gaussian(constant), gaussian(constant)) == 0.0


def test_the_endless_value_is_nearer_to_what_is_true_and_the_interval_holds_it():
    random = np.random.default_rng(2)
    # Means 0 and 1 in one of 16 dimensions, so that endless music has a distance of 1.
    far = np.eye(16)[0]
    reference = _clips(random, 100, 0.0, 1.0, 16)
    found = [distance(reference, _clips(random, 20, far, 1.0, 16, 5), 60) for _ in range(12)]
    assert np.mean([one.fad for one in found]) > 1.5
    assert abs(np.mean([one.endless for one in found]) - 1.0) < 0.25
    assert sum(one.low < 1.0 < one.high for one in found) >= 9
    more = distance(reference, _clips(random, 80, far, 1.0, 16, 5), 60)
    assert more.high - more.low < np.mean([one.high - one.low for one in found])
    assert (more.too_few, found[0].too_few) == (False, True)


def test_few_clips_and_few_windows_say_less():
    random = np.random.default_rng(3)
    found = distance(_clips(random, 4, 0, 1), _clips(random, 2, 0, 1, windows=2))
    assert (found.low, found.high, found.endless) == (None, None, None)
    assert found.too_few
    assert found.windows == (80, 4)


@pytest.mark.parametrize(
    ("windows", "said"),
    [
        (np.zeros((1, 3)), "two windows"),
        (np.array([[0.0, np.nan], [0.0, 1.0]]), "no number"),
        (np.array([[0.0, np.inf], [0.0, 1.0]]), "no number"),
    ],
)
def test_what_has_no_covariance_is_refused(windows, said):
    with pytest.raises(InputError, match=said):
        gaussian(windows)
