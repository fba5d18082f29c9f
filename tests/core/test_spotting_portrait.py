"""Music in a few numbers, and the words made of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from musiscene_core.brief import Curve, TempTrack
from musiscene_core.errors import MediaError, MediaOfflineError
from musiscene_core.feelings import PLACES
from musiscene_core.spotting import describe_sound as words
from musiscene_core.spotting.portrait import Portrait, portray
from tests.support import sounds
from tests.support.make_media import make_sound


def test_what_was_played_is_measured(tmp_path: Path) -> None:
    drums = sounds.drums(120, 20)[0] + sounds.cadences(9, "minor", 20.0)
    portrait = portray(sounds.written(tmp_path / "a.wav", drums), 0.0, 20.0)
    assert portrait.music.present
    assert portrait.music.tempo_bpm == pytest.approx(120, abs=0.5)
    assert (portrait.music.key, portrait.music.mode) == (9, "minor")
    # A kick or snare on each beat, a hat between, and a chord each second.
    assert portrait.onsets_per_s == pytest.approx(5.0, abs=0.3)
    assert portrait.length_s == 20.0


def test_brightness_and_loudness_follow_the_sound(tmp_path: Path) -> None:
    dark = sounds.tone(110, 4.0, level=0.02, harmonics=3)
    bright = sounds.tone(1760, 4.0, level=0.2, harmonics=4)
    low = portray(sounds.written(tmp_path / "low.wav", dark), 0.0, 4.0)
    high = portray(sounds.written(tmp_path / "high.wav", bright), 0.0, 4.0)
    assert low.brightness_hz < 400
    assert high.brightness_hz > 1700
    assert high.lufs - low.lufs > 15


def test_the_loudest_moment_is_told_in_file_time(tmp_path: Path) -> None:
    swelling = sounds.tone(220, 9.0) * np.linspace(0.01, 1.0, 9 * sounds.RATE, dtype=np.float32)
    path = sounds.written(tmp_path / "a.wav", swelling)
    portrait = portray(path, 3.0, 9.0)
    assert 5.0 <= portrait.peak_s <= 6.0
    assert "It grows louder, to its loudest at 0:08." in words.music_words(portrait, 3.0)


def plain(**music: object) -> Portrait:
    given = {"present": True, "energy": Curve(1.0, (0.5,) * 6), **music}
    return Portrait(
        length_s=6.0,
        music=TempTrack(**given),  # type: ignore[arg-type]
        lufs=-20.0,
        range_lu=3.0,
        brightness_hz=1000.0,
        onsets_per_s=3.0,
        peak_s=1.0,
    )


def test_the_words_say_only_what_is_sure() -> None:
    sure = plain(tempo_bpm=92.0, tempo_confidence=0.9, key=2, mode="major", key_confidence=0.8)
    assert words.music_words(sure) == (
        "Warm, lyrical music at 92 BPM in D major: balanced in colour, steadily played, "
        "of middling loudness (about -20 LUFS). It holds its level."
    )
    assert words.tempo_words(sure) == "About 92 beats a minute."
    unsure = plain(tempo_bpm=92.0, tempo_confidence=0.2, key=2, mode="major", key_confidence=0.1)
    assert "BPM" not in words.music_words(unsure)
    assert "D major" not in words.music_words(unsure)
    assert words.tempo_words(unsure) == "About 92 beats a minute, but that is not sure."
    assert words.tempo_words(plain()) == "No steady tempo is heard."


def test_no_music_is_no_mood_and_no_scene() -> None:
    noise = replace(plain(), music=TempTrack())
    assert words.music_words(noise).startswith("No music is heard")
    assert words.mood_words(noise) == "No music is heard, so no mood."
    assert words.scene_words(noise) == "No music is heard that would suit a scene."


def test_feelings_lie_where_they_should() -> None:
    fast = {"tempo_bpm": 160.0, "tempo_confidence": 1.0, "key": 0, "key_confidence": 1.0}
    slow = {**fast, "tempo_bpm": 60.0}
    loud = {"lufs": -11.0, "onsets_per_s": 7.0}
    soft = {"lufs": -32.0, "onsets_per_s": 0.5}
    assert words.feeling(replace(plain(**slow, mode="minor"), **soft)) == "sad"
    assert words.feeling(replace(plain(**fast, mode="minor"), **loud)) in ("scary", "anxious")
    assert words.feeling(replace(plain(**fast, mode="major"), **loud)) == "energising"
    assert words.feeling(replace(plain(**slow, mode="major"), **soft)) in ("calm", "beautiful")


def test_every_feeling_that_can_be_told_has_scenes() -> None:
    assert set(words.SCENES) == set(PLACES) - {"amusing", "annoying", "erotic", "indignant"}


def test_the_figures_behind_the_words_are_given() -> None:
    figures = dict(words.measured(plain(tempo_bpm=92.0, tempo_confidence=0.9)))
    assert (figures["tempo_bpm"], figures["loudness_lufs"]) == (92.0, -20.0)
    assert "key_confidence" not in figures


@pytest.mark.parametrize("rate", [8_000, 11_025, 44_100, 96_000])
def test_odd_rates_are_heard_alike(tmp_path: Path, rate: int) -> None:
    seconds = np.arange(round(6 * rate)) / rate
    samples = np.stack([0.2 * np.sin(2 * np.pi * 220 * seconds).astype(np.float32)])
    portrait = portray(make_sound(tmp_path / "a.wav", samples, rate=rate), 0.0, 6.0)
    assert portrait.music.present
    assert portrait.brightness_hz == pytest.approx(225, abs=30)


def test_six_channels_are_heard_together(tmp_path: Path) -> None:
    channels = np.zeros((6, 6 * 48_000), np.float32)
    channels[2] = 0.3 * np.sin(np.arange(6 * 48_000) * 2 * np.pi * 220 / 48_000)
    portrait = portray(make_sound(tmp_path / "a.wav", channels), 0.0, 6.0)
    assert portrait.music.present


def test_silence_a_blink_and_no_numbers_are_told_in_words(tmp_path: Path) -> None:
    silent = sounds.written(tmp_path / "silent.wav", sounds.silence(2.0))
    with pytest.raises(MediaError, match="is silent"):
        portray(silent, 0.0, 2.0)
    with pytest.raises(MediaError, match="too short to be described"):
        portray(silent, 0.0, 0.01)
    broken = sounds.tone(220, 2.0)
    broken[12_345] = np.nan
    with pytest.raises(MediaError, match="no numbers"):
        portray(sounds.written(tmp_path / "nan.wav", broken), 0.0, 2.0)
    with pytest.raises(MediaOfflineError):
        portray(tmp_path / "missing.wav", 0.0, 2.0)


def test_a_tenth_of_a_second_is_enough_to_say_something(tmp_path: Path) -> None:
    path = sounds.written(tmp_path / "short.wav", sounds.tone(220, 0.1))
    assert words.music_words(portray(path, 0.0, 0.1)).startswith("No music is heard")
