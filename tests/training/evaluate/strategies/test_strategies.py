"""`musiscene-train evaluate strategies` with a real daemon: comparing, going on, ending early."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest

from musiscene_core.brief import SceneBrief
from musiscene_core.codec import read_json
from musiscene_core.protocol import connect
from musiscene_training.cli import main
from musiscene_training.evaluate.strategies.making import Making
from musiscene_training.evaluate.strategies.scenes import read_scenes
from musiscene_training.evaluate.strategies.wish import Wish, begin
from tests.training.evaluate.strategies.conftest import QUICK, make_scene

STRATEGIES = ("msi", "video", "music")
WISH = Wish(strategies=STRATEGIES, captioner="signals", language="rules")


def command(scenes: Path, output: Path, *more: str) -> list[str]:
    named = ["evaluate", "strategies", str(scenes), "--output", str(output)]
    return [*named, "--strategies", ",".join(STRATEGIES), *QUICK, *more]


@pytest.fixture(scope="module")
def scenes(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("films") / "scenes"
    make_scene(folder, "rain", 1)
    make_scene(folder, "snow", 4, music=False)
    (folder / "torn.mp4").write_bytes((folder / "rain.mp4").read_bytes()[:500])
    return folder


@pytest.fixture(scope="module")
def compared(place, scenes, tmp_path_factory) -> Path:
    output = tmp_path_factory.mktemp("compared") / "out"
    assert main(command(scenes, output)) == 0
    return output


def stamps(output: Path) -> dict[str, int]:
    made = [*output.glob("scenes/*.json"), *output.glob("music/*/*/mix.wav")]
    return {str(path.relative_to(output)): path.stat().st_mtime_ns for path in made}


def test_it_makes_words_and_music_of_each_strategy_and_compares_them(compared) -> None:
    page = " ".join((compared / "report.md").read_text().split())
    assert "# Caption strategies on 2 scenes" in page
    assert "| Fusion | 6.62 | 2.05 | published |" in page
    assert "| Herrmann-1 | 0.73 | 4.85 | published |" in page
    assert page.count("| - | here |") == len(STRATEGIES)
    assert "torn: " in page
    assert "MSI: 1 of 2 scenes have no caption" in page
    assert "No caption has a reference: none was scored." in page
    for name in ("result.json", "captions.csv", "sounds.csv"):
        assert (compared / name).stat().st_size
    assert (compared / "music.png").read_bytes()[1:4] == b"PNG"
    assert not (compared / "captions.png").exists()

    assert "[listen](music/msi/rain/mix.wav)" in page
    with (compared / "listening.csv").open(newline="") as file:
        heard = [(row["scene"], row["system"]) for row in csv.DictReader(file)]
    assert heard == [("rain", name) for name in STRATEGIES]

    brief = read_json(compared / "scenes/rain.json", SceneBrief)
    with (compared / "captions.csv").open(newline="") as file:
        said = {(row["scene"], row["strategy"]): row["text"] for row in csv.DictReader(file)}
    assert said["rain", "msi"] == brief.captions.scene_imagination.text
    assert said["rain", "music"] == brief.captions.music.text
    assert set(said) == {("rain", name) for name in STRATEGIES} | {("snow", "video")}

    result = json.loads((compared / "result.json").read_text())
    sounds = {(one["music"], one["name"]): one for one in result["music"]["sounds"]}
    assert set(sounds) == {(name, scene) for scene, name in said}
    assert sounds["video", "rain"]["measured"]["length_s"] == pytest.approx(2.0, abs=0.01)
    assert sounds["video", "rain"]["caption"] == brief.captions.video.text
    assert sounds["video", "rain"]["measured"]["hits"] >= 0
    assert {one["music"] for one in result["music"]["fads"]} == set(STRATEGIES)


def test_takes_that_are_kept_leave_the_library(compared) -> None:
    take = compared / "music/video/rain"
    assert sorted(path.name for path in take.iterdir()) == ["mix.wav", "request.json", "take.json"]
    with connect() as client:
        assert client.takes().total == 0


def test_gone_on_with_nothing_is_made_again_and_nothing_else_may_be_wanted(
    compared, scenes, capsys
) -> None:
    before = stamps(compared)
    gone = "music/video/rain/mix.wav"
    shutil.copytree(compared / "music/video/rain", compared / "music/msi/earlier")
    shutil.rmtree((compared / gone).parent)
    assert main(command(scenes, compared)) == 0
    after = stamps(compared)
    assert {name for name in before if after[name] != before[name]} == {gone}
    assert b"earlier" not in (compared / "sounds.csv").read_bytes()
    capsys.readouterr()
    assert main(command(scenes, compared, "--seed", "3")) == 2
    assert "was begun with seed 0, not 3" in capsys.readouterr().err
    assert main(command(scenes, scenes)) == 2
    assert "no comparison was begun in it" in capsys.readouterr().err
    assert stamps(compared) == after


def test_what_is_wrong_is_told_before_any_work(place, scenes, tmp_path, capsys) -> None:
    for more, message in (
        (("--strategies", "msi,moods"), "There is no strategy 'moods'"),
        (("--strategies", "tags"), "No scene has tags"),
        (("--engine", "orchestra"), "no engine called 'orchestra'"),
        (("--captioner", "critic"), "no captioner called 'critic'"),
        (("--classifier", "passt:none.pt"), "none.pt is not there"),
    ):
        assert main(command(scenes, tmp_path / "out", *more)) == 2
        assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_ended_early_it_goes_on_where_it_was(place, scenes, tmp_path) -> None:
    output = tmp_path / "out"
    found = read_scenes(scenes).scenes[:1]

    def until_the_second_take(stage: str, fraction: float) -> None:
        if stage.startswith("rain, video"):
            raise KeyboardInterrupt

    with connect() as client:
        kept = begin(output, WISH, found)
        with pytest.raises(KeyboardInterrupt):
            Making(client, kept, output, until_the_second_take).make(found)
        assert not [job for job in client.jobs() if not (job.ended or job.cancelling)]
    before = stamps(output)
    assert set(before) == {"scenes/rain.json", "music/msi/rain/mix.wav"}
    with connect() as client:
        kept = begin(output, WISH, found)
        made = Making(client, kept, output, lambda stage, fraction: None).make(found)
    after = stamps(output)
    assert {name: after[name] for name in before} == before
    assert made.music == {name: ["rain"] for name in STRATEGIES}
    assert made.problems == {}


@pytest.mark.slow
def test_where_no_more_can_be_written_what_was_made_is_kept(
    place, scenes, tmp_path, capsys
) -> None:
    resource = pytest.importorskip("resource", reason="limits of a process are Unix's")
    output = tmp_path / "out"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    # Room for briefs and not for sounds, of this process alone.
    resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, before[1]))
    try:
        assert main(command(scenes, output)) == 2
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "cannot be written" in capsys.readouterr().err
    assert sorted(stamps(output)) == ["scenes/rain.json", "scenes/snow.json"]
    assert not list(output.glob("music/**/*.part"))
    assert main(command(scenes, output)) == 0
    assert len(stamps(output)) == 6


@pytest.mark.models
def test_captions_are_held_against_references_and_tags_are_a_strategy(
    place, scenes, tmp_path
) -> None:
    for needed in ("nltk", "rouge_score", "sacrebleu"):
        pytest.importorskip(needed, reason="the extra 'train' is not installed")
    references = tmp_path / "references.jsonl"
    rows = (
        {"id": "rain", "reference": "Someone runs through the rain.", "video": "Rain."},
        {
            "id": "snow",
            "reference": "Der Schnee fällt auf Wälder und Felder.",
            "tags": "slow, calm",
        },
    )
    references.write_text("".join(json.dumps(row) + "\n" for row in rows))
    output = tmp_path / "out"
    named = ["evaluate", "strategies", str(scenes), "--output", str(output), "--engine", "none"]
    assert main([*named, *QUICK, "--references", str(references)]) == 0
    page = (output / "report.md").read_text()
    assert "| MusiScene" in page
    assert "Against references of Video captions:" in page
    assert "This is a song with slow and calm." in page
    assert "say little: look at the captions" in page
    assert (output / "captions.png").read_bytes()[1:4] == b"PNG"
    assert not (output / "music").exists()
    result = json.loads((output / "result.json").read_text())
    pairs = {(one["strategy"], one["against"]) for one in result["captions"]}
    assert ("tags", "scene_imagination") in pairs
    assert ("video", "video") in pairs
    assert ("music", "music") not in pairs
