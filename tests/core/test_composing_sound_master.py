from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import scipy.signal

from musiscene_core.brief import DialogueRegion
from musiscene_core.composing.sound.channel import STRIP_BLOCK, STRIPS, StripRunner
from musiscene_core.composing.sound.ducking import Ducker, duck_depth
from musiscene_core.composing.sound.filters import butterworth_band
from musiscene_core.composing.sound.limiter import limiter_gain_db
from musiscene_core.composing.sound.master import MIX, master
from musiscene_core.composing.sound.spill import Spill
from musiscene_core.composing.sound.truepeak import REACH, block_peaks
from musiscene_core.cue import StemRole
from musiscene_core.timecode import SAMPLE_RATE
from tests.support.sound_measures import level_db


def _stripped(stem: np.ndarray, role: StemRole) -> np.ndarray:
    runner = StripRunner(STRIPS[role])
    blocks = range(0, stem.shape[1], STRIP_BLOCK)
    return np.concatenate([runner.run(stem[:, at : at + STRIP_BLOCK]) for at in blocks], axis=1)


def _ducked(stem: np.ndarray, speech: Sequence[DialogueRegion], block: int = 48_000) -> np.ndarray:
    ducker, whole = Ducker(speech, stem.shape[1]), stem.copy()
    for first in range(0, stem.shape[1], block):
        ducker.run(whole[:, first : first + block], first)
    return whole


def _sine(hertz: float, seconds: float, level: float = 0.5) -> np.ndarray:
    wave = level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE)
    return np.stack([wave, wave]).astype(np.float32)


def test_true_peak_finds_what_lies_between_samples() -> None:
    # At a quarter of the rate and 45 degrees every sample is 0.707 of the wave's peak.
    wave = np.sin(2 * np.pi * 0.25 * np.arange(4800) + np.pi / 4)
    signal = np.stack([wave, wave]).astype(np.float32)
    padded = np.pad(signal, ((0, 0), (REACH, REACH)))
    inner = block_peaks(padded, 0.0)[5:-5]
    assert np.abs(signal).max() < 0.708
    assert inner == pytest.approx(np.ones_like(inner), abs=0.01)


def test_true_peak_agrees_with_resampling_everywhere_it_matters() -> None:
    random = np.random.default_rng(4)
    signal = random.standard_normal((2, 5_000)).astype(np.float32)
    found = block_peaks(np.pad(signal, ((0, 0), (REACH, REACH))), 0.0)
    oversampled = np.abs(scipy.signal.resample_poly(signal, 4, 1, axis=1)).max(axis=0)
    expected = np.maximum.reduceat(oversampled, np.arange(0, 20_000, 192))
    assert found == pytest.approx(expected, rel=1e-4)
    quick = block_peaks(np.pad(signal, ((0, 0), (REACH, REACH))), 0.8 * expected.max())
    assert quick.max() == pytest.approx(expected.max(), rel=1e-4)


def test_the_limiter_brings_every_block_under_the_ceiling_and_no_more_than_it_must() -> None:
    random = np.random.default_rng(5)
    peaks_db = random.normal(-12.0, 5.0, 4000)
    gain = limiter_gain_db(peaks_db, -6.0)
    assert gain.shape == (4001,)
    assert (np.maximum(gain[:-1], gain[1:]) + peaks_db <= -6.0 + 1e-9).all()
    assert gain.min() >= -6.0 - peaks_db.max() - 1e-9
    assert np.abs(np.diff(gain)).max() <= 0.71


def test_the_limiter_leaves_what_is_below_the_ceiling_alone() -> None:
    peaks_db = np.full(2000, -20.0)
    assert not limiter_gain_db(peaks_db, -6.0).any()
    peaks_db[1000] = -2.0
    gain = limiter_gain_db(peaks_db, -6.0)
    assert gain[1000] == pytest.approx(-4.0)
    assert not gain[:950].any()
    assert not gain[1300:].any()


@pytest.mark.parametrize(("hertz", "depth_db"), [(150.0, -5.0), (2000.0, -8.5), (12_000.0, -5.0)])
def test_ducking_is_deepest_where_speech_lives(hertz: float, depth_db: float) -> None:
    plain = _sine(hertz, 4.0)
    stem = _ducked(plain, [DialogueRegion(start_s=1.0, end_s=2.5)])
    inside, before, after = slice(50_000, 118_000), slice(0, 40_000), slice(140_000, 192_000)
    assert level_db(stem[:, inside]) - level_db(plain[:, inside]) == pytest.approx(
        depth_db, abs=0.4
    )
    assert np.array_equal(stem[:, before], plain[:, before])
    assert np.array_equal(stem[:, after], plain[:, after])


def test_ducking_is_the_same_for_the_sum_as_for_its_parts() -> None:
    random = np.random.default_rng(6)
    one, two = random.standard_normal((2, 2, 96_000)).astype(np.float32)
    both, speech = one + two, [DialogueRegion(start_s=0.5, end_s=1.2)]
    parts = _ducked(one, speech) + _ducked(two, speech)
    assert np.abs(parts - _ducked(both, speech)).max() < 1e-5


def test_ducking_in_blocks_equals_ducking_at_once() -> None:
    stem = np.random.default_rng(8).standard_normal((2, 96_000)).astype(np.float32)
    speech = [DialogueRegion(start_s=0.5, end_s=1.2)]
    whole, pieced = (_ducked(stem, speech, block) for block in (96_000, 9_600))
    assert np.abs(whole - pieced).max() < 1e-5


def test_ducking_holds_through_short_pauses_and_moves_smoothly() -> None:
    speech = [DialogueRegion(start_s=1.0, end_s=2.0), DialogueRegion(start_s=2.05, end_s=3.0)]
    depth = duck_depth(speech, 5 * SAMPLE_RATE)
    assert depth[100:300].min() > 0.9
    assert depth[:84].max() == 0.0
    assert depth[341:].max() == 0.0
    assert np.abs(np.diff(depth)).max() < 0.15


@pytest.mark.parametrize("samples", [1, 500, 30_000, 700_001])
def test_the_strip_in_blocks_equals_one_long_convolution(samples: int) -> None:
    random = np.random.default_rng(7)
    stem = random.standard_normal((2, samples)).astype(np.float32)
    plain = stem
    stem = _stripped(plain, "harmony")
    impulse = np.zeros((2, 130_000), dtype=np.float32)
    impulse[0, 0] = 1.0
    impulse = _stripped(impulse, "harmony")
    # Left in: dry and hall on the left, hall alone on the right; the hall hears both sides alike.
    hall_right = impulse[1]
    impulse = np.zeros((2, 130_000), dtype=np.float32)
    impulse[1, 0] = 1.0
    impulse = _stripped(impulse, "harmony")
    right = scipy.signal.fftconvolve(plain[0], hall_right)[:samples]
    right += scipy.signal.fftconvolve(plain[1], impulse[1])[:samples]
    assert np.abs(stem[1] - right).max() < 2e-4


def test_the_hall_rings_about_two_seconds_after_a_pause_and_holds_no_bass() -> None:
    stem = np.zeros((2, 3 * SAMPLE_RATE), dtype=np.float32)
    stem[:, 0] = 1.0
    stem = _stripped(stem, "texture")
    assert np.abs(stem[0, 600:1100]).max() < 0.1 * np.abs(stem[0, 1150:4800]).max() + 1e-3
    tail = stem[:, 2400:]
    fall = level_db(tail[:, :9600]) - level_db(tail[:, 48_000:57_600])
    assert 60 / fall == pytest.approx(2.2, abs=0.5)
    spectrum = np.abs(np.fft.rfft(tail[0])) ** 2
    frequencies = np.fft.rfftfreq(tail.shape[1], 1 / SAMPLE_RATE)
    middle = spectrum[(frequencies > 300) & (frequencies < 3000)].mean()
    assert spectrum[frequencies < 60].mean() < 0.01 * middle
    assert spectrum[frequencies > 14_000].mean() < 0.01 * middle
    assert abs(np.corrcoef(tail)[0, 1]) < 0.3


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize(("low_hz", "high_hz"), [(180.0, 500.0), (3500.0, 6000.0)])
def test_the_hall_is_coloured_as_by_the_textbook_filter(
    order: int, low_hz: float, high_hz: float
) -> None:
    sections = scipy.signal.butter(
        order, (low_hz, high_hz), "bandpass", fs=SAMPLE_RATE, output="sos"
    )
    _, expected = scipy.signal.sosfreqz(sections, np.arange(2401) * 10.0, fs=SAMPLE_RATE)
    assert np.abs(butterworth_band(order, low_hz, high_hz, 4800) - expected).max() < 1e-9


def test_stems_that_cancel_past_full_scale_are_written_within_it_and_still_sum_to_the_mix(
    tmp_path: Path,
) -> None:
    samples = 3 * SAMPLE_RATE
    music, apart = _sine(330.0, 3.0, 0.3), _sine(97.0, 3.0, 6.0)
    sounds = {"percussion": music + apart, "bass": 0.1 * music, "melody": -apart}
    written = {name: np.zeros((2, samples), np.int64) for name in (*sounds, MIX)}

    def sink(name: str, first: int, values: np.ndarray) -> None:
        written[name][:, first : first + values.shape[1]] = values

    spills = {}
    with ThreadPoolExecutor(2) as threads:
        for name, sound in sounds.items():
            spills[name] = Spill(tmp_path, samples)
            spills[name].write(0, sound)
        master(spills, samples, -16.0, -1.0, sink, threads, lambda _: None)
        for spill in spills.values():
            spill.close()
    mix = written.pop(MIX)
    assert np.array_equal(sum(written.values()), mix)
    assert np.abs(mix).max() > 1 << 20
    # The first would be several times as loud as a file can hold.
    assert max(values.max() for values in written.values()) == (1 << 23) - 1
    assert min(values.min() for values in written.values()) == -(1 << 23)
