"""`musiscene-train evaluate music`, from the outside, without weights."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from musiscene_training.cli import main
from tests.support.made_music import make_music
from tests.support.make_media import make_sound

NAMES = ("a", "b", "c", "d", "e", "f")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    place = tmp_path_factory.mktemp("music")
    make_music(place / "reference", NAMES)
    make_music(place / "near", NAMES)
    make_music(place / "far", NAMES, shift=7)
    return place


@pytest.fixture(scope="module")
def evaluated(folders, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "found"
    words = folders / "words.jsonl"
    words.write_text(
        "".join(
            json.dumps({"id": name, "text": f"=music at {90 + 10 * number} BPM"}) + "\n"
            for number, name in enumerate(NAMES)
        )
    )
    places = [str(folders / name) for name in ("reference", "near", "far")]
    given = ["evaluate", "music", *places, "--captions", str(words), "--output", str(out)]
    assert main([*given, "--draws", "20"]) == 0
    return out


def test_it_writes_figures_rows_and_a_plot(evaluated):
    result = json.loads((evaluated / "result.json").read_text())
    fads = {one["music"]: one for one in result["fads"]}
    assert fads["near"]["value"] == pytest.approx(0.0, abs=1e-3)
    assert fads["far"]["value"] > 1.0
    assert fads["far"]["dimensions"] == 26
    assert fads["far"]["low"] < fads["far"]["high"]
    means = {(one["music"], one["what"]): one for one in result["means"]}
    assert means["near", "loudness, LUFS"]["sounds"] == 6
    assert (evaluated / "scores.png").read_bytes()[1:4] == b"PNG"
    with (evaluated / "items.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["music"], row["name"]) for row in rows][5:7] == [("near", "f"), ("far", "a")]
    assert rows[0]["caption"] == "'=music at 90 BPM"
    assert float(rows[1]["measured.tempo_wanted"]) == 100.0


def test_the_table_has_the_papers_rows_and_its_warnings(evaluated):
    table = (evaluated / "table.md").read_text()
    assert "SAMPLE SIZE: the FAD of near (mfcc)" in table
    assert "not comparable with any published" in table
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()]
    assert ["MSI", "5.78", "2.10", "published"] in lines
    assert ["Herrmann-1", "0.73", "4.85", "published"] in lines
    assert ["near", "0.00", "-", "here"] in lines
    assert ["far", "FAD mfcc"] in [line[:2] for line in lines]


def test_a_background_gives_the_original_tracks_a_row(folders, tmp_path, capsys):
    places = [str(folders / name) for name in ("reference", "far")]
    extra = ["--background", str(folders / "near"), "--draws", "0", "--output", str(tmp_path / "o")]
    assert main(["evaluate", "music", *places, *extra]) == 0
    lines = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in capsys.readouterr().out.splitlines()
    ]
    assert ["original tracks", "0.00", "0.00", "here"] in lines


def test_sounds_that_cannot_be_heard_are_left_out_until_they_are_too_many(
    folders, tmp_path, capsys
):
    bad = make_music(tmp_path / "bad", NAMES[:4])
    make_sound(bad / "e.wav", np.zeros((1, 8000), np.float32), rate=8000)
    command = ["evaluate", "music", str(folders / "reference"), str(bad), "--draws", "0"]
    assert main([*command, "--output", str(tmp_path / "one")]) == 0
    assert "1 sounds of bad cannot be heard and are left out: e" in capsys.readouterr().out
    (bad / "f.wav").write_bytes(b"RIFF")
    assert main([*command, "--output", str(tmp_path / "two")]) == 2
    assert "2 of 6 sounds" in capsys.readouterr().err
    assert main([*command, "--most-bad", "1", "--output", str(tmp_path / "three")]) == 0
    capsys.readouterr()
    for name in NAMES[:4]:
        (bad / f"{name}.wav").write_bytes(b"RIFF")
    assert main([*command, "--most-bad", "1", "--output", str(tmp_path / "four")]) == 2
    assert "cannot be heard" in capsys.readouterr().err


def test_one_short_sound_has_no_fad_and_is_told_so(folders, tmp_path, capsys):
    one = make_music(tmp_path / "one", ["a"], seconds=0.9)
    command = ["evaluate", "music", str(folders / "reference"), str(one)]
    assert main([*command, "--output", str(tmp_path / "out")]) == 0
    assert "must have two windows of 1 s or more" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        (["--embedding", "nonsense"], "no embedding"),
        (["--embedding", "vggish:/nowhere/x.pth"], "is not there"),
        (["--classifier", "mfcc"], "no classifier"),
        (["--most-bad", "2"], "0 to 1"),
        (["--captions", "/nowhere.csv"], "cannot be read"),
    ],
)
def test_mistakes_are_told_before_anything_is_heard(folders, tmp_path, capsys, extra, said):
    places = [str(folders / "reference"), str(folders / "near")]
    assert main(["evaluate", "music", *places, "--output", str(tmp_path / "o"), *extra]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "o").exists()
