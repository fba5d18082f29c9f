"""Captions and references read from files of every kind, and from bad ones."""

from __future__ import annotations

import json

import pytest

from musiscene_core.errors import InputError
from musiscene_training.evaluate.captions import (
    Item,
    looks_english,
    read_captions,
    read_training_texts,
)


def _lines(path, *rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_captions_with_their_references_in_json_lines(tmp_path):
    path = _lines(
        tmp_path / "said.jsonl",
        {"id": 7, "text": " a chase ", "references": ["a race", "a pursuit"]},
        {"id": "b", "caption": "a waltz", "reference": "a dance"},
    )
    found = read_captions(path)
    assert found.items == (
        Item("7", "a chase", ("a race", "a pursuit")),
        Item("b", "a waltz", ("a dance",)),
    )


def test_references_in_a_file_of_their_own_join_by_id(tmp_path):
    said = tmp_path / "said.csv"
    said.write_text('\ufeffid,text\nb,"a waltz, slow"\na,a chase\n', encoding="utf-8")
    wanted = tmp_path / "wanted.csv"
    wanted.write_text("id,reference_1,reference_2\na,a race,\nb,a dance,a ball\nc,a war,\n")
    found = read_captions(said, wanted)
    assert found.items == (
        Item("b", "a waltz, slow", ("a dance", "a ball")),
        Item("a", "a chase", ("a race",)),
    )
    assert found.unanswered == ("c",)


def test_a_file_of_references_may_call_them_text(tmp_path):
    said = _lines(tmp_path / "said.jsonl", {"id": "a", "text": "a chase"})
    wanted = _lines(tmp_path / "wanted.jsonl", {"id": "a", "text": "a race"})
    assert read_captions(said, wanted).items == (Item("a", "a chase", ("a race",)),)


def test_captions_in_parquet(tmp_path):
    arrow = pytest.importorskip("pyarrow", reason="the extra 'train' is not installed")
    from pyarrow import parquet

    table = arrow.table({"id": ["a"], "text": ["a chase"], "references": [["a race", None]]})
    parquet.write_table(table, tmp_path / "said.parquet")
    assert read_captions(tmp_path / "said.parquet").items == (Item("a", "a chase", ("a race",)),)
    (tmp_path / "cut.parquet").write_bytes((tmp_path / "said.parquet").read_bytes()[:-40])
    with pytest.raises(InputError, match="no Parquet file"):
        read_captions(tmp_path / "cut.parquet")


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.jsonl", b'{"id":1,"text":"x","reference":"y"}\n' * 2, "1 id \\(1\\) more than once"),
        ("a.jsonl", b'{"id":1,"text":" ","reference":"y"}', "1 empty caption \\(1\\)"),
        ("a.jsonl", b'{"id":1,"text":"x","reference":" "}', "no reference for 1 item \\(1\\)"),
        ("a.jsonl", b'{"text":"x","reference":"y"}', "a.jsonl:1 has no id"),
        ("a.jsonl", b'{"id":1,"text":"x"', "a.jsonl:1 is no JSON object"),
        ("a.jsonl", b"[" * 100_000, "a.jsonl:1 is no JSON object"),
        ("a.jsonl", b'{"id":1,"text":"\xff"}', "a.jsonl:1 is no JSON object"),
        ("a.jsonl", b"x" * (1 << 20) + b"yz", "longer than 1 MiB"),
        ("a.jsonl", b"", "has no rows"),
        ("a.csv", b"id,text,reference\na,x, or y,z\n", "a.csv:2 has more fields"),
        ("a.csv", b'id,text\na,"never closed\n', "no CSV file"),
        ("a.csv", b"id,text\na," + b"x" * 200_000, "no CSV file"),
        ("a.csv", b"id,text\na,\xff\xfe\n", "no CSV file"),
        ("a.csv", b"", "has no rows"),
        ("a.txt", b"a chase", "no kind that can be read"),
        ("a.parquet", b"PAR1", "no Parquet file|pyarrow"),
    ],
)
def test_bad_files_are_told_of_in_words(tmp_path, name, content, says):
    from musiscene_core.errors import MusiSceneError

    (tmp_path / name).write_bytes(content)
    with pytest.raises(MusiSceneError, match=says):
        read_captions(tmp_path / name)


def test_a_missing_file_is_told_of(tmp_path):
    for name in ("a.jsonl", "a.csv"):
        with pytest.raises(InputError, match="cannot be read"):
            read_captions(tmp_path / name)


def test_empty_captions_may_count_as_zero(tmp_path):
    path = _lines(tmp_path / "a.jsonl", {"id": "a", "text": "", "reference": "a race"})
    found = read_captions(path, count_empty=True)
    assert found.empty == ("a",)
    assert found.items[0].text == ""


def test_other_languages_are_noted(tmp_path):
    for text in (
        "La musique accompagne une lente promenade sous des arbres.",
        "Die Musik begleitet einen ruhigen Spaziergang unter alten Bäumen.",
        "音楽は静かで悲しい",
    ):
        assert not looks_english(text)
    assert looks_english("The music is suitable for a scene of sports competition.")
    assert looks_english("tense chase")


def test_training_text_comes_from_a_dataset_or_a_file(tmp_path):
    rows = [{"id": "a", "question": "What?", "answer": "a race", "sound": "a.wav"}]
    path = _lines(tmp_path / "rows.jsonl", *rows)
    assert read_training_texts(tmp_path) == read_training_texts(path) == ["a race"]
