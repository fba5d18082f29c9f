"""Filters as matrix products against the sample-by-sample recursion."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal

from musiscene_core.filtering import SectionFilter, filtered, product

SECTIONS = {
    "low corner": scipy.signal.butter(2, 28.0, "highpass", fs=48_000, output="sos"),
    "band": scipy.signal.butter(2, (1000.0, 4000.0), "bandpass", fs=48_000, output="sos"),
    "steep": scipy.signal.butter(6, 3000.0, "lowpass", fs=48_000, output="sos"),
}


def worst_db(found: np.ndarray, expected: np.ndarray) -> float:
    return float(20 * np.log10(np.abs(found - expected).max() / np.abs(expected).max() + 1e-15))


@pytest.mark.parametrize("name", SECTIONS)
@pytest.mark.parametrize("samples", [1, 47, 48, 20_001])
def test_it_is_the_recursion_to_the_last_bit_that_counts(name: str, samples: int) -> None:
    signal = np.random.default_rng(1).standard_normal((2, samples)) + 0.5
    expected = scipy.signal.sosfilt(SECTIONS[name], signal)
    assert worst_db(filtered(SECTIONS[name], signal), expected) < -200.0
    single = filtered(SECTIONS[name], signal.astype(np.float32))
    assert single.dtype == np.float32
    assert worst_db(single, expected) < -100.0


def test_pieces_join_without_a_seam() -> None:
    signal = np.random.default_rng(2).standard_normal((2, 9_600))
    filters = SectionFilter(SECTIONS["low corner"], 2)
    pieces = [filters.run(piece) for piece in np.split(signal, [48, 96, 4800], axis=1)]
    expected = scipy.signal.sosfilt(SECTIONS["low corner"], signal)
    assert worst_db(np.concatenate(pieces, axis=1), expected) < -200.0


def test_a_filter_forgets_and_silence_stays_silent() -> None:
    signal = np.zeros((1, 480_000), dtype=np.float32)
    assert not filtered(SECTIONS["low corner"], signal).any()
    signal[0, 0] = 1.0
    assert np.abs(filtered(SECTIONS["low corner"], signal)[0, 24_000:]).max() < 1e-12


@pytest.mark.parametrize("rows", [0, 1, 86, 10_000])
def test_a_product_in_portions_is_the_product(rows: int) -> None:
    random = np.random.default_rng(3)
    left, right = random.standard_normal((rows, 48)), random.standard_normal((48, 40))
    assert np.allclose(product(left, right), left @ right, rtol=0.0, atol=1e-12)
