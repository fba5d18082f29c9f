"""Sound on its way to the encoder: any rate, layout and length, and nothing that is no music."""

from __future__ import annotations

import tracemalloc
from fractions import Fraction

import numpy as np
import pytest

from musiscene_core.captioning.mullama.config import CHUNK_S, SAMPLE_RATE
from musiscene_core.captioning.mullama.listening import file_chunks, sample_chunks
from musiscene_core.errors import MediaError
from tests.support.make_media import make_sound, tone


def sine(seconds, rate, hertz=440.0):
    return np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate).astype(np.float32)


@pytest.mark.parametrize("rate", [8_000, 11_025, 24_000, 44_100, 48_000, 96_001])
def test_any_rate_becomes_24_khz(rate):
    (chunk,) = sample_chunks(sine(2, rate), rate)
    assert abs(chunk.size - 2 * SAMPLE_RATE) <= 1
    middle = slice(SAMPLE_RATE // 2, SAMPLE_RATE)
    assert np.abs(chunk[middle] - sine(2, SAMPLE_RATE)[middle]).max() < 0.01


def test_six_channels_are_mixed_alike():
    channels = np.stack([sine(1, 24_000) * gain for gain in range(6)])
    (chunk,) = sample_chunks(channels, 24_000)
    assert np.allclose(chunk, sine(1, 24_000) * 2.5, atol=1e-6)


def test_whole_hears_every_chunk_and_legacy_the_first_minute():
    sound = sine(150, SAMPLE_RATE)
    assert [c.size / SAMPLE_RATE for c in sample_chunks(sound, SAMPLE_RATE)] == [60, 60, 30]
    (first,) = sample_chunks(sound, SAMPLE_RATE, "legacy")
    assert np.array_equal(first, sound[: CHUNK_S * SAMPLE_RATE])


def test_a_rest_too_short_to_hear_is_left_out():
    sound = sine(60.05, SAMPLE_RATE)
    assert [chunk.size for chunk in sample_chunks(sound, SAMPLE_RATE)] == [60 * SAMPLE_RATE]


@pytest.mark.parametrize(
    ("samples", "says"),
    [
        (np.zeros(0, np.float32), "too short"),
        (np.zeros((0, 100), np.float32), "too short"),
        (sine(0.01, 24_000), "too short"),
        (np.zeros(24_000, np.float32), "silent"),
        (np.full(24_000, 5e-5, np.float32), "silent"),
        (np.full(24_000, np.nan, np.float32), "no numbers"),
        (np.where(np.arange(24_000) == 9, np.inf, 0.5).astype(np.float32), "no numbers"),
    ],
)
def test_what_is_no_music_is_refused_with_what_to_do(samples, says):
    with pytest.raises(MediaError, match=says) as refused:
        list(sample_chunks(samples, 24_000))
    assert refused.value.hint


def test_music_after_a_silent_minute_is_heard():
    sound = np.concatenate([np.zeros(60 * SAMPLE_RATE, np.float32), sine(5, SAMPLE_RATE)])
    assert len(list(sample_chunks(sound, SAMPLE_RATE))) == 2


def test_a_file_is_heard_as_its_samples_are(tmp_path):
    sound = np.stack([sine(3, 48_000) * 0.5] * 2)
    path = make_sound(tmp_path / "music.wav", sound)
    (chunk,) = file_chunks(path, Fraction(0), Fraction(3))
    assert chunk.size == 3 * SAMPLE_RATE
    middle = slice(SAMPLE_RATE, 2 * SAMPLE_RATE)
    assert np.abs(chunk[middle] - 0.5 * sine(3, SAMPLE_RATE)[middle]).max() < 0.01


def test_a_file_with_samples_that_are_no_numbers_is_refused_by_name(tmp_path):
    sound = np.stack([sine(1, 44_100)] * 6)
    sound[2, 20_000] = np.nan
    path = make_sound(tmp_path / "broken.wav", sound, rate=44_100, codec="pcm_f32le")
    with pytest.raises(MediaError, match=r"broken\.wav holds samples that are no numbers"):
        list(file_chunks(path, Fraction(0), Fraction(1)))


def test_three_hours_of_a_file_need_the_memory_of_a_minute(tmp_path):
    path = make_sound(tmp_path / "short.wav", tone(48_000, 440))
    tracemalloc.start()
    sizes = [c.size for c in file_chunks(path, Fraction(0), Fraction(3 * 3600))]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(sizes) == 3 * 3600 * SAMPLE_RATE
    assert peak < 6 * CHUNK_S * SAMPLE_RATE * 4
