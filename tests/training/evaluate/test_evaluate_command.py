"""`musiscene-train evaluate msi`, from the outside."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from musiscene_training.cli import main

WANTED = {
    "a": "A detective follows a stranger through the rain.",
    "b": "Children play in the garden on a summer day.",
    "c": "=Two armies meet on the battlefield at dawn.",
}
SAID = {**WANTED, "b": "The music is upbeat and energetic."}


def _write(path, texts, name):
    path.write_text(
        "".join(json.dumps({"id": key, name: text}) + "\n" for key, text in texts.items())
    )
    return str(path)


def _needs_metrics():
    for needed in ("nltk", "rouge_score", "sacrebleu"):
        pytest.importorskip(needed, reason="the extra 'train' is not installed")


@pytest.fixture
def named(tmp_path):
    return [
        "evaluate",
        "msi",
        _write(tmp_path / "said.jsonl", SAID, "text"),
        "--references",
        _write(tmp_path / "wanted.jsonl", WANTED, "reference"),
        "--output",
        str(tmp_path / "out"),
    ]


@pytest.mark.models
def test_it_prints_and_writes_what_it_found(named, tmp_path, capsys):
    _needs_metrics()
    assert main([*named, "--training", str(tmp_path / "wanted.jsonl"), "--name", "ours"]) == 2
    assert "has no text" in capsys.readouterr().err
    learnt = _write(tmp_path / "learnt.jsonl", {"x": WANTED["a"]}, "answer")
    assert main([*named, "--training", learnt, "--name", "ours"]) == 0
    printed = capsys.readouterr().out
    out = tmp_path / "out"
    assert printed.startswith((out / "table.md").read_text())
    assert "| MusiScene (table 2)" in printed
    assert "BERTScore needs --bert DIR" in printed
    assert (out / "scores.png").read_bytes()[1:4] == b"PNG"

    result = json.loads((out / "result.json").read_text())
    rows = {(row["name"], row["profile"]): row for row in result["figures"]}
    ours, floor = rows["ours", "standard"], rows["floor: others' references", "standard"]
    assert ours["rouge_l"] > 0.6 > floor["rouge_l"]
    assert ours["bert"] is None
    assert rows["MusiScene (table 2)", "published"]["bleu"] == 0.421
    signs = {check["name"]: check["value"] for check in result["checks"]}
    assert signs["copies of training text"] == pytest.approx(1 / 3)

    with (out / "items.csv").open(newline="") as file:
        items = {row["id"]: row for row in csv.DictReader(file)}
    assert (items["a"]["bleu"], items["a"]["copied"]) == ("1.0000", "True")
    assert (items["b"]["scene"], items["b"]["upbeat"]) == ("False", "True")
    assert items["c"]["text"] == "'" + WANTED["c"]
    mean = np.mean([float(item["rouge_l"]) for item in items.values()])
    assert mean == pytest.approx(ours["rouge_l"], abs=1e-4)


@pytest.mark.models
def test_a_dataset_of_one_is_scored_without_a_floor(tmp_path, capsys):
    _needs_metrics()
    said = tmp_path / "said.csv"
    said.write_text("id,text,reference\na,a slow waltz,a slow waltz\n")
    assert main(["evaluate", "msi", str(said), "--output", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert "One item has no floor" in printed
    assert "floor: others" not in printed


def test_it_never_writes_over_anything(named, tmp_path, capsys):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("kept")
    assert main(named) == 2
    assert "not empty" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]
    assert main([*named[:-1], str(tmp_path / "said.jsonl")]) == 2


def test_a_folder_without_a_bert_is_told_of(named, tmp_path, capsys):
    assert main([*named, "--bert", str(tmp_path)]) == 2
    assert "holds no model" in capsys.readouterr().err


@pytest.mark.models
def test_captions_from_tags_have_a_row(named, tmp_path, capsys):
    _needs_metrics()
    tags = tmp_path / "tags.csv"
    tags.write_text('id,tags\na,"rain, detective"\nb,calm\n')
    assert main([*named, "--tags", str(tags)]) == 2
    assert "no tags for 1 of the captions, such as c" in capsys.readouterr().err
    tags.write_text('id,tags\na,"rain, detective"\nb,calm\nc,\n')
    assert main([*named, "--tags", str(tags)]) == 2
    assert "no tags for 1 of its rows, such as c" in capsys.readouterr().err
    tags.write_text('id,tags\na,"rain, detective"\nb,"children, garden"\nc,armies\n')
    assert main([*named, "--tags", str(tags)]) == 0
    rows = json.loads((tmp_path / "out" / "result.json").read_text())["figures"]
    found = {row["name"]: row for row in rows if row["profile"] == "standard"}
    row = found["tags (LP-MusicCaps style)"]
    assert 0 < row["rouge_l"] < found["said"]["rouge_l"]
    assert "| tags (LP-MusicCaps style)" in capsys.readouterr().out
