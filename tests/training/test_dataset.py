"""The dataset's form: what is read, what is refused in words, and who is on which side."""

from __future__ import annotations

import json

import msgspec
import pytest

from musiscene_core.errors import InputError
from musiscene_training.dataset import ROWS_FILE, Row, read_dataset, split_of, write_rows

GOOD = {"id": "a", "question": "What?", "answer": "Slow.", "sound": "a.wav"}


def written(folder, *rows):
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    (folder / ROWS_FILE).write_text("\n".join(lines), encoding="utf-8")
    return folder


def test_rows_come_back_as_they_were_written(tmp_path):
    rows = [
        Row(id="a", question="What?", answer="Slow.", sound="a.wav", end_s=2.5, split="test"),
        Row(id="b", question="¿Qué?", answer="静か", features="b.npy", split="train"),
    ]
    write_rows(tmp_path, rows)
    read = read_dataset(tmp_path)
    assert read.rows == tuple(rows)
    assert read.problems == ()
    assert read.part("test") == (rows[0],)


@pytest.mark.models
def test_the_same_rows_in_parquet_are_the_same_dataset(tmp_path):
    pyarrow = pytest.importorskip("pyarrow", reason="the extra 'train' is not installed")
    from pyarrow import parquet

    rows = [{**GOOD, "id": str(number), "end_s": None, "more": number} for number in range(5)]
    (tmp_path / "lines").mkdir()
    written(tmp_path / "lines", *rows)
    (tmp_path / "tables").mkdir()
    for name, part in (("1.parquet", rows[:2]), ("2.parquet", rows[2:])):
        parquet.write_table(pyarrow.Table.from_pylist(part), tmp_path / "tables" / name)
    lines, tables = read_dataset(tmp_path / "lines"), read_dataset(tmp_path / "tables")
    assert tables.rows == lines.rows
    assert tables.digest == lines.digest
    whole = (tmp_path / "tables/2.parquet").read_bytes()
    (tmp_path / "tables/2.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"2\.parquet is no Parquet file"):
        read_dataset(tmp_path / "tables")


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({**GOOD, "id": "a"}, "has this id"),
        ({**GOOD, "id": "b", "answer": " \n"}, "answer is empty"),
        ({**GOOD, "id": "b", "question": ""}, "question is empty"),
        ({**GOOD, "id": "b", "sound": ""}, "neither sound nor features"),
        ({**GOOD, "id": "b", "start_s": 3, "end_s": 2}, "ends before it begins"),
        ({**GOOD, "id": ""}, "no row"),
        ({**GOOD, "id": "b", "answer": 7}, "no row"),
        ({**GOOD, "id": "b", "split": "dev"}, "no row"),
        ("{", "no row"),
        ("[" * 100_000, "no row"),
        ('{"id": "b", "start_s": NaN}', "no row"),
    ],
)
def test_a_row_that_cannot_be_used_is_told_and_the_others_are_kept(tmp_path, row, why):
    read = read_dataset(written(tmp_path, GOOD, row, {**GOOD, "id": "c"}))
    assert [one.id for one in read.rows] == ["a", "c"]
    (problem,) = read.problems
    assert why in problem.why
    assert problem.row


def test_a_folder_without_a_row_to_use_says_what_a_row_needs(tmp_path):
    with pytest.raises(InputError, match="holds no dataset"):
        read_dataset(tmp_path)
    with pytest.raises(InputError, match="holds no dataset"):
        read_dataset(tmp_path / "absent")
    written(tmp_path, {**GOOD, "answer": ""})
    with pytest.raises(InputError, match=r"a: The answer is empty") as refused:
        read_dataset(tmp_path)
    assert "id, question, answer" in refused.value.hint


def test_a_line_without_an_end_is_refused_before_it_fills_the_memory(tmp_path):
    with (tmp_path / ROWS_FILE).open("wb") as file:
        file.truncate(1 << 32)
    with pytest.raises(InputError, match="longer than 1 MiB"):
        read_dataset(tmp_path)


def test_rows_of_one_source_stay_together_and_new_rows_move_none(tmp_path):
    rows = [
        {**GOOD, "id": f"{film} {take}", "source": f"film {film}"}
        for film in range(200)
        for take in range(2)
    ]
    read = read_dataset(written(tmp_path, *rows))
    sides = {}
    for row in read.rows:
        assert sides.setdefault(row.source, row.split) == row.split
    held_back = sum(side == "validation" for side in sides.values())
    assert 20 <= held_back <= 60
    fewer = read_dataset(written(tmp_path, *rows[:100]))
    assert all(sides[row.source] == row.split for row in fewer.rows)
    assert split_of("anything", 1.0) == "validation"


def test_a_single_recording_is_trained_on_whichever_side_it_was_drawn(tmp_path):
    held = next(name for name in map(str, range(99)) if split_of(f"{name}.wav") == "validation")
    one = Row(id="a", question="What?", answer="Rain.", sound=f"{held}.wav")
    write_rows(tmp_path, [one])
    assert [row.split for row in read_dataset(tmp_path).rows] == ["train"]
    write_rows(tmp_path, [msgspec.structs.replace(one, split="validation")])
    assert [row.split for row in read_dataset(tmp_path).rows] == ["validation"]
