"""The user's way: models chosen on the command line, and a real daemon that watches with them."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

pytest.importorskip("torch", reason="the extra 'models' is not installed")
pytest.importorskip("faster_whisper", reason="the extra 'speech' is not installed")

from musiscene_core.brief import SceneBrief
from musiscene_core.protocol import Client
from musiscene_core.spotting.vision.loading import quiet
from musiscene_core.timeline import TimelineRange
from musiscene_plugins.cli.main import main
from tests.support.daemons import ROOT, Home
from tests.support.make_picture import clip_of, range_of
from tests.support.tiny_vision import tiny_blip, tiny_clip, tiny_qwen
from tests.support.tiny_whisper import converted, saved_whisper

pytestmark = pytest.mark.models

FILM = ROOT / "plugins" / "musiscene_plugins" / "cli" / "demo_film.mp4"
DONE = {"frames": "done", "vision": "done", "emotion": "done", "speech": "done"}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("models")
    with quiet():
        tiny_blip(root / "blip2-tiny")
        tiny_qwen(root / "qwen-tiny")
        tiny_clip(root / "clip-tiny")
        converted(saved_whisper(root / "whisper"), root / "faster-whisper-tiny")
    return root


def talk(first: int, last: int) -> TimelineRange:
    """Part of the packaged film, from before a spoken line to after it."""
    picture = clip_of(FILM, (0, 840))
    sound = msgspec.structs.replace(picture, role="mixed")
    return range_of(picture, sound, record=(first, last))


def states(brief: SceneBrief) -> dict[str, str]:
    return {report.stage: report.state for report in brief.stages if report.stage != "speakers"}


@pytest.mark.slow
def test_chosen_models_watch_hear_and_are_not_asked_twice(
    shared_home: Home, client: Client, models: Path
) -> None:
    chosen = {"vision": "qwen-tiny", "emotion": "clip-tiny", "speech": "faster-whisper-tiny"}
    for use, name in chosen.items():
        assert main(["watching", "use", f"--{use}", str(models / name)]) == 0
    stages: list[str] = []
    first = client.spot(talk(96, 216), lambda stage, _: stages.append(stage))
    assert states(first) == DONE
    by = {report.stage: report.by for report in first.stages}
    assert {use: by[use] for use in chosen} == chosen
    how = {report.stage: report.how for report in first.stages}
    assert how["vision"] is not None
    assert "Describe" in how["vision"].prompt
    assert all(frame.caption.text and frame.feelings for frame in first.frames)
    assert first.dialogue
    # What random weights say is seldom words; that each stretch was asked about is what is kept.
    answers = shared_home.folder / "cache" / "hearing"
    asked = set(answers.rglob("*.bin"))
    assert len(asked) == len(first.dialogue)

    stages.clear()
    assert client.spot(talk(96, 216), lambda stage, _: stages.append(stage)) == first
    assert not any("Loading" in stage or "Describing" in stage for stage in stages)

    moved = client.spot(talk(84, 216))
    assert states(moved) == DONE
    assert [line.text for line in moved.lines] == [line.text for line in first.lines]
    assert set(answers.rglob("*.bin")) == asked


def test_another_model_is_used_from_the_next_range_on(client: Client, models: Path) -> None:
    assert main(["watching", "forget"]) == 0
    assert main(["watching", "use", "--vision", str(models / "blip2-tiny")]) == 0
    brief = client.spot(talk(96, 144))
    told = {report.stage: report for report in brief.stages}
    assert (told["vision"].state, told["vision"].by) == ("done", "blip2-tiny")
    assert told["emotion"].state == "skipped"
    assert "watching use --emotion" in told["emotion"].message
    assert all(frame.caption.text for frame in brief.frames)
