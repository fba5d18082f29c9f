"""Instrument stems, loops, alternates and the gallery from the command line, with a real daemon."""

from __future__ import annotations

import csv
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest

from musiscene_core.codec import read_json
from musiscene_core.errors import RequestError
from musiscene_core.reporting.gallery_page import gallery_page
from musiscene_core.request import ALTERNATES
from musiscene_core.take import Take
from musiscene_plugins.cli.inputs import parse_alternates
from tests.plugins.test_cli_end_to_end import Desk


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    made = Desk(tmp_path_factory.mktemp("desk"))
    yield made
    assert made.run("daemon", "stop").returncode == 0


def frames_of(path: Path) -> int:
    with wave.open(str(path)) as file:
        return file.getnframes()


def test_compose_writes_what_it_lists(desk: Desk) -> None:
    wanted = ("--mood", "tense", "--duration", "4", "--output", "out", "--stems", "instruments")
    done = desk.run(
        *("compose", *wanted, "--loop", "--alternates", "no-drums,15s,stinger"),
        "--alternate-stems",
    )
    assert done.returncode == 0, done.stderr
    folder = desk.folder / "out"
    take = read_json(folder / "take.json", Take)
    assert [other.name for other in take.alternates] == ["no-drums", "stinger"]
    assert all((folder / name).is_file() for name in take.files)
    assert {frames_of(folder / stem.path) for stem in take.stems} == {192_000}
    assert take.loop
    assert all(stem.name for stem in take.stems)
    for other in take.alternates:
        assert frames_of(folder / other.mix) == other.length_samples
        seconds = other.length_samples / 48_000
        assert f"{other.name}: {seconds:.2f} s, {other.loudness_lufs:.1f} LUFS" in done.stdout
    assert take.alternates[1].stems
    assert "Note: The loop is played at" in done.stdout
    assert "Note: No 15s version" in done.stdout


def test_the_library_counts_the_bytes_of_alternates(desk: Desk) -> None:
    desk.run("compose", "--mood", "calm", "--duration", "2", "--cue", "plain", "--output", "a")
    wanted = ("--mood", "calm", "--duration", "2", "--cue", "more", "--output", "b")
    desk.run("compose", *wanted, "--alternates", "no-melody,no-drums")
    size = {one["cue"]: one["size_bytes"] for one in desk.json_lines("takes")}
    assert size["more"] - size["plain"] > 2 * 2 * 48_000 * 6


def test_the_gallery_has_a_player_and_figures_for_each_cue(desk: Desk) -> None:
    done = desk.run(
        *("gallery", "--output", "gallery", "--idioms", "heroic,ambient pad"),
        *("--seeds", "1", "--seconds", "5"),
    )
    assert done.returncode == 0, done.stderr
    folder = desk.folder / "gallery"
    rows = list(csv.DictReader((folder / "gallery.csv").read_text().splitlines()))
    assert [row["idiom"] for row in rows] == ["heroic", "ambient pad"]
    page = (folder / "index.html").read_text()
    for row in rows:
        assert frames_of(folder / row["file"]) == 240_000
        assert float(row["loudness_lufs"]) == pytest.approx(-16.0, abs=1.0)
        assert float(row["true_peak_dbtp"]) <= -1.5
        assert 0.0 < float(row["correlation"]) < 0.9
        assert len([name for name in row if name.startswith("octave_")]) == 9
        assert f'src="{row["file"]}"' in page
    jobs = {job["cue"]: job["kind"] for job in desk.json_lines("jobs")}
    assert jobs["heroic 1"] == jobs["ambient pad 1"] == "compose"
    again = desk.run("gallery", "--output", "gallery")
    assert again.returncode == 2
    assert "holds something already" in again.stderr


def test_a_gallery_of_no_idiom_of_ours_is_refused(desk: Desk) -> None:
    done = desk.run("gallery", "--output", "none", "--idioms", "polka")
    assert done.returncode == 2
    assert "There is no idiom 'polka'" in done.stderr
    assert not (desk.folder / "none").exists()


def test_names_of_alternates_are_read_in_any_order_and_case() -> None:
    assert parse_alternates(" all ") == ALTERNATES
    assert parse_alternates("") == ()
    assert parse_alternates("Stinger, no-melody,stinger") == ("no-melody", "stinger")
    with pytest.raises(RequestError, match="no alternate 'solo'"):
        parse_alternates("solo")


def test_what_stands_on_the_page_of_a_gallery_stays_text() -> None:
    page = gallery_page("a <b>", ["<i>"], [("x y&.wav", [("<script>", False), ("1", True)])])
    assert "<script>" not in page
    assert "a &lt;b&gt;" in page
    assert 'src="x%20y%26.wav"' in page
    assert page.count('class="off"') == 1
