"""Reels through the command line and a real daemon: batches that go on, and the watched folder."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest

from musiscene_core.codec import read_json
from musiscene_core.take import Take
from tests.support.timelines import clip, saved, small_movie, span, timeline, track

COMMAND = (sys.executable, "-m", "musiscene_plugins.cli.main")
CUES = {
    "1m1 Door": (0, 48, "RED", "tense, no drums; theme hero"),
    "River": (60, 48, "GREEN", "theme hero:vary; usage MT"),
}


class Desk:
    """A folder with a reel of 240 frames, and a daemon of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.film = small_movie(folder / "shot.mp4", frames=240)
        self.environment = {**os.environ, "MUSISCENE_HOME": str(folder / "home"), "COLUMNS": "200"}

    def reel(
        self, name: str, cues: dict[str, tuple[int, int, str, str]] = CUES, first: int = 0
    ) -> Path:
        shots = [
            clip("a", 120 - first, 24, start=first, url=str(self.film)),
            clip("b", 120, 24, start=120, url=str(self.film)),
        ]
        made = timeline(track("V1", "Video", *shots), start=86_400)
        for cue, (start, length, color, note) in cues.items():
            made.tracks.markers.append(
                otio.schema.Marker(
                    name=cue, marked_range=span(start, length, 24), color=color, comment=note
                )
            )
        (self.folder / name).parent.mkdir(exist_ok=True)
        return saved(made, self.folder / name)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*COMMAND, *arguments],
            env=self.environment,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str) -> tuple[int, str, str]:
        process = self.start(*arguments)
        said, errors = process.communicate(timeout=240)
        return process.returncode, said, errors

    def score(self, *arguments: str, code: int = 0) -> Any:
        done = self.run("score", *arguments, "--json")
        assert done[0] == code, f"{done[1]}{done[2]}"
        return json.loads(done[1])


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    made = Desk(tmp_path_factory.mktemp("reels"))
    yield made
    assert made.run("daemon", "stop")[0] == 0


def states(printed: Any) -> list[tuple[str, str, list[str]]]:
    return [(cue["name"], cue["state"], cue["changed"]) for cue in printed["cues"]]


def wait_for(wanted: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not wanted():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_reel_is_scored_kept_and_made_anew_where_it_changed(desk: Desk) -> None:
    desk.reel("reel.otio")
    first = desk.score("reel.otio", "--cues", "markers", "--output", "out")
    assert states(first) == [("1m1 Door", "made", []), ("River", "made", [])]
    written = otio.adapters.read_from_file(first["timeline"])
    music = [found for found in written.tracks if found.name.startswith("MusiScene ")]
    assert len(music) == 5
    placed = [[(c.range_in_parent(), c.enabled) for c in found.find_clips()] for found in music]
    assert placed == [[(span(0, 48, 24), True), (span(60, 48, 24), True)]] * 5
    door = read_json(desk.folder / "out/1m1 Door/take-1/take.json", Take)
    assert door.provenance.prompt == "tense, no drums"
    book = json.loads((desk.folder / "out/themes.json").read_bytes())
    assert [theme["name"] for theme in book["themes"]] == ["hero"]
    sheet = (desk.folder / "out/reel.cuesheet.csv").read_text("utf-8-sig").splitlines()
    assert [line.split(",")[:2] + line.split(",")[6:7] for line in sheet[1:3]] == [
        ["1m1", "Door", "BI"],
        ["1m2", "River", "MT"],
    ]

    before = {p: p.read_bytes() for p in (desk.folder / "out").rglob("*") if p.is_file()}
    again = desk.score("reel.otio", "--cues", "markers", "--output", "out")
    assert states(again) == [("1m1 Door", "kept", []), ("River", "kept", [])]
    assert again["timeline"] == first["timeline"]
    assert {p: p.read_bytes() for p in (desk.folder / "out").rglob("*") if p.is_file()} == before

    desk.reel("reel.otio", CUES | {"River": (60, 60, "GREEN", "theme hero:vary; usage MT")})
    third = desk.score("reel.otio", "--cues", "markers", "--output", "out")
    assert states(third)[0] == ("1m1 Door", "kept", [])
    name, state, why = states(third)[1]
    assert (name, state) == ("River", "made")
    assert "range" in why
    assert third["timeline"].endswith("reel.scored-2.otio")
    assert all(path.read_bytes() == data for path, data in before.items() if path.suffix == ".wav")

    code, said, why = desk.run("cuesheet", third["timeline"], "--json", "--output", "sheets")
    assert code == 0, why
    rows = json.loads(said)["rows"]
    assert [(row["number"], row["usage"], row["record"]["start"]) for row in rows] == [
        ("1m1", "BI", 86_400),
        ("1m2", "MT", 86_460),
    ]


def test_all_cues_are_fitted_to_a_recut_on_one_copy(desk: Desk) -> None:
    desk.reel("cut.otio")
    desk.score("cut.otio", "--cues", "markers", "--output", "cut")
    # Its markers went with the film, and do not limit what is looked at.
    desk.reel("recut.otio", {"1m1 Door": (0, 36, "", ""), "River": (48, 48, "", "")}, first=12)
    wanted = ("cut.otio", "recut.otio", "--takes", "cut", "--output", "fitted", "--json")
    code, said, why = desk.run("conform", *wanted)
    assert code == 0, why
    printed = json.loads(said)
    assert [(cue["cue"], cue["what"]) for cue in printed["cues"]] == [
        ("1m1 Door", "changed"),
        ("River", "moved"),
    ]
    assert [result["record"]["start"] for result in printed["results"]] == [86_400, 86_448]
    copies = {result["timeline"] for result in printed["results"]}
    assert copies == {str(desk.folder / "fitted" / "recut.scored.otio")}
    written = otio.adapters.read_from_file(copies.pop())
    music = [found for found in written.tracks if found.name.startswith("MusiScene ")]
    assert [len(list(found.find_clips())) for found in music] == [2] * 5
    assert len(list((desk.folder / "fitted").glob("*.otio"))) == 1


def test_a_cue_that_fails_stops_no_other(desk: Desk) -> None:
    desk.reel("holes.otio")
    (desk.folder / "cues.csv").write_text(
        "name,in,out,notes\nfar,999999,1000100,\nnear,0:0:0:0,x,\n"
    )
    refused = desk.run("score", "holes.otio", "--cues", "cues.csv")
    assert (refused[0], refused[1]) == (2, "")
    lines = "name,in,out,notes\nfar,99999,99999999,\nnear,01:00:00:00,01:00:02:00,calm\n"
    (desk.folder / "cues.csv").write_text(lines)
    printed = desk.score("holes.otio", "--cues", "cues.csv", "--output", "holes", code=2)
    assert states(printed) == [("near", "made", []), ("far", "failed", [])]
    assert printed["cues"][1]["error"]["code"] == "range"
    assert Path(printed["timeline"]).is_file()
    assert desk.run("score", "holes.otio", "--cues", "cues.csv", "--in", "3")[0] == 2


def test_interrupted_it_cancels_its_own_and_goes_on_later(desk: Desk) -> None:
    long = {f"cue {n}": (n * 24, 24 * 3, "RED", "") for n in range(7)}
    desk.reel("long.otio", long)
    running = desk.start("score", "long.otio", "--cues", "markers", "--output", "long")
    state = desk.folder / "long" / "long.reel.json"
    wait_for(state.exists)
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=60)
    assert running.returncode == 130
    done = json.loads(state.read_bytes())["cues"]
    jobs = [json.loads(line) for line in desk.run("jobs", "--json")[1].splitlines()]
    open_jobs = [job for job in jobs if job["state"] in ("queued", "running")]
    assert [job for job in open_jobs if not job["cancelling"]] == []
    printed = desk.score("long.otio", "--cues", "markers", "--output", "long")
    assert {name for name, state, _ in states(printed) if state == "kept"} == set(done)
    assert {state for _, state, _ in states(printed)} <= {"made", "kept"}


def test_exports_that_appear_in_pieces_are_scored_once_they_are_whole(desk: Desk) -> None:
    text = desk.reel("pieces.otio").read_bytes()
    folder = desk.folder / "watched"
    folder.mkdir()
    watching = desk.start("watch", str(folder), "--every", "0.4")
    try:
        (folder / "cut.otio").write_bytes(text[:900])
        (folder / ".hidden.otio").write_bytes(text)
        (folder / "half.otio.part").write_bytes(text)
        time.sleep(1.5)
        with (folder / "cut.otio").open("ab") as file:
            file.write(text[900:])
        wait_for((folder / "cut.scored.otio").exists)
        assert desk.run("watch", str(folder), "--once")[0] == 2
        wait_for((folder / ".musiscene-watch.json").exists)
    finally:
        watching.send_signal(signal.SIGINT)
        said, _ = watching.communicate(timeout=60)
    assert watching.returncode == 130
    assert "cut.otio: 2 of 2 cues -> cut.scored.otio" in said

    (folder / "bad.otio").write_bytes(text[:900])
    code, said, _ = desk.run("watch", str(folder), "--once", "--every", "0.2")
    assert code == 2
    assert "cut.otio" not in said
    assert (folder / "bad.error.txt").read_text().startswith("MusiScene: bad.otio was not scored.")
    (folder / "bad.otio").write_bytes(text)
    assert desk.run("watch", str(folder), "--once", "--every", "0.2")[0] == 0
    names = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
    assert names == {
        *("cut.otio", "cut.scored.otio", "cut-score", "half.otio.part"),
        *("bad.otio", "bad.scored.otio", "bad-score"),
    }
