"""Experiments: who is trained on what, how sure figures are, what goes on, what is shown."""

from __future__ import annotations

import json

import msgspec
import numpy as np
import pytest

pytest.importorskip("sacrebleu", reason="the extra 'train' is not installed")
pytest.importorskip("nltk", reason="the extra 'train' is not installed")
pytest.importorskip("rouge_score", reason="the extra 'train' is not installed")


from musiscene_core.errors import InputError, RequestError
from musiscene_training.cli import main
from musiscene_training.dataset import Dataset, Row, read_dataset
from musiscene_training.evaluate.captions import Captions
from musiscene_training.evaluate.scoring import evaluate_captions
from musiscene_training.experiments import capacity, generalisation, replication, study
from musiscene_training.experiments.generalisation import INSIDE, OUTSIDE
from musiscene_training.experiments.judged import (
    captions_of,
    gap,
    judged,
    resampled,
    spread,
)
from musiscene_training.experiments.made_music import other_captions
from musiscene_training.experiments.parts import choosing, held_back, trainable
from musiscene_training.experiments.study import Record, Run
from musiscene_training.holding import alone

pytestmark = pytest.mark.models

PNG = b"\x89PNG"
SCENES = (
    "The music suits a chase through a city at night, with cars and police.",
    "The music suits a wedding in a garden where friends dance.",
    "The music suits a lonely walk along the sea in the rain.",
)


def row(name, genre="", split="train", source=""):
    number = int(name.strip("abcdefghijklmnopqrstuvwxyz") or 0)
    return Row(
        id=name,
        question="What?",
        answer=SCENES[number % 3],
        sound=f"{name}.wav",
        split=split,
        genre=genre,
        source=source or name,
    )


def data(tmp_path, *rows):
    return Dataset(tmp_path, tuple(rows), ())


def record(**more):
    given = {"settings": {"seed": 0, "rows": {"train": 6}}, "captioner": "c", "data_digest": "d"}
    return Record(
        **{
            "experiment": "replication",
            "code": "x",
            "packages": {},
            "hardware": {},
            **given,
            **more,
        }
    )


def run_of(name, rows, texts):
    said = {one.id: text for one, text in zip(rows, texts, strict=True)}
    return Run(name=name, captioner="c", answers=said)


def test_of_two_splits_validation_is_held_back_and_chooses_nothing(tmp_path):
    two = data(tmp_path, row("a1"), row("b2", split="validation"))
    three = data(tmp_path, *two.rows, row("c3", split="test"))
    assert [one.id for one in held_back(two)] == ["b2"]
    assert choosing(two) == ()
    assert [one.id for one in held_back(three)] == ["c3"]
    assert [one.id for one in choosing(three)] == ["b2"]
    with pytest.raises(InputError, match="1 rows to train on and 0 held back") as refused:
        held_back(data(tmp_path, row("a1")))
    assert "sources" in refused.value.hint


def test_what_is_trained_on_is_written_with_its_media_where_it_was(tmp_path):
    given = data(tmp_path / "data", row("a1"), row("b2", split="validation"))
    made = trainable(tmp_path / "out", given, given.part("train"), ())
    (found,) = read_dataset(made).rows
    assert (found.id, found.split) == ("a1", "train")
    assert found.sound == str(tmp_path / "data/a1.wav")
    before = (made / "rows.jsonl").stat().st_mtime_ns
    trainable(tmp_path / "out", given, given.part("train"), ())
    assert (made / "rows.jsonl").stat().st_mtime_ns == before


def test_intervals_come_from_sources_since_rows_of_one_are_alike():
    chance = np.random.default_rng(0)
    means = chance.normal(size=40)
    values, sources = np.repeat(means, 25), np.repeat([f"s{number}" for number in range(40)], 25)
    drawn = resampled(values, sources, 4000, 0)
    # 25 copies of a row say no more than the row: the deviation is that of 40 draws, not of 1000.
    assert np.std(drawn) == pytest.approx(np.std(means) / np.sqrt(40), rel=0.05)
    found = spread(values, sources, 4000, 0)
    assert found.value == pytest.approx(means.mean())
    assert found.low < found.value < found.high
    assert found == spread(values, sources, 4000, 0)
    assert spread(values[:100], sources[:100], 4000, 0).low is None


def test_the_gap_is_a_difference_of_means_and_holds_what_it_should():
    chance = np.random.default_rng(1)
    names = [f"s{number}" for number in range(60)]
    near, far = chance.normal(0.5, 0.1, 60), chance.normal(0.3, 0.1, 60)
    found = gap((near, names), (far, names), 4000, 0)
    assert found.value == pytest.approx(near.mean() - far.mean())
    expected = 1.96 * np.sqrt(near.var() / 60 + far.var() / 60)
    assert found.high - found.value == pytest.approx(expected, rel=0.1)
    assert found.low > 0
    none = gap((near, names), (near, names), 4000, 0)
    assert none.low < 0 < none.high


def test_runs_are_judged_beside_their_floor_and_signs_are_told():
    rows = [row(f"r{number}", source=f"s{number % 6}") for number in range(12)]
    perfect, _ = judged(run_of("good", rows, [one.answer for one in rows]), rows, [])
    assert perfect.scores["rouge_l"].value == pytest.approx(1.0)
    assert perfect.floors["rouge_l"] < 0.8
    assert (perfect.items, perfect.sources) == (12, 6)
    bad = run_of("bad", rows, ["The music is upbeat and energetic."] * 12)
    found, items = judged(bad, rows, ["The music is upbeat and energetic."])
    told = " ".join(found.warnings)
    for sign in ("no scene", "upbeat and energetic", "most common caption", "copies of training"):
        assert sign in told
    assert (items[0].source, items[0].text) == ("s0", "The music is upbeat and energetic.")


def test_genres_left_out_are_never_trained_on_nor_their_sources(tmp_path):
    given = data(
        tmp_path,
        row("a1", "rock"),
        row("b2", "rock", source="mixed"),
        row("c3", "Classical", source="mixed"),
        row("d4", "classical", split="validation"),
        row("e5", "rock", split="validation"),
        row("f6", "", split="validation"),
    )
    parts = generalisation.parted(given, {}, ["classical"])
    assert [one.id for one in parts.training] == ["a1"]
    assert [one.id for one in parts.inside] == ["e5"]
    assert [one.id for one in parts.outside] == ["c3", "d4"]
    assert (parts.unnamed, parts.shared) == (1, 1)
    with pytest.raises(InputError, match="No row is of the genre jazz; there are: classical, rock"):
        generalisation.parted(given, {}, ["jazz"])
    with pytest.raises(InputError, match="no row of known genres is left to train on"):
        generalisation.parted(given, {}, ["rock", "classical"])


def test_genres_come_from_a_file_with_a_genre_or_with_labels(tmp_path):
    (tmp_path / "g.csv").write_text('id,genre\na1,"rock, folk"\nb2,classical\n')
    assert generalisation.read_genres(tmp_path / "g.csv")["a1"] == ("rock", "folk")
    (tmp_path / "g.jsonl").write_text('{"id": "a1", "labels": ["/m/04rlf", "/m/0ggq0m"]}\n')
    assert generalisation.read_genres(tmp_path / "g.jsonl")["a1"] == ("/m/04rlf", "/m/0ggq0m")
    (tmp_path / "n.csv").write_text("id,tempo\na1,90\n")
    with pytest.raises(InputError, match="names no genres"):
        generalisation.read_genres(tmp_path / "n.csv")


def test_generalisation_is_shown_with_its_gap(tmp_path):
    inside = [row(f"a{number}", "rock") for number in range(6)]
    outside = [row(f"b{number}", "folk, classical") for number in range(6)]
    run = run_of("MusiScene", [*inside, *outside], [one.answer for one in inside] + [SCENES[0]] * 6)
    parts = [judged(run, inside, [], part=INSIDE), judged(run, outside, [], part=OUTSIDE)]
    scored = [one for _, some in parts for one in some]
    found = generalisation.Generalisation(
        record=record(),
        judged=tuple(one for one, _ in parts),
        gaps=generalisation.gaps("MusiScene", scored, 500, 0),
        genres=generalisation.by_genre("MusiScene", scored, 500, 0),
        outside=("classical",),
    )
    rouge = next(one for one in found.gaps if one.metric == "rouge_l").value
    means = [np.mean([one.rouge_l for one in some]) for _, some in parts]
    assert rouge.value == pytest.approx(means[0] - means[1])
    assert rouge.low > 0
    assert {name: count for name, (count, _) in found.genres.items()} == {
        "rock": 6,
        "folk": 6,
        "classical": 6,
    }
    text = generalisation.table(found)
    assert "| classical | new |" in text
    assert generalisation.plot(found)[:4] == PNG


@pytest.mark.parametrize("text", ["", "wide", "0", "256;512", "-4"])
def test_widths_that_are_none_are_refused(text):
    with pytest.raises(RequestError, match="lists no widths"):
        capacity.widths(text)


def test_capacity_is_shown_against_time():
    rows = [row(f"r{number}") for number in range(6)]
    found, _ = judged(run_of("x", rows, [one.answer for one in rows]), rows, [])
    assert capacity.widths("1024, 256,256") == (1024, 256)
    sizes = tuple(
        capacity.Size(
            hidden=width,
            seed=0,
            trained=width * 9,
            steps=4,
            seconds=width / 9,
            loss=2.0,
            judged=found,
        )
        for width in (256, 512)
    )
    made = capacity.Capacity(record=record(), sizes=sizes)
    assert "| 512    | 0    | 4,608   | 56.9    | 2.000 |" in capacity.table(made)
    assert capacity.plot(made)[:4] == PNG


def test_replication_has_the_paper_s_rows_marked_as_published():
    rows = [row(f"r{number}") for number in range(6)]
    run = run_of("MusiScene", rows, [one.answer for one in rows])
    given = captions_of(rows, run.answers)
    others = {"MU-LLaMA": ["The music is slow and has a piano."] * 6}
    report, _ = evaluate_captions(given, "MusiScene", [], None, others)
    found = replication.Replication(
        record=record(),
        captions=report,
        judged=(judged(run, rows, [])[0],),
        trained=608_200_000,
        steps=1,
        seconds=2.0,
        notes=("A note.",),
    )
    text = replication.table(found)
    (ours,) = [
        line for line in text.splitlines() if line.startswith("| MusiScene") and "here" in line
    ]
    assert ours.split("|")[2].strip() == "1.000"
    assert "| 0.421 | 0.403 | 0.404 | 0.901 | published |" in text
    assert "608,200,000 numbers trained" in text
    assert text.endswith("- A note.\n")
    assert replication.plot(found)[:4] == PNG


def test_what_was_not_heard_and_what_says_nothing_is_counted():
    rows = [row("a1"), row("b2"), row("c3")]
    found = captions_of(rows, {"a1": "La musique convient à une scène de poursuite.", "b2": ""})
    assert isinstance(found, Captions)
    assert (found.unanswered, found.empty, found.foreign) == (("c3",), ("b2",), ("a1",))


def test_an_experiment_goes_on_only_as_it_was_begun(tmp_path):
    assert study.begin(tmp_path, record()) == record()
    later = record(code="y")
    # Other code goes on; what it ran with stands with each run.
    assert study.begin(tmp_path, later).code == "x"
    with pytest.raises(RequestError, match="seed was 0, not 1") as refused:
        study.begin(tmp_path, record(settings={"seed": 1, "rows": {"train": 6}}))
    assert "--output" in refused.value.hint
    with pytest.raises(RequestError, match="the data are not the same"):
        study.begin(tmp_path, record(data_digest="e"))
    with pytest.raises(RequestError, match="it is replication, not capacity"):
        study.begin(tmp_path, record(experiment="capacity"))


def test_a_folder_of_other_things_and_one_in_use_are_refused(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(RequestError, match="no experiment was begun there"):
        study.check_folder(tmp_path)
    with (
        alone(tmp_path / "out"),
        pytest.raises(RequestError, match=r"Another process \(\d+\) is at work"),
        alone(tmp_path / "out"),
    ):
        pass
    study.check_folder(tmp_path / "out")


def test_captions_of_pictures_are_read_as_a_build_writes_them(tmp_path):
    path = tmp_path / "texts.jsonl"
    lines = [{"id": "a", "video": "A dog.", "fusion": ""}, {"id": "b", "video": " "}]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert other_captions(path) == {"video": {"a": "A dog."}}
    path.write_text('{"id": "a", "music": "x"}\n')
    with pytest.raises(InputError, match="no captions of pictures"):
        other_captions(path)


def test_what_makes_no_sense_is_refused_before_anything_is_made(tmp_path, capsys, monkeypatch):
    out = ["--output", str(tmp_path / "out")]
    assert main(["experiment", "capacity", *out, "--hidden", "wide"]) == 2
    assert main(["experiment", "generalisation", *out]) == 2
    assert "--left-out classical" in capsys.readouterr().err
    assert main(["experiment", "replication", *out, "--most-bad", "3"]) == 2
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert main(["experiment", "replication", *out]) == 2
    assert "--processes" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_rows_keep_their_genre_through_a_file(tmp_path):
    from musiscene_training.dataset import write_rows

    write_rows(tmp_path, [msgspec.structs.replace(row("a1"), genre="classical")])
    assert read_dataset(tmp_path).rows[0].genre == "classical"
