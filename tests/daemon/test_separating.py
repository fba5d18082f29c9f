"""A film's own sound, parted by a tiny Demucs of random weights, or told why not."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra 'models' is not installed")
pytest.importorskip("demucs", reason="the extra 'stems' is not installed")

from musiscene_core.brief import SceneBrief, StageReport  # noqa: E402
from musiscene_core.captioning.heard import Section  # noqa: E402
from musiscene_core.errors import CancelledError, ModelError  # noqa: E402
from musiscene_core.media import read_audio  # noqa: E402
from musiscene_core.media.wav import to_int24, write_wav  # noqa: E402
from musiscene_core.progress import silent  # noqa: E402
from musiscene_core.spotting.chosen import WatchingModels, choose  # noqa: E402
from musiscene_core.spotting.parted import PARTING  # noqa: E402
from musiscene_core.timecode import SAMPLE_RATE  # noqa: E402
from musiscene_core.timeline import TimelineRange  # noqa: E402
from musiscene_daemon.engines import demucs  # noqa: E402
from musiscene_daemon.residency.residents import Residents  # noqa: E402
from musiscene_daemon.separating import BY_RULE, write_music_of  # noqa: E402
from musiscene_daemon.watching import watched  # noqa: E402
from tests.support.make_picture import clip_of, range_of  # noqa: E402
from tests.support.tiny_demucs import tiny_demucs  # noqa: E402

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_demucs(tmp_path_factory.mktemp("models") / "tiny-demucs.th")


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("film") / "film.wav"
    noise = np.random.default_rng(0).normal(0, 0.1, (2, 4 * SAMPLE_RATE)).astype(np.float32)
    write_wav(path, to_int24(noise))
    return path


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MUSISCENE_HOME", str(tmp_path))
    return tmp_path


def scene(film: Path) -> TimelineRange:
    return range_of(msgspec.structs.replace(clip_of(film, (0, 96)), role="mixed"), record=(0, 96))


def told(brief: SceneBrief) -> StageReport:
    (report,) = (one for one in brief.stages if one.stage == "separation")
    return report


def test_the_model_parts_what_is_heard_once(film: Path, weights: Path, home: Path) -> None:
    choose(WatchingModels(separation=str(weights)))
    stages: list[str] = []
    residents = Residents()
    brief = watched(scene(film), residents, lambda stage, _: stages.append(stage))
    assert (told(brief).state, told(brief).by) == ("done", "tiny-demucs.th")
    assert brief.timeline == scene(film), "the user's own clips stay in the brief"
    assert PARTING in stages
    (model,) = residents.models()
    assert model.bytes >= 4 * weights.stat().st_size
    assert len(list((home / "cache" / "parted").rglob("*.flac"))) == 2

    again = Residents()
    assert watched(scene(film), again, silent) == brief
    assert not again.models()


def test_speech_and_music_are_what_the_model_says(
    film: Path, weights: Path, tmp_path: Path
) -> None:
    choose(WatchingModels(separation=str(weights)))
    section = Section(media=scene(film).clips[0].media, start_s=0.5, end_s=3.5)
    target = tmp_path / "music.wav"
    assert write_music_of(section, [], target, Residents(), silent)
    mix = read_audio(film, 0, 4, sample_rate=SAMPLE_RATE, channels=2)
    music = (mix - demucs.load(weights).speech(mix, lambda: None)).mean(0)
    wanted = music[SAMPLE_RATE // 2 : round(3.5 * SAMPLE_RATE)]
    found = read_audio(target, 0, 3, sample_rate=SAMPLE_RATE)[0]
    np.testing.assert_allclose(found, np.clip(wanted, -1, 1), atol=1e-4)
    assert np.abs(found).max() > 0.01


def test_without_a_model_the_rule_is_named_and_what_would_be_better(film: Path) -> None:
    report = told(watched(scene(film), Residents(), silent))
    assert (report.state, report.by) == ("done", BY_RULE)
    assert "watching use --separation" in report.message


def test_damaged_weights_fail_the_stage_alone(film: Path, tmp_path: Path) -> None:
    broken = tmp_path / "demucs.th"
    broken.write_bytes(b"nothing")
    choose(WatchingModels(separation=str(broken)))
    brief = watched(scene(film), Residents(), silent)
    assert told(brief).state == "failed"
    assert "cannot be read as a Demucs" in told(brief).message
    assert "by rule instead" in told(brief).message
    assert brief.temp_track.energy.values
    section = Section(media=scene(film).clips[0].media, start_s=0.0, end_s=4.0)
    assert write_music_of(section, [(1.0, 2.0)], tmp_path / "m.wav", Residents(), silent)
    broken.unlink()
    assert "holds no weights" in told(watched(scene(film), Residents(), silent)).message


def test_weights_that_know_no_voices_are_told(tmp_path: Path) -> None:
    path = tiny_demucs(tmp_path / "demucs.th", sources=["drums", "bass", "other"])
    model = demucs.load(path)
    with pytest.raises(ModelError, match="not vocals"):
        model.speech(np.zeros((2, SAMPLE_RATE), np.float32), lambda: None)


def test_parting_is_cancelled_within_seconds_of_sound(film: Path, weights: Path) -> None:
    choose(WatchingModels(separation=str(weights)))
    asked = []

    def stop(stage: str, fraction: float) -> None:
        if stage == PARTING:
            asked.append(fraction)
            if len(asked) == 3:
                raise CancelledError("enough")

    with pytest.raises(CancelledError):
        watched(scene(film), Residents(), stop)
    assert len(asked) == 3
