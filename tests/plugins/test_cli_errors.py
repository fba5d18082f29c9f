"""The command line from outside: exit codes, streams, and words."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from musiscene_core import __version__
from musiscene_plugins.cli.main import main
from tests.support.timelines import clip, gap, saved, scene_timeline, small_movie, timeline, track

HEAVY = ("numpy", "av", "cv2", "rich", "opentimelineio", "zmq", "matplotlib", "scipy")


def musiscene(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "musiscene_plugins.cli.main", *arguments],
        env={**os.environ, "MUSISCENE_HOME": str(home / "home"), "COLUMNS": "200"},
        cwd=home,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_help_and_version_load_nothing_heavy() -> None:
    program = (
        "import sys; from musiscene_plugins.cli.parser import build_parser; build_parser()\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_ctrl_c_is_heard_while_the_command_is_still_being_loaded() -> None:
    program = (
        "import sys, musiscene_plugins.cli.main as command\n"
        "class Pressed:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'musiscene_plugins.cli.parser': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Pressed())\n"
        "sys.exit(command.main(['takes']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (130, "musiscene: Cancelled.\n")


def test_version_and_help(tmp_path: Path) -> None:
    assert musiscene(tmp_path, "--version").stdout == f"musiscene {__version__}\n"
    shown = musiscene(tmp_path, "--help").stdout
    assert all(name in shown for name in ("score", "spot", "demo", "preview", "daemon", "jobs"))


def bad_inputs(folder: Path) -> dict[str, tuple[list[str], str, str]]:
    movie = str(small_movie(folder / "film.mp4"))
    (folder / "empty.mp4").touch()
    (folder / "notes.mp4").write_text("not a movie")
    whole = (folder / "film.mp4").read_bytes()
    (folder / "cut.mp4").write_bytes(whole[: len(whole) // 3])
    (folder / "empty.otio").touch()
    (folder / "occupied").write_text("")
    reel = str(saved(scene_timeline(), folder / "reel.otio"))
    holes = timeline(track("V", "Video", clip("a", 9, 24), gap(90, 24), clip("b", 9, 24)))
    gaps = str(saved(holes, folder / "gaps.otio"))
    short = ["--in", "00:00:00:00", "--out", "00:00:01:00"]
    return {
        "missing": ([str(folder / "gone.mp4")], "input", "is not there"),
        "folder": ([str(folder)], "input", "is a folder"),
        "empty movie": ([str(folder / "empty.mp4")], "media", "empty.mp4"),
        "not a movie": ([str(folder / "notes.mp4")], "media", "notes.mp4"),
        "truncated": ([str(folder / "cut.mp4")], "media", "cut.mp4"),
        "empty timeline": ([str(folder / "empty.otio")], "timeline", "is empty"),
        "no length": ([movie, "--in", "5", "--out", "5"], "range", "empty"),
        "reversed": ([movie, "--in", "9", "--out", "5"], "range", "reversed"),
        "past the end": ([movie, "--out", "00:01:00:00"], "range", "ends at 00:00:02:00"),
        "before the start": ([reel, *short], "range", "starts at 01:00:00:00"),
        "in a gap": ([gaps, "--in", "20", "--out", "60"], "range", "gap"),
        "no timecode": ([movie, "--in", "4s"], "timecode", "not a timecode"),
        "no marker": ([movie, "--marker", "kiss"], "range", "no marker"),
        "no role": ([movie, "--role", "A1=loud"], "request", "role"),
        "no rate": ([movie, "--rate", "fast"], "timecode", "frame rate"),
        "no drop-frame": ([movie, "--drop-frame"], "timecode", "drop-frame"),
        "no such timeline": ([reel, "--timeline", "x"], "timeline", "no timeline 'x'"),
    }  # fmt: skip


def bad_wishes(folder: Path) -> dict[str, tuple[list[str], str, str]]:
    movie = str(folder / "film.mp4")
    reel_brief = folder / "brief.json"
    reel_brief.write_text("{}")
    return {
        "no tempo": ([movie, "--tempo", "900"], "request", "tempo"),
        "no key": ([movie, "--key", "H"], "request", "not a key"),
        "no takes": ([movie, "--takes", "0"], "request", "Takes"),
        "no seed": ([movie, "--seed", "-1"], "request", "seed"),
        "loud": ([movie, "--loudness", "3"], "request", "loudness"),
        "no font": ([movie, "--sounds", str(folder / "notes.mp4")], "media", "no SoundFont"),
        "font gone": ([movie, "--sounds", str(folder / "gone.sf2")], "media", "cannot be read"),
        "hit outside": ([movie, "--hit", "00:00:09:00"], "request", "range: give one from In"),
        "no brief": ([movie, "--brief", str(reel_brief)], "input", "not a SceneBrief"),
        "brief and range": (
            [movie, "--brief", str(reel_brief), "--in", "4"],
            "request",
            "both given",
        ),
        "file for a folder": ([movie, "--output", str(folder / "occupied")], "output", "a file"),
    }


def refused(
    command: str, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> tuple[str, str]:
    """The error's code and message, after checking that nothing else was said."""
    assert main([command, *arguments, "--json"]) == 2, arguments
    said = capsys.readouterr()
    assert said.out == ""
    error = json.loads(said.err)["error"]
    return error["code"], error["message"]


def test_bad_input_is_one_sentence_and_exit_code_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MUSISCENE_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    cases = {"spot": bad_inputs(tmp_path), "score": bad_wishes(tmp_path)}
    before = sorted(path.name for path in tmp_path.iterdir())
    for command, table in cases.items():
        for name, (arguments, code, words) in table.items():
            found, message = refused(command, arguments, capsys)
            assert found == code, (name, message)
            assert words in message, name
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_errors_for_people_say_what_to_do_next(tmp_path: Path) -> None:
    done = musiscene(tmp_path, "score", "gone.mp4")
    assert done.returncode == 2
    first, second = done.stderr.splitlines()
    assert first == f"musiscene: {tmp_path / 'gone.mp4'} is not there."
    assert second == "  Check the name; give a movie or an .otio timeline."


@pytest.mark.parametrize("arguments", [[], ["play"], ["spot"], ["spot", "a", "--takes", "2"]])
def test_wrong_usage_is_exit_code_2(tmp_path: Path, arguments: list[str]) -> None:
    done = musiscene(tmp_path, *arguments)
    assert done.returncode == 2
    assert "usage: musiscene" in done.stderr


def test_without_a_daemon_status_says_so_and_jobs_cannot_be_cancelled(tmp_path: Path) -> None:
    status = musiscene(tmp_path, "daemon", "status", "--json")
    assert (status.returncode, json.loads(status.stdout)) == (1, {"running": False})
    stopped = musiscene(tmp_path, "daemon", "stop")
    assert (stopped.returncode, stopped.stdout) == (0, "No daemon was running.\n")
    assert musiscene(tmp_path, "jobs", "cancel", "x").returncode == 2
    assert musiscene(tmp_path, "jobs", "cancel").stderr.startswith("musiscene: Which job?")


def test_plots_and_briefs_that_cannot_be_written_are_refused_before_the_work(
    tmp_path: Path,
) -> None:
    movie = str(small_movie(tmp_path / "film.mp4"))
    for option in ("--plot", "--save"):
        done = musiscene(tmp_path, "spot", movie, option, str(tmp_path / "nowhere" / "x"))
        assert done.returncode == 2
        assert "is not there" in done.stderr
    assert not (tmp_path / "home").exists()
