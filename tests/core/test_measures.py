"""Measures of a mix: known signals give known figures."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal

from musiscene_core.measures import OCTAVES_DB, loudness_range, measure, octave_balance
from musiscene_core.timecode import SAMPLE_RATE


def tone(hertz: float, seconds: float, level: float = 0.5) -> np.ndarray:
    time_s = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return level * np.sin(2 * np.pi * hertz * time_s)


def test_a_sine_has_a_crest_of_3_db_and_sides_alike_correlate_fully() -> None:
    mono = tone(997.0, 2.0)
    found = measure(np.stack([mono, mono]))
    assert found.crest_db == pytest.approx(3.01, abs=0.01)
    assert found.correlation == pytest.approx(1.0)
    assert measure(np.stack([mono, -mono])).correlation == pytest.approx(-1.0)
    assert measure(np.stack([mono, tone(1501.0, 2.0)])).correlation == pytest.approx(0, abs=0.01)


def test_the_loudness_range_of_two_levels_is_what_lies_between_them() -> None:
    # EBU Tech 3342, minimum requirements test 1: 20 s at -20, 20 s at -30 dBFS: 10 LU.
    steps = [tone(1000.0, 20.0, 10 ** (level / 20)) for level in (-20, -30)]
    both = np.stack([np.concatenate(steps)] * 2)
    assert loudness_range(both) == pytest.approx(10.0, abs=1.0)
    assert loudness_range(both[:, : 20 * SAMPLE_RATE]) == pytest.approx(0.0, abs=0.1)


def test_octaves_agree_with_welchs_method_in_scipy() -> None:
    random = np.random.default_rng(1)
    mix = np.cumsum(random.standard_normal((2, 100_001)), axis=1)
    hertz, power = scipy.signal.welch(mix, SAMPLE_RATE, nperseg=16_384, axis=-1)
    centres = 40.0 * 2.0 ** np.arange(9)
    expected = 10 * np.log10(
        [power[:, (hertz >= at / 2**0.5) & (hertz < at * 2**0.5)].sum() for at in centres]
    )
    assert octave_balance(mix) == pytest.approx(expected - expected.mean(), abs=1e-9)


def test_noise_shaped_like_the_reference_lies_on_it() -> None:
    random = np.random.default_rng(2)
    samples = 10 * SAMPLE_RATE
    spectra = np.fft.rfft(random.standard_normal((2, samples)))
    hertz = np.fft.rfftfreq(samples, 1 / SAMPLE_RATE)
    place = np.clip(np.rint(np.log2(np.maximum(hertz, 1) / 40.0)), 0, 8).astype(int)
    wanted = np.array(OCTAVES_DB)[place] - 3.01 * place
    mix = np.fft.irfft(spectra * 10 ** (wanted / 20))
    found = measure(mix)
    assert found.octaves_off_db < 0.5
    assert found.octaves_db == pytest.approx(OCTAVES_DB, abs=0.5)


def test_silence_and_what_is_shorter_than_a_window_have_figures_too() -> None:
    silent = measure(np.zeros((2, SAMPLE_RATE)))
    assert (silent.correlation, silent.lra_lu, silent.crest_db) == (1.0, 0.0, 0.0)
    assert measure(np.stack([tone(440.0, 0.4)] * 2)).lra_lu == 0.0
