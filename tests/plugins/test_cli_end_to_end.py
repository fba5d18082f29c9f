"""The commands through a real daemon, on a real if tiny movie."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest

from musiscene_core.brief import SceneBrief
from musiscene_core.codec import read_json, to_json
from musiscene_core.cue import STEM_ROLES
from musiscene_core.media import probe
from musiscene_core.ranges import FrameRange
from musiscene_core.take import Take
from musiscene_plugins.host import RangeChoice
from musiscene_plugins.otio import open_timeline
from tests.support.timelines import clip, gap, saved, small_movie, span, timeline, track

COMMAND = (sys.executable, "-m", "musiscene_plugins.cli.main")


class Desk:
    """A folder with a film, a daemon of its own, and the command line."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.film = small_movie(folder / "film.mp4", frames=96)
        self.environment = {**os.environ, "MUSISCENE_HOME": str(folder / "home"), "COLUMNS": "200"}

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *arguments],
            env=self.environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*COMMAND, *arguments],
            env=self.environment,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def json(self, *arguments: str) -> Any:
        done = self.run(*arguments, "--json")
        assert (done.returncode, done.stderr) == (0, ""), done
        return json.loads(done.stdout)

    def json_lines(self, *arguments: str) -> list[Any]:
        done = self.run(*arguments, "--json")
        assert done.returncode == 0, done
        return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    made = Desk(tmp_path_factory.mktemp("desk"))
    yield made
    assert made.run("daemon", "stop").returncode == 0


def test_spot_prints_the_brief_and_saves_and_draws_it(desk: Desk) -> None:
    printed = desk.json("spot", "film.mp4", "--save", "brief.json", "--plot", "brief.png")
    assert {"shots", "dialogue", "hit_points", "emotion_curve", "captions"} <= set(printed)
    assert printed["shots"][0]["start_frame"] == 0
    assert printed["shots"][-1]["end_frame"] == 96
    brief = read_json(desk.folder / "brief.json", SceneBrief)
    assert json.loads(to_json(brief)) == printed
    assert (desk.folder / "brief.png").read_bytes().startswith(b"\x89PNG")


def test_score_writes_what_scripts_rely_on(desk: Desk) -> None:
    wanted = ("score", "film.mp4", "--in", "00:00:01:00", "--out", "00:00:03:12", "--cue", "1m1")
    printed = desk.json(*wanted, "--output", "out", "--seed", "3", "--key", "D minor", "--report")
    folder = desk.folder / "out" / "1m1" / "take-1"
    assert printed["folder"] == str(folder)
    assert printed["timeline"] == str(desk.folder / "out" / "film.scored.otio")
    take = read_json(folder / "take.json", Take)
    assert (take.record, take.length_samples) == (FrameRange(24, 84), 120_000)
    assert (take.tonic, take.mode, take.provenance.seed) == (2, "minor", 3)
    assert read_json(folder.parent / "brief.json", SceneBrief).timeline.record == take.record
    files = [folder / "mix.wav", *(folder / "stems" / f"{role}.wav" for role in STEM_ROLES)]
    for path in files:
        with wave.open(str(path)) as file:
            assert (file.getnframes(), file.getframerate(), file.getsampwidth()) == (
                120_000,
                48_000,
                3,
            )
    assert (folder / "cue.mid").read_bytes().startswith(b"MThd")
    assert (printed["musicxml"], printed["chart"]) == ("cue.musicxml", "chart.png")
    assert all((folder / name).is_file() for name in (*take.files, "report.html"))
    written = otio.adapters.read_from_file(printed["timeline"])
    assert [placed[-1].range_in_parent() for placed in written.tracks[2:]] == [span(24, 60, 24)] * 5


def test_running_again_overwrites_nothing(desk: Desk) -> None:
    wanted = ("score", "film.mp4", "--out", "00:00:02:00", "--cue", "again", "--output", "twice")
    first = desk.json(*wanted)
    before = {p: p.read_bytes() for p in (desk.folder / "twice").rglob("*") if p.is_file()}
    second, other = desk.json(*wanted), desk.json(*wanted, "--in", "00:00:00:12")
    places = [Path(made["folder"]).relative_to(desk.folder) for made in (first, second, other)]
    assert [str(p) for p in places] == [
        "twice/again/take-1",
        "twice/again/take-2",
        "twice/again-2/take-1",
    ]
    assert {p: p.read_bytes() for p in before} == before
    mixes = [Path(made["folder"], "mix.wav").read_bytes() for made in (first, second)]
    assert mixes[0] == mixes[1]


def test_two_scores_at_once_into_one_folder_both_succeed(desk: Desk) -> None:
    wanted = ("score", "film.mp4", "--out", "00:00:02:00", "--output", "busy", "--json")
    running = [desk.start(*wanted) for _ in range(2)]
    ended = [child.communicate(timeout=120) for child in running]
    assert [child.returncode for child in running] == [0, 0], ended
    made = [json.loads(out) for out, _ in ended]
    assert sorted(Path(one["folder"]).name for one in made) == ["take-1", "take-2"]
    assert len({one["timeline"] for one in made}) == 2


def test_an_edited_brief_is_scored_and_takes_differ(desk: Desk) -> None:
    desk.json("spot", "film.mp4", "--in", "24", "--out", "72", "--save", "edited.json")
    printed = desk.json(
        "score", "film.mp4", "--brief", "edited.json", "--takes", "2", "--single", "--output", "o"
    )
    first, second = printed["takes"]
    assert [Path(one["folder"]).name for one in (first, second)] == ["take-1", "take-2"]
    mixes = [Path(one["folder"], "mix.wav").read_bytes() for one in (first, second)]
    assert mixes[0] != mixes[1]
    scene = open_timeline(Path(printed["timeline"])).read_range(RangeChoice())
    assert [(c.track, c.mapping.record) for c in scene.by_role("score")] == [
        ("MusiScene Mix", FrameRange(24, 72))
    ]
    desk.folder.joinpath("long.json").write_text(
        (desk.folder / "edited.json").read_text().replace('"end": 72', '"end": 7200')
    )
    done = desk.run("score", "film.mp4", "--brief", "long.json")
    assert (done.returncode, "not about this timeline" in done.stderr) == (2, True)
    done = desk.run("score", "film.mp4", "--brief", "edited.json", "--steer", "scene_imagination")
    assert (done.returncode, "no caption 'scene_imagination'" in done.stderr) == (2, True)


def test_a_timeline_with_a_marked_scene_is_scored_where_it_lies(desk: Desk) -> None:
    film = str(desk.film)
    item = timeline(
        track("V1", "Video", gap(24, 24), clip("shot", 72, 24, start=12, url=film)),
        track("Temp Music", "Audio", gap(24, 24), clip("shot", 72, 24, start=12, url=film)),
        start=86_400,
    )
    item.tracks.markers.append(otio.schema.Marker("Score: arrival", span(30, 48, 24)))
    source = saved(item, desk.folder / "reel.otio")
    before = source.read_bytes()
    printed = desk.json("score", "reel.otio", "--output", "reel-out")
    assert printed["cue"] == "Score_ arrival"
    assert printed["record"] == {"start": 86_430, "end": 86_478}
    assert source.read_bytes() == before
    again = desk.json("score", printed["timeline"], "--output", "reel-out")
    tracks = otio.adapters.read_from_file(again["timeline"]).tracks
    assert (len(tracks), tracks[7].name) == (12, "MusiScene Harmony 2")


def test_offline_media_are_said_to_be_offline(desk: Desk) -> None:
    lost = timeline(track("V1", "Video", clip("lost", 48, 24)), start=0)
    saved(lost, desk.folder / "lost.otio")
    done = desk.run("score", "lost.otio", "--output", "lost-out", "--json")
    assert done.returncode == 2
    assert json.loads(done.stderr)["error"]["code"] == "media_offline"
    assert not (desk.folder / "lost-out").exists()


def test_what_scoring_would_refuse_is_refused_before_the_spotting(desk: Desk) -> None:
    before = len(desk.json_lines("jobs"))
    done = desk.run("score", "film.mp4", "--engine", "flute", "--output", "refused")
    assert done.returncode == 2
    assert "There is no engine called 'flute'" in done.stderr
    assert len(desk.json_lines("jobs")) == before
    assert not (desk.folder / "refused").exists()


def test_preview_renders_a_take_and_a_scored_timeline(desk: Desk) -> None:
    made = desk.json("score", "film.mp4", "--out", "00:00:01:00", "--output", "seen")
    shown = desk.json("preview", made["folder"], "--height", "96")
    assert shown["preview"] == str(Path(made["folder"]) / "preview.mp4")
    timeline_shown = desk.json("preview", made["timeline"], "--height", "96", "--output", "p.mp4")
    for path, seconds in ((shown["preview"], 1), (timeline_shown["preview"], 4)):
        info = probe(path)
        assert info.video is not None
        assert (info.video.frame_count, len(info.audio)) == (24 * seconds, 1)
    again = desk.json("preview", made["folder"], "--height", "96")
    assert Path(again["preview"]).name == "preview-2.mp4"


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C is a signal only here")
def test_ctrl_c_cancels_the_job_and_leaves_nothing(desk: Desk) -> None:
    long = small_movie(desk.folder / "long.mp4", frames=24 * 120)
    child = desk.start("score", str(long), "--output", "never", "-v")
    assert child.stderr is not None
    for line in child.stderr:
        if "Watching" in line or "Composing" in line:
            break
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=30)
    assert child.returncode == 130
    assert said.splitlines()[-1] == "musiscene: Cancelled."
    assert not (desk.folder / "never").exists()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        jobs = [json.loads(line) for line in desk.run("jobs", "--json").stdout.splitlines()]
        if jobs[-1]["state"] == "cancelled":
            return
        time.sleep(0.2)
    pytest.fail(f"the job goes on: {jobs[-1]}")


def test_daemon_and_jobs_describe_themselves(desk: Desk) -> None:
    started = desk.json("daemon", "start")
    status = desk.json("daemon", "status")
    assert (status["running"], status["pid"]) == (True, started["pid"])
    shown = desk.run("jobs").stdout
    assert "done" in shown


@pytest.mark.slow
def test_demo_scores_the_film_that_comes_along_twice(desk: Desk) -> None:
    for number in (1, 2):
        done = desk.run("demo")
        assert done.returncode == 0, done
        home = desk.folder / "musiscene-demo"
        assert f"take-{number}" in done.stdout
        assert (home / "demo" / f"take-{number}" / "mix.wav").is_file()
        assert (home / "demo" / "brief.png").is_file()
    assert sorted(path.name for path in home.iterdir()) == [
        "demo",
        "demo_film.mp4",
        "demo_film.scored-2.otio",
        "demo_film.scored.otio",
    ]
