"""Temp-track analysis as a whole, on sound with and without music."""

from __future__ import annotations

import numpy as np
import pytest

from musiscene_core.brief import DialogueRegion, TempTrack
from musiscene_core.spotting import temp_track
from musiscene_core.spotting.temp_track import MusicListener, describe
from tests.support import sounds
from tests.support.shared_media import shared_media


def described(
    samples: np.ndarray, speech: tuple[DialogueRegion, ...] = (), *, mixed: bool = True
) -> TempTrack:
    listener = MusicListener(sounds.RATE)
    for start in range(0, len(samples), 80_000):
        listener.push(samples[start : start + 80_000])
    return describe(listener.finish(), speech, mixed=mixed)


def hum(seconds: float) -> np.ndarray:
    return sum(sounds.tone(50.0 * n, seconds, 0.1 / n, 1) for n in range(1, 9))


def test_chords_over_drums_are_described() -> None:
    drums, beats = sounds.drums(120, 20.0)
    track = described(drums + sounds.cadences(3, "minor", 20.0))
    assert track.present
    assert track.tempo_bpm == pytest.approx(120, rel=0.01)
    assert track.tempo_confidence > 0.5
    assert sounds.f_measure(track.beats_s, beats) > 0.95
    assert (track.key, track.mode) == (3, "minor")
    assert track.key_confidence > 0.3
    assert track.energy.mean(1, 19) > 0.7


def test_drums_alone_are_music_without_a_key() -> None:
    track = described(sounds.drums(110, 15.0)[0])
    assert track.present
    assert track.tempo_bpm == pytest.approx(110, rel=0.01)
    assert track.key is None
    assert track.mode is None
    assert track.key_confidence == 0.0


def test_a_held_chord_on_a_music_track_has_a_key_but_no_tempo() -> None:
    pad = sum(sounds.tone(hertz, 12.0, 0.05) for hertz in (220.0, 277.18, 329.63))
    track = described(pad, mixed=False)
    assert track.present
    assert (track.key, track.mode) == (9, "major")
    assert (track.tempo_bpm, track.beats_s) == (0.0, ())


@pytest.mark.parametrize(
    "samples",
    [
        sounds.silence(10.0),
        np.full(160_000, 0.5, np.float32),
        sounds.noise(10.0),
        sounds.noise(10.0, 1e-5),
        hum(10.0),
        sounds.silence(1 / sounds.RATE),
        np.zeros(0, np.float32),
    ],
    ids=["silence", "direct current", "noise", "faint noise", "hum", "one sample", "nothing"],
)
def test_what_is_no_music_is_not_taken_for_any(samples: np.ndarray) -> None:
    track = described(samples)
    assert not track.present
    assert (track.tempo_bpm, track.beats_s, track.key) == (0.0, (), None)


def test_footsteps_are_no_music() -> None:
    generator = np.random.default_rng(4)
    steps = [
        (time + generator.normal(0, 0.06), sounds.noise(0.05, 0.3, seed=number))
        for number, time in enumerate(np.arange(0.5, 19, 0.55))
    ]
    assert not described(sounds.placed(20.0, steps)).present


def test_beats_lie_only_where_the_music_is() -> None:
    music = sounds.cadences(5, "minor", 10.0, chord_s=0.5)
    track = described(np.concatenate([sounds.noise(10.0, 0.005), music]))
    assert track.present
    assert track.tempo_bpm == pytest.approx(120, rel=0.01)
    assert min(track.beats_s) > 7.5
    assert (
        sounds.f_measure([b for b in track.beats_s if b > 9.9], list(np.arange(10, 20, 0.5))) > 0.9
    )


def test_speech_in_the_same_recording_is_left_out() -> None:
    music = 0.3 * (sounds.cadences(7, "major", 16.0) + sounds.drums(90, 16.0)[0])
    loud = sounds.tone(466.16, 4.0, 0.4) + sounds.noise(4.0, 0.2)
    both = music + sounds.placed(16.0, [(6.0, loud)])
    speech = (DialogueRegion(start_s=6.0, end_s=10.0),)
    track = described(both, speech)
    plain = described(music)
    assert (track.key, track.mode) == (plain.key, plain.mode) == (7, "major")
    assert track.tempo_bpm == pytest.approx(plain.tempo_bpm, rel=0.01)
    assert track.energy.mean(6.5, 9.5) == pytest.approx(plain.energy.mean(6.5, 9.5), abs=0.06)
    assert described(both).energy.mean(6.5, 9.5) > track.energy.mean(6.5, 9.5) + 0.1


def test_what_lies_beyond_the_longest_stretch_only_counts_for_energy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(temp_track, "LONGEST_S", 10)
    music = np.concatenate([sounds.drums(120, 10.0)[0], sounds.drums(95, 10.0)[0]])
    track = described(music)
    assert track.tempo_bpm == pytest.approx(120, rel=0.01)
    assert max(track.beats_s) < 10.0
    assert len(track.energy.values) == 200
    assert track.energy.at(15.0) > 0.5


def test_clipped_and_excessive_levels_stay_finite() -> None:
    square = 8.0 * np.sign(sounds.cadences(0, "major", 6.0))
    track = described(square)
    assert np.isfinite([*track.energy.values, track.tempo_bpm, track.key_confidence]).all()
    assert max(track.energy.values) == 1.0


def test_a_published_recording_has_the_tempo_its_tag_says() -> None:
    samples = sounds.decoded(shared_media("clips/outfoxing.mp3"), 0, 60)
    track = described(samples, mixed=False)
    assert track.present
    assert track.tempo_bpm == pytest.approx(160, rel=0.01)
    assert track.tempo_confidence > 0.6
    assert len(track.beats_s) == pytest.approx(160, abs=3)
