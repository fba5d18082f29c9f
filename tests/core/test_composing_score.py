"""A take's files: exact in length and place, summing to the mix, the same for the same seed."""

from __future__ import annotations

import hashlib
import wave
from collections.abc import Callable
from pathlib import Path

import mido
import msgspec
import numpy as np
import pytest

from musiscene_core.brief import Caption, DialogueRegion
from musiscene_core.codec import read_json
from musiscene_core.composing import engine
from musiscene_core.composing.score import score
from musiscene_core.composing.theme_making import make_theme, mood_of
from musiscene_core.cue import STEM_ROLES
from musiscene_core.errors import CancelledError, OutputError, RequestError
from musiscene_core.ranges import FrameRange
from musiscene_core.request import ScoreRequest
from musiscene_core.take import Take
from musiscene_core.themes import ThemeBook, ThemeUse
from musiscene_core.timecode import FrameRate, frame_to_sample
from tests.support.composed import mood_brief
from tests.support.scenes import brief_of

SCENE = brief_of(9.0, cuts=(3.0, 6.5), rate="29.97", dialogue=((4.0, 5.0),), arousal=0.5)


def at_record(start: int) -> ScoreRequest:
    """The scene with its In at record frame `start`."""
    record = FrameRange.from_length(start, SCENE.timeline.record.length)
    timeline = msgspec.structs.replace(SCENE.timeline, record=record)
    return ScoreRequest(brief=msgspec.structs.replace(SCENE, timeline=timeline))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Take, Path]:
    folder = tmp_path_factory.mktemp("take")
    return score(at_record(107_892), 5, "take-1", folder), folder


def samples(path: Path) -> np.ndarray:
    """A 24-bit WAV as integers [N, channels], read without our own code."""
    with wave.open(str(path)) as file:
        assert (file.getsampwidth(), file.getframerate()) == (3, 48_000)
        raw = np.frombuffer(file.readframes(file.getnframes()), np.uint8).reshape(-1, 3)
        channels = file.getnchannels()
    wide = np.zeros((len(raw), 4), np.uint8)
    wide[:, 1:] = raw
    return (wide.view("<i4").ravel() >> 8).reshape(-1, channels)


def test_every_file_is_exactly_as_long_as_the_range(made: tuple[Take, Path]) -> None:
    take, folder = made
    exact = frame_to_sample(take.record.length, FrameRate.parse("29.97"))
    paths = [take.mix, *(stem.path for stem in take.stems)]
    assert {len(samples(folder / path)) for path in paths} == {exact, take.length_samples}


def test_the_stems_sum_to_the_mix_bit_for_bit(made: tuple[Take, Path]) -> None:
    take, folder = made
    assert [stem.role for stem in take.stems] == list(STEM_ROLES)
    stems = [samples(folder / stem.path).astype(np.int64) for stem in take.stems]
    assert np.array_equal(np.sum(stems, axis=0), samples(folder / take.mix))
    assert all(np.abs(stem).max() > 2**12 for stem in stems)


def test_the_wav_says_where_on_the_timeline_it_belongs(made: tuple[Take, Path]) -> None:
    take, folder = made
    data = (folder / take.mix).read_bytes()
    chunk = data.index(b"bext") + 8
    # EBU Tech 3285: TimeReference is a 64-bit count after 256 + 32 + 32 + 10 + 8 bytes.
    stamp = int.from_bytes(data[chunk + 338 : chunk + 346], "little")
    assert stamp == frame_to_sample(107_892, take.rate)


def test_the_take_tells_what_was_made_and_how(made: tuple[Take, Path]) -> None:
    take, folder = made
    assert read_json(folder / "take.json", Take) == take
    assert (take.provenance.engine, take.provenance.engine_version) == (engine.NAME, engine.VERSION)
    assert take.provenance.prompt == "A scene."
    assert take.provenance.commercial_use
    assert take.loudness_lufs == pytest.approx(-19.0, abs=0.3)
    assert take.true_peak_dbtp <= -1.5
    assert {hit.frame for hit in take.hits} <= {hit.frame for hit in SCENE.hit_points}


def test_the_midi_file_is_as_long_as_the_music(made: tuple[Take, Path]) -> None:
    take, folder = made
    midi = mido.MidiFile(str(folder / take.midi))
    assert 6.0 < midi.length <= 9.05


def test_the_music_is_heard_on_each_reported_hit(made: tuple[Take, Path]) -> None:
    take, folder = made
    mix = samples(folder / take.mix).mean(axis=1)
    assert take.hits
    for hit in take.hits:
        at = frame_to_sample(hit.frame, take.rate) + round(hit.error_ms * 48)
        before, after = mix[at - 2400 : at - 240], mix[at - 48 : at + 2112]
        assert np.square(after).mean() > 1.5 * np.square(before).mean()


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def test_the_same_request_and_seed_give_the_same_bytes_and_another_seed_others(
    made: tuple[Take, Path], tmp_path: Path
) -> None:
    again, other = tmp_path / "again", tmp_path / "other"
    again.mkdir()
    other.mkdir()
    score(at_record(107_892), 5, "take-1", again)
    score(at_record(107_892), 6, "take-1", other)
    first = digests(made[1])
    assert digests(again) == first
    assert all(digests(other)[name] != first[name] for name in first if "wav" in name)


def test_a_range_too_long_to_compose_says_how_long_is_possible(tmp_path: Path) -> None:
    brief = brief_of(engine.MAX_LENGTH_S + 1)
    with pytest.raises(RequestError, match="a cue can last 20") as caught:
        score(ScoreRequest(brief=brief), 0, "take-1", tmp_path)
    assert "--in" in caught.value.hint


def test_a_folder_that_cannot_be_written_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "stems").write_text("in the way")
    with pytest.raises(OutputError):
        score(ScoreRequest(brief=brief_of(1.0)), 0, "take-1", tmp_path)


@pytest.mark.parametrize("stage", ["Composing", "Mixing and mastering", "Writing the score"])
def test_a_cancelled_take_stops_at_once(tmp_path: Path, stage: str) -> None:
    def cancel_at(wanted: str) -> Callable[[str, float], None]:
        def progress(stage: str, fraction: float) -> None:
            if stage == wanted:
                raise CancelledError("enough")

        return progress

    with pytest.raises(CancelledError):
        score(ScoreRequest(brief=brief_of(2.0)), 0, "take-1", tmp_path, cancel_at(stage))
    assert not (tmp_path / "take.json").exists()
    left = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert not any(name.endswith(".part") for name in left)
    assert left <= ({"mix.wav", "mix.dat"} | {f"{role}.wav" for role in STEM_ROLES})


def test_words_not_understood_are_among_the_takes_warnings(tmp_path: Path) -> None:
    brief = brief_of(1.0)
    captions = msgspec.structs.replace(brief.captions, fusion=Caption("sad sackbut", "user"))
    request = ScoreRequest(brief=msgspec.structs.replace(brief, captions=captions))
    assert score(request, 0, "take-1", tmp_path).warnings == ("Not understood: 'sackbut'.",)


def test_a_theme_that_finds_no_room_is_told(tmp_path: Path) -> None:
    brief = mood_brief("triumphant", 12.0)
    spoken = msgspec.structs.replace(brief, dialogue=(DialogueRegion(start_s=0.0, end_s=12.0),))
    book = ThemeBook(film="Ashes", seed=1, themes=(make_theme("hero", mood_of(spoken), 1),))
    request = ScoreRequest(brief=spoken, themes=(ThemeUse("hero"),), theme_book=book)
    take = score(request, 0, "take-1", tmp_path)
    assert [warning for warning in take.warnings if "'hero' is not in this cue" in warning]
