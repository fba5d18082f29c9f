"""The experiments from nothing to table and plot: a tiny captioner that really trains."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import time

import pytest

pytest.importorskip("torch", reason="the extra 'models' is not installed")
pytest.importorskip("transformers", reason="the extra 'models' is not installed")
pytest.importorskip("peft", reason="the extra 'models' is not installed")
pytest.importorskip("sacrebleu", reason="the extra 'train' is not installed")

from musiscene_training.cli import main
from musiscene_training.experiments.tiny_data import NEW_GENRES
from tests.support.daemons import home

pytestmark = [pytest.mark.models, pytest.mark.slow]

CUES = 24


def command(what, output, *more):
    return ["experiment", what, "--output", str(output), "--device", "cpu", *more]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A replication at tiny scale, killed twice on its way."""
    folder = tmp_path_factory.mktemp("experiments")
    begin = [sys.executable, "-m", "musiscene_training.cli"]
    begin += command("replication", folder / "replication", "--scale", "tiny", "--cues", str(CUES))
    for until in ("tiny/base/config.json", "runs/msi/training/checkpoints"):
        process = subprocess.Popen(begin, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 900
        while not (folder / "replication" / until).exists() and time.monotonic() < deadline:
            assert process.poll() is None
            time.sleep(0.05)
        process.kill()
        process.wait()
    done = subprocess.run(begin, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (folder / "said.txt").write_text(done.stdout)
    return folder


def result(folder):
    return json.loads((folder / "result.json").read_text())


def test_replication_killed_twice_ends_with_tables_and_msi_speaks_of_scenes(place):
    found = result(place / "replication")
    said = (place / "said.txt").read_text()
    assert "| 0.421 | 0.403 | 0.404 | 0.901 | published |" in said
    rows = {(one["name"], one["profile"]): one for one in found["captions"]["figures"]}
    assert {"MU-LLaMA", "MusiScene", "tags (LP-MusicCaps style)"} <= {name for name, _ in rows}
    scenes = {
        one["name"]: next(sign for sign in one["checks"] if sign["name"] == "no scene")["value"]
        for one in found["judged"]
    }
    # What the paper is about: only after MSI does a captioner speak of scenes.
    assert scenes["MusiScene"] < scenes["MU-LLaMA"]
    ours, theirs = (rows[name, "standard"]["rouge_l"] for name in ("MusiScene", "MU-LLaMA"))
    assert ours > theirs
    assert found["record"]["settings"]["training"]["phase"] == "msi"
    assert len(found["record"]["data_digest"]) == 64
    for name in ("table.md", "items.csv", "scores.png"):
        assert (place / "replication" / name).stat().st_size > 500
    with (place / "replication/items.csv").open() as file:
        assert {one["run"] for one in csv.DictReader(file)} == {"MU-LLaMA", "MusiScene"}


def test_the_same_command_again_does_nothing_again(place, capsys):
    before = {
        path: path.stat().st_mtime_ns for path in (place / "replication").glob("runs/**/*.json*")
    }
    again = command("replication", place / "replication", "--scale", "tiny", "--cues", str(CUES))
    assert main(again) == 0
    assert capsys.readouterr().out == (place / "said.txt").read_text()
    assert before == {path: path.stat().st_mtime_ns for path in before}
    assert main([*again, "--epochs", "3"]) == 2
    assert "holds another experiment" in capsys.readouterr().err


def on_the_same(place):
    tiny = place / "replication/tiny"
    given = ["--captioner", str(tiny / "pretrain/captioner"), "--data", str(tiny / "msi")]
    return [*given, "--rate", "3e-3", "--batch", "8", "--clip", "1"]


def test_capacity_trains_each_width_and_shows_quality_against_time(place, capsys):
    given = [*on_the_same(place), "--hidden", "8,64", "--epochs", "2", "--repeats", "2"]
    assert main(command("capacity", place / "capacity", *given)) == 0
    sizes = result(place / "capacity")["sizes"]
    assert [(one["hidden"], one["seed"]) for one in sizes] == [(8, 0), (8, 1), (64, 0), (64, 1)]
    # Three bridges with three matrices of 64 x hidden each.
    assert sizes[2]["trained"] - sizes[0]["trained"] == 3 * 3 * 64 * (64 - 8)
    assert all(one["seconds"] > 0 and one["loss"] > 0 for one in sizes)
    assert "hidden-64-seed-1: " in capsys.readouterr().out
    assert (place / "capacity/scores.png").read_bytes()[1:4] == b"PNG"


def test_generalisation_judges_by_genres_that_it_never_trained_on(place, capsys):
    rows = (place / "replication/tiny/msi/rows.jsonl").read_bytes().splitlines()
    held = {json.loads(one)["genre"] for one in rows} & set(NEW_GENRES)
    given = [*on_the_same(place), "--epochs", "2", "--left-out", ",".join(sorted(held))]
    assert main(command("generalisation", place / "generalisation", *given)) == 0
    found = result(place / "generalisation")
    rows = found["record"]["settings"]["rows"]
    assert rows["new genres"] == 2 * (CUES // 12)
    trained_on = (place / "generalisation/data/known/rows.jsonl").read_text()
    assert held
    assert not any(genre in trained_on for genre in held)
    assert {(one["name"], one["part"]) for one in found["judged"]} == {
        (name, part)
        for name in ("MU-LLaMA", "MusiScene")
        for part in ("known genres", "new genres")
    }
    assert "MusiScene new genres: " in capsys.readouterr().out


def test_table_3_is_made_with_music_of_the_daemon(place, tmp_path, monkeypatch, capsys):
    tiny = place / "replication/tiny"
    texts = tmp_path / "texts.jsonl"
    rows = [json.loads(line) for line in (tiny / "msi/rows.jsonl").read_bytes().splitlines()]
    texts.write_text(
        "".join(json.dumps({"id": one["id"], "video": "A dog runs home."}) + "\n" for one in rows)
    )
    given = ["--scale", "tiny", "--cues", str(CUES), "--music", "composer", "--texts", str(texts)]
    with home(tmp_path / "home") as daemon, daemon.connect():
        assert main(command("replication", place / "replication", *given)) == 0
    found = result(place / "replication")["music"]
    assert found["music"] == ["scene_imagination", "music", "video"]
    assert all(one["value"] > 0 for one in found["fads"])
    printed = " ".join(capsys.readouterr().out.split())
    assert "| MSI | 5.78 | 2.10 | published |" in printed
    held = place / "replication/music"
    counts = {path.name: len(list(path.glob("*.wav"))) for path in held.iterdir()}
    assert len(set(counts.values())) == 1
    assert set(counts) == {"reference", "scene_imagination", "music", "video"}
