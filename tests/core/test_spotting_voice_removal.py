"""Dialogue out of mixed sound: what is measured, what sums, and what stays as it was."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from musiscene_core.errors import CancelledError, MediaError
from musiscene_core.media import read_audio
from musiscene_core.media.wav import to_int24, write_wav
from musiscene_core.spotting.voice_removal import RATE, part_speech, write_music
from tests.support.shared_media import shared_media

SPANS = [(3.0, 5.0), (7.0, 8.0)]


def music(seconds: float) -> np.ndarray:
    """A wide chord: each note leans to a side of its own."""
    time = np.arange(round(seconds * RATE)) / RATE
    notes = [0.08 * np.sin(2 * np.pi * hertz * time + n) for n, hertz in enumerate((220, 277, 330))]
    sides = ((1.0, 0.3), (0.3, 1.0), (0.8, 0.6))
    return np.stack(
        [sum(side[c] * note for side, note in zip(sides, notes, strict=True)) for c in (0, 1)]
    ).astype(np.float32)


def speech(seconds: float) -> np.ndarray:
    """Bursts of a gliding voice in the middle, in SPANS alone."""
    time = np.arange(round(seconds * RATE)) / RATE
    phase = 2 * np.pi * np.cumsum(140 + 30 * np.sin(2 * np.pi * 0.9 * time)) / RATE
    voice = sum(np.sin(n * phase) / n for n in range(1, 20)) * np.abs(np.sin(2 * np.pi * 3 * time))
    spoken = np.zeros_like(time)
    for first, last in SPANS:
        spoken[(time >= first) & (time < last)] = 1.0
    return np.tile(0.15 * voice * spoken, (2, 1)).astype(np.float32)


def sdr(found: np.ndarray, wanted: np.ndarray) -> float:
    """Signal to distortion within SPANS in dB."""
    parts = [slice(round(a * RATE), round(b * RATE)) for a, b in SPANS]
    noise = sum(float(((found - wanted)[:, part] ** 2).sum()) for part in parts)
    return 10 * np.log10(sum(float((wanted[:, part] ** 2).sum()) for part in parts) / noise)


@pytest.fixture(scope="module")
def parts() -> tuple[np.ndarray, np.ndarray]:
    return speech(10.0), music(10.0)


@pytest.mark.parametrize("channels", [1, 2])
def test_both_come_out_cleaner_and_sum_to_what_was_given(
    parts: tuple[np.ndarray, np.ndarray], channels: int
) -> None:
    said, played = (part[:channels] for part in parts)
    mixed = said + played
    speech_found, music_found = part_speech(mixed, RATE, SPANS)
    np.testing.assert_allclose(speech_found + music_found, mixed, atol=1e-6)
    assert sdr(music_found, played) > sdr(mixed, played) + 8
    assert sdr(speech_found, said) > sdr(mixed, said) + 3


def test_nothing_is_touched_where_nobody_speaks(parts: tuple[np.ndarray, np.ndarray]) -> None:
    mixed = parts[0] + parts[1]
    _, found = part_speech(mixed, RATE, SPANS)
    apart = slice(round(5.2 * RATE), round(6.8 * RATE))
    np.testing.assert_allclose(found[:, apart], mixed[:, apart], atol=1e-6)
    np.testing.assert_array_equal(part_speech(mixed, RATE, [])[1], mixed)
    short = mixed[:, :100]
    np.testing.assert_array_equal(part_speech(short, RATE, [(0.0, 1.0)])[1], short)


def test_speech_from_end_to_end_leaves_the_sum_and_no_nonsense() -> None:
    said = speech(10.0)
    found, rest = part_speech(said, RATE, [(0.0, 10.0)])
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found + rest, said, atol=1e-6)


def test_a_file_is_parted_as_its_samples_are(
    tmp_path: Path, parts: tuple[np.ndarray, np.ndarray]
) -> None:
    mixed = parts[0] + parts[1]
    source, target = tmp_path / "mixed.wav", tmp_path / "music.wav"
    write_wav(source, to_int24(mixed))
    write_music(source, 1.0, 9.5, [(0.2, 0.8), *SPANS], target)
    found = read_audio(target, Fraction(0), Fraction(17, 2), sample_rate=RATE, channels=2)
    assert found.shape == (2, round(8.5 * RATE))
    played = parts[1][:, RATE : round(9.5 * RATE)]
    whole, wanted = np.zeros((2, 10 * RATE), "f4"), np.zeros((2, 10 * RATE), "f4")
    whole[:, RATE : round(9.5 * RATE)], wanted[:, RATE : round(9.5 * RATE)] = found, played
    assert sdr(whole, wanted) > sdr(mixed, parts[1]) + 8
    quiet = slice(round(4.2 * RATE), round(5.8 * RATE))
    np.testing.assert_allclose(found[:, quiet], mixed[:, RATE:][:, quiet], atol=1e-4)


def test_what_cannot_be_read_or_is_stopped_leaves_no_file(tmp_path: Path) -> None:
    source, target = tmp_path / "mixed.wav", tmp_path / "music.wav"
    source.write_bytes(b"RIFF" + bytes(40))
    with pytest.raises(MediaError):
        write_music(source, 0.0, 2.0, [(0.5, 1.0)], target)
    write_wav(source, to_int24(music(2.0)))

    def stop(_stage: str, _fraction: float) -> None:
        raise CancelledError("stopped")

    with pytest.raises(CancelledError):
        write_music(source, 0.0, 2.0, [(0.5, 1.0)], target, progress=stop)
    assert list(tmp_path.iterdir()) == [source]


def test_real_dialogue_leaves_real_music() -> None:
    truth = json.loads(shared_media("reel_24.json").read_text())["dialogue"]
    spans = [(line["start_s"], line["end_s"]) for line in truth][:2]
    said, played = (
        read_audio(shared_media(name), Fraction(0), Fraction(16), sample_rate=RATE, channels=2)
        for name in ("reel_24_dialogue.flac", "reel_24_temp_music.flac")
    )
    _, found = part_speech(said + played, RATE, spans)
    parts = [slice(round(a * RATE), round(b * RATE)) for a, b in spans]

    def error(sound: np.ndarray) -> float:
        return sum(float(((sound - played)[:, part] ** 2).sum()) for part in parts)

    assert 10 * np.log10(error(said + played) / error(found)) > 6
