"""What came of it: files, figures, one listener, unfinished forms."""

from __future__ import annotations

import csv
import json

import pytest

from musiscene_core.codec import to_json
from musiscene_training.cli import main
from musiscene_training.survey.plan import Item, Survey
from musiscene_training.survey.questions import FORMS
from musiscene_training.survey.store import RATINGS_FILE, Store

SCENES, SYSTEMS = ("one", "two"), ("=ours", "original", "random")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "media").mkdir()
    items = []
    for scene in SCENES:
        for system in SYSTEMS:
            name = f"{len(items)}.flac"
            (tmp_path / "media" / name).write_bytes(b"")
            items.append(
                Item(
                    scene=scene,
                    system=system,
                    file=name,
                    source="x.wav",
                    loudness_lufs=-20.0,
                    gain_db=-3.0,
                    length_s=1.0,
                )
            )
    survey = Survey(
        title="Trial",
        questions=FORMS["suitability"],
        scenes=SCENES,
        systems=SYSTEMS,
        reference="original",
        seed=7,
        loudness_lufs=-23.0,
        has_picture=False,
        texts={},
        items=tuple(items),
    )
    (tmp_path / "survey.json").write_bytes(to_json(survey))
    return tmp_path, survey, Store(tmp_path)


def take_part(survey, store, values, scenes=SCENES, remark=None):
    """A listener who gives each system its value, and one more in the second scene."""
    listener = store.begin(survey)
    for version in store.versions(listener.number):
        if version.scene in scenes and version.system in values:
            value = values[version.system] + SCENES.index(version.scene)
            store.rate(version.token, "suitability", value)
    if remark is not None:
        store.finish(listener.number, remark)
    return listener


def results(path, capsys, code=0):
    assert main(["survey", "results", str(path)]) == code
    return capsys.readouterr()


def test_means_the_anova_and_every_rating(folder, capsys):
    path, survey, store = folder
    take_part(survey, store, {"=ours": 70, "original": 80, "random": 20}, remark="Too\nlong")
    take_part(survey, store, {"=ours": 60, "original": 70, "random": 30}, remark="")
    take_part(survey, store, {"=ours": 50, "original": 75, "random": 25}, scenes=("one",))
    # Rated in one system alone: nothing to compare it with.
    take_part(survey, store, {"=ours": 0}, scenes=("one",))
    said = results(path, capsys).out
    assert "4 began, 2 finished. 2 scenes, 3 systems, all at -23.0 LUFS, seed 7." in said
    assert (
        "3 listeners, 15 ratings; 1 rating of scenes not rated for every system left out." in said
    )
    assert "- 1: Too long" in said
    table = json.loads((path / "results" / "result.json").read_text())["outcomes"][0]
    assert table["means"] == [[70.5, 80.5, 20.5], [60.5, 70.5, 30.5], [50.0, 75.0, 25.0]]
    rows = table["means"]
    grand = sum(map(sum, rows)) / 9
    columns = [sum(column) / 3 for column in zip(*rows, strict=True)]
    systems = 3 * sum((column - grand) ** 2 for column in columns)
    listeners = 3 * sum((sum(row) / 3 - grand) ** 2 for row in rows)
    total = sum((value - grand) ** 2 for row in rows for value in row)
    f = (systems / 2) / ((total - systems - listeners) / 4)
    assert table["anova"]["f"] == pytest.approx(f)
    assert f"F(2, 4) = {f:.3f}" in said
    assert "original (hidden reference)" in said
    with (path / "results" / "ratings.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 16
    first = next(
        row
        for row in rows
        if row["listener"] == "1" and row["scene"] == "two" and row["system"] == "original"
    )
    assert (first["question"], first["value"], first["finished"]) == ("suitability", "81", "1")
    # A spreadsheet shall not run a system's name.
    assert {row["system"] for row in rows} == {"'=ours", "original", "random"}
    assert (path / "results" / "ratings.png").read_bytes()[:4] == b"\x89PNG"
    with (path / "results" / "systems.csv").open(newline="") as file:
        figures = {row["system"]: row for row in csv.DictReader(file)}
    assert float(figures["original"]["mean"]) == pytest.approx(75.3333, abs=1e-3)
    assert figures["original"]["reference"] == "1"


def test_one_listener_gets_means_and_is_told_why_no_more(folder, capsys):
    path, survey, store = folder
    take_part(survey, store, {"=ours": 70, "original": 80, "random": 20})
    said = results(path, capsys).out
    assert "1 listener, 6 ratings." in said
    assert "One listener: no interval and no test." in said
    assert "difference" not in said
    assert (path / "results" / "ratings.png").is_file()
    # Again, when more have come.
    take_part(survey, store, {"=ours": 60, "original": 90, "random": 20})
    assert "2 listeners, 12 ratings." in results(path, capsys).out


def test_nobody_yet_is_told_and_nothing_is_lost(folder, capsys):
    path, survey, store = folder
    assert "Nobody has rated" in results(path, capsys, 2).err
    take_part(survey, store, {"=ours": 70})
    assert "Nobody has rated all versions" in results(path, capsys, 2).err
    assert len((path / "results" / "ratings.csv").read_text().splitlines()) == 3
    (path / RATINGS_FILE).unlink()
    assert "Nobody has rated" in results(path, capsys, 2).err
    assert not (path / RATINGS_FILE).exists()


def test_damaged_ratings_are_told_and_kept(folder, capsys):
    path, _, _ = folder
    for beside in path.glob(f"{RATINGS_FILE}-*"):
        beside.unlink()
    (path / RATINGS_FILE).write_bytes(b"no database at all, but longer than its header" * 9)
    said = results(path, capsys, 2).err
    assert "is damaged" in said
    assert "Move it away" in said
    assert (path / RATINGS_FILE).read_bytes().startswith(b"no database")
