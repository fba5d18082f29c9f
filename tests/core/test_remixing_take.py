"""A music file made a take: what is written, and what is refused."""

from __future__ import annotations

import wave
from fractions import Fraction
from pathlib import Path

import msgspec
import numpy as np
import pytest

from musiscene_core.codec import read_json
from musiscene_core.composing.score import score
from musiscene_core.errors import MediaError, MediaOfflineError, MusiSceneError, RequestError
from musiscene_core.media import read_audio, to_int24, write_wav
from musiscene_core.progress import silent
from musiscene_core.remixing.fitted import JoinReport
from musiscene_core.remixing.grid import find_grid
from musiscene_core.remixing.remix import remix
from musiscene_core.remixing.source import read_source
from musiscene_core.request import MusicFile, ScoreRequest
from musiscene_core.take import Take
from musiscene_core.timeline import MediaReference
from tests.support.composed import mood_brief
from tests.support.scenes import brief_of
from tests.support.shared_media import shared_media
from tests.support.songs import RATE, song


def music(path: Path, **known: object) -> MusicFile:
    return MusicFile(media=MediaReference(path=str(path)), **known)


def wish(path: Path, length_s: float, **further: object) -> ScoreRequest:
    return ScoreRequest(
        brief=brief_of(length_s), engine="remix", music=music(path), **({"hits": ()} | further)
    )


def made(request: ScoreRequest, folder: Path, seed: int = 0) -> Take:
    folder.mkdir()
    return remix(request, seed, "take-1", folder)


@pytest.fixture(scope="module")
def track(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("music") / "track.wav"
    write_wav(path, to_int24(song(120, "AB").audio))
    return path


def test_a_take_says_where_its_music_comes_from(tmp_path: Path, track: Path) -> None:
    take = made(wish(track, 20.0, hits=(240,)), tmp_path / "take")
    assert read_json(tmp_path / "take" / "take.json", Take) == take
    assert all((tmp_path / "take" / name).is_file() for name in take.files)
    with wave.open(str(tmp_path / "take" / "mix.wav")) as file:
        assert (file.getnframes(), file.getnchannels()) == (take.length_samples, 2)
    source = take.provenance
    assert (source.engine, source.model, source.licence) == ("remix", "track.wav", "as the source")
    assert (len(source.model_hash), source.commercial_use, take.stems) == (64, False, ())
    (hit,) = take.hits
    assert abs(hit.error_frames) < 0.5
    assert take.tempo is not None
    assert take.tempo.bpm_at(8.0) == pytest.approx(120, rel=0.03)
    report = read_json(tmp_path / "take" / "joins.json", JoinReport)
    assert (report.music, report.on_beats) == ("track.wav", True)
    assert report.tempo_bpm == pytest.approx(120, rel=0.001)
    assert (tmp_path / "take" / "joins.png").read_bytes().startswith(b"\x89PNG")


def test_its_level_is_the_files_own_unless_one_is_asked_for(tmp_path: Path, track: Path) -> None:
    own = made(wish(track, 30.0), tmp_path / "own")
    quiet = made(wish(track, 30.0, loudness_lufs=-30.0), tmp_path / "quiet")
    assert quiet.loudness_lufs == pytest.approx(-30.0, abs=0.1)
    loud = made(wish(track, 30.0, loudness_lufs=-6.0), tmp_path / "loud")
    assert loud.true_peak_dbtp <= -1.4
    assert "quieter than asked for" in loud.warnings[-1]
    assert own.loudness_lufs not in (-30.0, -6.0)


def test_a_take_of_our_own_is_cut_by_the_bars_it_was_composed_in(tmp_path: Path) -> None:
    (tmp_path / "composed").mkdir()
    request = ScoreRequest(brief=mood_brief("triumphant", 40.0))
    take = score(request, 1, "take-1", tmp_path / "composed")
    assert take.tempo is not None
    remixed = made(wish(tmp_path / "composed" / "mix.wav", 25.0), tmp_path / "take")
    report = read_json(tmp_path / "take" / "joins.json", JoinReport)
    assert (report.confidence, remixed.length_samples) == (1.0, 25 * RATE)
    audio = read_audio(
        tmp_path / "composed" / "mix.wav", Fraction(0), Fraction(40), sample_rate=RATE, channels=2
    )
    found = find_grid(audio).beats_s
    truth = [take.tempo.seconds(float(beat)) for beat in range(int(take.tempo.beat(38.0)))]
    assert np.mean([np.abs(found - beat).min() < 0.03 for beat in truth]) > 0.9


@pytest.mark.parametrize("length_s", [9.5, 20.0, 61.0])
def test_real_music_is_fitted_on_its_beats(tmp_path: Path, length_s: float) -> None:
    take = made(wish(shared_media("reel_24_temp_music.flac"), length_s), tmp_path / "take")
    report = read_json(tmp_path / "take" / "joins.json", JoinReport)
    assert report.on_beats
    assert report.tempo_bpm == pytest.approx(160, rel=0.01)
    assert all(abs(part.percent) <= 3.0 for part in report.stretches)
    with wave.open(str(tmp_path / "take" / "mix.wav")) as file:
        assert file.getnframes() == take.length_samples


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("gone.wav", MediaOfflineError, "gone.wav"),
        ("cut.wav", MediaError, "cut.wav"),
        ("text.mp3", MediaError, "text.mp3"),
        ("empty.wav", MediaError, "empty.wav"),
        ("silent.wav", MediaError, "is silent"),
        ("short.wav", RequestError, "sounds for"),
        ("small.wav", RequestError, "times over"),
        ("six-hours.wav", RequestError, "360 minutes"),
    ],
)
def test_what_cannot_be_music_is_refused_in_words(
    tmp_path: Path, track: Path, name: str, error: type[MusiSceneError], words: str
) -> None:
    sound = 0.1 * np.sin(np.arange(3 * RATE) / 9)
    (tmp_path / "cut.wav").write_bytes(track.read_bytes()[:300])
    (tmp_path / "text.mp3").write_text("no music here\n" * 500)
    (tmp_path / "empty.wav").touch()
    write_wav(tmp_path / "silent.wav", to_int24(np.zeros((2, 5 * RATE))))
    write_wav(tmp_path / "short.wav", to_int24(np.tile(sound[: RATE // 2], (2, 1))))
    write_wav(tmp_path / "small.wav", to_int24(np.tile(sound, (2, 1))))
    if name == "six-hours.wav":
        # A sparse file: six hours of 8-bit silence that its header declares.
        rate, seconds = 8000, 6 * 3600
        with wave.open(str(tmp_path / name), "wb") as file:
            file.setparams((1, 1, rate, 0, "NONE", ""))
            file.writeframes(bytes(rate))
        head = bytearray((tmp_path / name).read_bytes()[:44])
        head[40:44] = (rate * seconds).to_bytes(4, "little")
        head[4:8] = (36 + rate * seconds).to_bytes(4, "little")
        with open(tmp_path / name, "wb") as raw:
            raw.write(head)
            raw.truncate(44 + rate * seconds)
    with pytest.raises(error, match=words):
        read_source(music(tmp_path / name), 200.0, silent)


def test_what_makes_no_sense_of_a_music_file_is_refused() -> None:
    for wrong in ({"bar_line_s": -1.0}, {"bar_line_s": float("nan")}, {"beats_per_bar": 1}):
        with pytest.raises(RequestError):
            music(Path("/a.wav"), **wrong)
    with pytest.raises(RequestError):
        MusicFile(media=MediaReference(path=""))
    with pytest.raises(RequestError, match="No music"):
        remix(ScoreRequest(brief=brief_of(4.0)), 0, "take-1", Path("nowhere"))


def test_a_request_with_music_survives_the_wire(track: Path) -> None:
    request = wish(track, 10.0)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(request), type=ScoreRequest) == request
