"""A spotting job with models beside its signals: stages, caching, merging, and what goes wrong."""

from __future__ import annotations

import json
import shutil
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra 'models' is not installed")
transformers = pytest.importorskip("transformers", reason="the extra 'models' is not installed")

from musiscene_core.brief import SceneBrief  # noqa: E402
from musiscene_core.captioning.strategies import scene_words  # noqa: E402
from musiscene_core.errors import CancelledError  # noqa: E402
from musiscene_core.progress import silent  # noqa: E402
from musiscene_core.spotting.chosen import WatchingModels, choose, chosen_file  # noqa: E402
from musiscene_core.spotting.vision.loading import quiet  # noqa: E402
from musiscene_core.timeline import TimelineRange  # noqa: E402
from musiscene_daemon.residency.residents import Residents  # noqa: E402
from musiscene_daemon.watching import watched  # noqa: E402
from tests.support.make_picture import (  # noqa: E402
    clip_of,
    flat,
    panning,
    range_of,
    shots,
    whole,
    write_movie,
)
from tests.support.shared_media import shared_media  # noqa: E402
from tests.support.tiny_vision import tiny_clip, tiny_qwen  # noqa: E402

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> WatchingModels:
    root = tmp_path_factory.mktemp("models")
    with quiet():
        return WatchingModels(
            vision=str(tiny_qwen(root / "qwen")), emotion=str(tiny_clip(root / "clip"))
        )


@pytest.fixture(scope="module")
def movie(tmp_path_factory: pytest.TempPathFactory) -> Path:
    parts = [(panning(seed, 1.5), 40) for seed in range(4)]
    return write_movie(tmp_path_factory.mktemp("movie") / "scene.mp4", shots(*parts))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MUSISCENE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def _stages(brief: SceneBrief) -> dict[str, str]:
    return {report.stage: report.state for report in brief.stages}


def _spot(timeline: TimelineRange) -> SceneBrief:
    return watched(timeline, Residents(), silent)


def test_without_models_the_brief_says_what_would_enable_them(movie: Path) -> None:
    brief = _spot(whole(movie, 160))

    assert _stages(brief) == {"frames": "done", "vision": "skipped", "emotion": "skipped"}
    told = {report.stage: report.message for report in brief.stages}
    assert "watching use --vision" in told["vision"]
    assert "watching use --emotion" in told["emotion"]
    assert len(brief.frames) >= 15
    assert brief.captions.video.origin == "signals"


def test_models_caption_frames_and_bend_the_curve(movie: Path, models: WatchingModels) -> None:
    plain = _spot(whole(movie, 160))
    choose(models)
    brief = _spot(whole(movie, 160))

    assert _stages(brief) == {"frames": "done", "vision": "done", "emotion": "done"}
    assert all(frame.caption.text for frame in brief.frames)
    assert all(abs(sum(frame.feelings) - 1) < 1e-3 for frame in brief.frames)
    assert brief.emotion_curve.points != plain.emotion_curve.points
    for point in brief.emotion_curve.points:
        assert abs(sum(point.weights) - 1) < 1e-2
    assert brief.captions.video.origin == "model"
    assert brief.frames[0].caption.text.casefold() in brief.captions.video.text.casefold()
    assert scene_words(brief).images[0] == brief.frames[0].caption.text


def test_the_second_time_no_model_is_loaded(movie: Path, models: WatchingModels) -> None:
    choose(models)
    first = _spot(whole(movie, 160))
    seen: list[str] = []
    residents = Residents()
    again = watched(whole(movie, 160), residents, lambda stage, _: seen.append(stage))

    assert again == first
    assert not residents.models()
    assert not any("Loading" in stage for stage in seen)


def test_a_range_that_moves_asks_for_its_new_frames_only(
    movie: Path, models: WatchingModels, home: Path
) -> None:
    choose(models)
    _spot(whole(movie, 130))
    before = set((home / "cache" / "watching").rglob("*.bin"))
    moved = range_of(clip_of(movie, (0, 160)), record=(6, 136))
    brief = _spot(moved)
    new = set((home / "cache" / "watching").rglob("*.bin")) - before

    assert _stages(brief)["vision"] == "done"
    assert len(new) <= 2 * len(brief.frames) // 3


@pytest.mark.parametrize("harm", ["truncated", "a_file"])
def test_a_harmed_cache_is_made_again(
    movie: Path, models: WatchingModels, home: Path, harm: str
) -> None:
    choose(models)
    first = _spot(whole(movie, 48))
    cache = home / "cache" / "watching"
    if harm == "a_file":
        shutil.rmtree(cache)
        cache.write_bytes(b"in the way")
    else:
        for path in cache.rglob("*.bin"):
            path.write_bytes(path.read_bytes()[:9])

    assert _spot(whole(movie, 48)) == first


def test_a_model_of_another_kind_or_none_fails_its_stage_alone(
    movie: Path, models: WatchingModels, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(models.emotion, broken)
    weights = broken / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:3000])
    choose(WatchingModels(vision=models.emotion, emotion=str(broken), speech=str(tmp_path)))
    brief = _spot(whole(movie, 48))

    assert _stages(brief)["frames"] == "done"
    assert _stages(brief)["vision"] == _stages(brief)["emotion"] == "failed"
    told = {report.stage: report.message for report in brief.stages}
    assert "another kind" in told["vision"]
    assert "cannot be loaded" in told["emotion"]
    assert brief.shots


def test_a_damaged_choice_is_told_and_harms_nothing(movie: Path) -> None:
    chosen_file().parent.mkdir(parents=True)
    chosen_file().write_text("{")
    brief = _spot(whole(movie, 48))

    assert any("No models were used" in warning for warning in brief.warnings)
    assert _stages(brief)["vision"] == "skipped"


def test_cancelling_while_a_model_looks_ends_the_job(movie: Path, models: WatchingModels) -> None:
    choose(models)

    def progress(stage: str, fraction: float) -> None:
        if stage == "Describing frames":
            raise CancelledError("enough")

    with pytest.raises(CancelledError):
        watched(whole(movie, 48), Residents(), progress)


def test_black_pictures_and_no_picture_at_all(tmp_path: Path, models: WatchingModels) -> None:
    choose(models)
    black = _spot(whole(write_movie(tmp_path / "b.mp4", shots((flat(0, 0, 0), 24))), 24))
    assert _stages(black)["vision"] == "done"
    assert black.frames
    nothing = _spot(range_of(record=(0, 48)))
    assert _stages(nothing) == {"frames": "skipped", "vision": "skipped", "emotion": "skipped"}
    assert not nothing.frames


def test_one_still_and_shots_of_one_frame(tmp_path: Path, models: WatchingModels) -> None:
    import cv2

    choose(models)
    still = tmp_path / "still.png"
    cv2.imwrite(str(still), panning(3)(0))
    brief = _spot(range_of(clip_of(still, (0, 100), speed=0), record=(0, 100)))
    assert _stages(brief)["vision"] == "done"
    assert len({frame.caption.text for frame in brief.frames}) == 1

    path = write_movie(tmp_path / "f.mp4", shots(*[(panning(n), 1) for n in range(12)]))
    clips = [clip_of(path, (n, n + 1), source_start=n) for n in range(12)]
    flicker = _spot(range_of(*clips, record=(0, 12)))
    assert _stages(flicker)["vision"] == "done"


@pytest.mark.slow
def test_on_real_footage_feelings_differ_between_shots_and_survive_encoding(
    models: WatchingModels, tmp_path: Path
) -> None:
    import av

    path = shared_media("reel_24.mp4")
    truth = json.loads(path.with_suffix(".json").read_text())
    other = tmp_path / "again.mp4"
    with av.open(str(path)) as source, av.open(str(other), "w") as target:
        stream = target.add_stream("libx264", rate=24)
        picture = source.streams.video[0]
        stream.width, stream.height, stream.pix_fmt = picture.width, picture.height, "yuv420p"
        stream.options = {"preset": "ultrafast", "crf": "26"}
        for number, frame in enumerate(source.decode(video=0)):
            image = av.VideoFrame.from_ndarray(frame.to_ndarray(format="rgb24"), format="rgb24")
            image.pts = number
            target.mux(stream.encode(image))
        target.mux(stream.encode(None))
    choose(msgspec.structs.replace(models, vision=""))
    length = truth["frames"]
    first, second = _spot(whole(path, length)), _spot(whole(other, length))

    def felt(brief: SceneBrief) -> np.ndarray:
        return np.array([point.weights for point in brief.emotion_curve.points])

    change = np.abs(felt(first) - felt(second)).sum(axis=1)
    assert np.median(change) < 0.1
    edges = [start / 24 for start in truth["shots_start_frame"]] + [length / 24]
    times = np.array([point.time_s for point in first.emotion_curve.points])
    means = [
        felt(first)[(times >= start) & (times < end)].mean(axis=0) for start, end in pairwise(edges)
    ]
    apart = [np.abs(a - b).sum() for a, b in pairwise(means)]
    assert np.median(apart) > 2 * np.median(change)
