"""What is measured without models, of sounds whose tempo, key and level are known."""

from __future__ import annotations

import msgspec
import numpy as np
import pyloudnorm
import pytest

from musiscene_core.codec import read_json, to_json
from musiscene_core.cue import HitResult
from musiscene_core.errors import InputError, MediaError
from musiscene_core.take import Take
from musiscene_training.evaluate.music.measured import (
    Wanted,
    asked_in,
    key_score,
    measured,
    wanted_of,
)
from musiscene_training.evaluate.music.sounds import Clip, clips_in, windows_of
from tests.support.made_music import RATE, chords, make_music
from tests.support.make_media import make_sound
from tests.support.take_library import make_take


def test_tempo_key_and_level_are_heard_and_held_against_what_was_asked(tmp_path):
    sound = chords(12, 220, True, 100, 0)
    clip = Clip("a", make_sound(tmp_path / "a.wav", sound, rate=RATE))
    found = measured(clip, Wanted(tempo_bpm=101, tonic=0, mode="major", lufs=-20.0))
    level = pyloudnorm.Meter(RATE).integrated_loudness(sound.T.astype(np.float64))
    assert found.lufs == pytest.approx(level, abs=0.15)
    assert found.lufs_off == pytest.approx(found.lufs + 20, abs=0.01)
    highest = 20 * np.log10(np.abs(sound).max())
    assert highest - 0.2 < found.true_peak_dbtp < highest + 1.0
    assert found.tempo_agrees_octaves
    assert found.tempo_agrees == (abs(found.tempo_bpm - 101) < 4.05)
    assert found.key == "A minor"
    assert (found.key_wanted, found.key_score) == ("C major", 0.3)
    assert found.hits == 0


@pytest.mark.parametrize(
    ("caption", "wanted"),
    [
        ("A slow waltz at 96 BPM in D minor.", (96.0, 2, "minor")),
        ("Bright, 120.5 beats per minute, B-flat major", (120.5, 10, "major")),
        ("F♯ minor, dark", (None, 6, "minor")),
        ("music in a minor key", (None, None, None)),
        ("", (None, None, None)),
    ],
)
def test_what_words_ask_for_is_read(caption, wanted):
    assert asked_in(caption) == wanted


@pytest.mark.parametrize(
    ("wanted", "heard", "score"),
    [
        ((0, "major"), (0, "major"), 1.0),
        ((0, None), (0, "minor"), 1.0),
        ((0, "major"), (7, "major"), 0.5),
        ((0, "major"), (5, "major"), 0.5),
        ((0, "major"), (9, "minor"), 0.3),
        ((9, "minor"), (0, "major"), 0.3),
        ((0, "major"), (0, "minor"), 0.2),
        ((0, "major"), (2, "major"), 0.0),
        ((0, "major"), (7, "minor"), 0.0),
    ],
)
def test_keys_are_scored_as_in_mirex(wanted, heard, score):
    assert key_score(wanted, heard) == score


def test_windows_cover_a_sound_to_its_end(tmp_path):
    sound = np.linspace(-0.5, 0.5, 14_600, dtype=np.float32)
    clip = Clip("a", make_sound(tmp_path / "a.wav", sound[None], rate=16_000))
    whole = list(windows_of(clip, 16_000, 6400, 6400))
    # Less than half a window is left out; more is heard by a window that ends with the sound.
    assert [len(one) for one in whole] == [6400, 6400]
    assert np.allclose(whole[1], sound[6400:12_800], atol=1e-6)
    late = list(windows_of(clip, 16_000, 4000, 4000))
    assert len(late) == 4
    assert np.allclose(late[-1], sound[-4000:], atol=1e-6)
    assert [len(one) for one in windows_of(clip, 16_000, 16_000, 16_000)] == [len(sound)]
    overlapping = list(windows_of(clip, 16_000, 6400, 3200))
    assert np.allclose(overlapping[1], sound[3200:9600], atol=1e-6)


def test_folders_without_sounds_are_told_of(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        clips_in(tmp_path / "missing")
    (tmp_path / "notes.txt").write_text("no sound")
    with pytest.raises(InputError, match="no sounds"):
        clips_in(tmp_path)
    make_music(tmp_path, ["a"], seconds=0.5)
    (tmp_path / "a.mp3").write_bytes(b"another")
    with pytest.raises(InputError, match="two sounds named a"):
        clips_in(tmp_path)


@pytest.mark.parametrize("mix", ["../secret.wav", "/etc/hostname"])
def test_a_take_that_names_a_file_elsewhere_is_refused(tmp_path, mix):
    path = make_take(tmp_path, job="a") / "take.json"
    take = read_json(path, Take)
    path.write_bytes(to_json(msgspec.structs.replace(take, mix=mix)))
    with pytest.raises(InputError, match="lies elsewhere"):
        clips_in(tmp_path / "takes")


def test_a_take_says_what_it_was_asked_for_and_how_it_meets_its_hits(tmp_path):
    folder = make_take(tmp_path, job="a", caption="slow strings at 70 BPM", cue="1m1")
    hits = tuple(
        HitResult(frame=24, kind="cut", label="", beat=1.0, error_ms=error, error_frames=error / 40)
        for error in (-20.0, 60.0)
    )
    take = read_json(folder / "take.json", Take)
    (folder / "take.json").write_bytes(to_json(msgspec.structs.replace(take, hits=hits)))
    make_sound(folder / "mix.wav", chords(3, 220, False, 100, 0), rate=RATE)
    clip = clips_in(tmp_path / "takes")["a"]
    wanted = wanted_of(clip)
    assert (wanted.tempo_bpm, wanted.caption) == (70.0, "slow strings at 70 BPM")
    found = measured(clip, wanted)
    assert (found.hits, found.hit_error_ms, found.hit_error_frames) == (2, 40.0, 1.5)
    assert found.lufs_off == pytest.approx(found.lufs - wanted.lufs, abs=0.01)


def test_silence_and_damage_are_told_of(tmp_path):
    silent = make_sound(tmp_path / "a.wav", np.zeros((1, 16_000), np.float32), rate=16_000)
    with pytest.raises(MediaError, match="silent"):
        measured(Clip("a", silent), Wanted())
    torn = tmp_path / "b.wav"
    torn.write_bytes(b"RIFF\x00\x00")
    with pytest.raises(MediaError):
        measured(Clip("b", torn), Wanted())


def test_a_caption_counts_as_what_was_asked(tmp_path):
    clip = Clip("a", tmp_path / "a.wav")
    assert wanted_of(clip, "at 80 BPM in E minor") == Wanted(
        tempo_bpm=80.0, tonic=4, mode="minor", caption="at 80 BPM in E minor"
    )
    assert wanted_of(clip, "Dark music. The temp track runs at 160 BPM.").tempo_bpm is None
