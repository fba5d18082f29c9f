"""`musiscene score --resolve --cues`: every marked cue of the open timeline."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from musiscene_plugins.cli.main import main
from musiscene_plugins.placements import placements_in
from tests.support.editor_hosts import FREE, users_state
from tests.support.fake_resolve import FakeResolve, Semantics
from tests.support.fake_resolve.sandbox import Sandbox
from tests.support.resolve_reels import FIRST, cut_film, music, open_reel, reach

CUES = {
    "1m1 Door": (0, 48, "Red", "tense, no drums; theme hero"),
    "River": (72, 60, "Green", "theme hero:vary; usage MT"),
    "Night": (120, 48, "Red", "calm"),
}
"""The second and the third overlap."""


def marked(resolve: FakeResolve, cues: dict[str, tuple[int, int, str, str]] = CUES) -> FakeResolve:
    for name, (start, length, color, note) in cues.items():
        open_reel(resolve).AddMarker(start, color, name, note, length, "")
    return resolve


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MUSISCENE_HOME", str(folder))
        yield folder
        assert main(["daemon", "stop"]) == 0


@pytest.fixture
def resolve(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeResolve:
    monkeypatch.setenv("MUSISCENE_HOME", str(home))
    made = marked(cut_film(tmp_path / "film"))
    made.world.page = "color"
    reach(made, monkeypatch)
    return made


Scored = Callable[..., dict[str, Any]]


@pytest.fixture
def scored(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Scored:
    def run(*more: str, cues: str = "markers", code: int = 0) -> dict[str, Any]:
        capsys.readouterr()
        words = ["score", "--cues", cues, "--output", str(tmp_path / "out"), "--json", *more]
        if "--bridge" not in more:
            words.append("--resolve")
        assert main(words) == code
        printed: dict[str, Any] = json.loads(capsys.readouterr().out)
        return printed

    return run


def lying(resolve: FakeResolve) -> dict[str, set[tuple[int, int, str]]]:
    """Start, length and stem of each clip of ours, by the folder of its cue."""
    found: dict[str, set[tuple[int, int, str]]] = {}
    for clips in music(resolve).values():
        for start, length, path in clips:
            place = Path(path)
            cue = next(at.parent for at in place.parents if at.name.startswith("take-")).name
            found.setdefault(cue, set()).add((start, length, place.stem))
    return found


def states(printed: dict[str, Any]) -> dict[str, str]:
    return {cue["name"]: cue["state"] for cue in printed["cues"]}


def where(resolve: FakeResolve) -> dict[str, set[tuple[int, int]]]:
    found = lying(resolve)
    assert all(len(clips) == 5 for clips in found.values())
    return {cue: {(start, length) for start, length, _ in clips} for cue, clips in found.items()}


ALL = {"1m1 Door": {(0, 48)}, "River": {(72, 60)}, "Night": {(120, 48)}}


def test_every_marked_cue_lies_on_its_frames_and_is_kept_when_run_again(
    resolve: FakeResolve, tmp_path: Path, scored: Scored
) -> None:
    before = users_state(resolve)
    first = scored()
    assert set(states(first).values()) == {"made"}
    assert first["timeline"] == "reel"
    assert where(resolve) == ALL
    # River and Night overlap: two lanes of five tracks hold all three.
    assert len(music(resolve)) == 10
    sheet = next(path for path in first["cue_sheet"] if path.endswith(".csv"))
    rows = list(csv.reader(Path(sheet).read_text("utf-8-sig").splitlines()))
    assert [row[1] for row in rows[1:4]] == ["Door", "River", "Night"]
    assert [row[6] for row in rows[1:4]] == ["BI", "MT", "BI"]
    clips = [item.id for item in open_reel(resolve).all_items()]
    again = scored()
    assert set(states(again).values()) == {"kept"}
    assert [item.id for item in open_reel(resolve).all_items()] == clips

    # One cue changes: its music alone is made and placed anew, and the old goes.
    marker = open_reel(resolve).markers[0]
    marker["duration"] = 40.0
    third = scored()
    assert states(third) == {"1m1 Door": "made", "River": "kept", "Night": "kept"}
    remade = {"1m1 Door-2": {(0, 40)}, "River": {(72, 60)}, "Night": {(120, 48)}}
    assert where(resolve) == remade
    marker["duration"] = 48.0

    # One cue can be taken away alone, and is placed again when the reel is run again.
    assert main(["undo", str(tmp_path / "out" / "Night" / "take-1")]) == 0
    assert "Night" not in where(resolve)
    fourth = scored(cues="markers:red")
    assert set(states(fourth)) == {"1m1 Door", "Night"}
    assert set(where(resolve)) == {"1m1 Door-3", "River", "Night"}
    assert main(["undo", str(tmp_path / "out")]) == 0
    assert users_state(resolve) == before


_DRIVER = """
import sys
from pathlib import Path
import pytest
from musiscene_plugins.cli.main import main
from tests.plugins.test_resolve_reel import marked
from tests.support.resolve_reels import cut_film, reach
patch = pytest.MonkeyPatch()
reach(marked(cut_film(Path(sys.argv[1]))), patch)
sys.exit(main(["score", "--resolve", "--cues", "markers", "--output", sys.argv[2], "--json"]))
"""


def test_killed_between_cues_it_goes_on_where_it_was(
    resolve: FakeResolve, tmp_path: Path, scored: Scored
) -> None:
    driver = subprocess.Popen(
        [sys.executable, "-c", _DRIVER, str(tmp_path / "film"), str(tmp_path / "out")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    state = tmp_path / "out" / "reel.reel.json"
    deadline = time.monotonic() + 120
    while not (state.exists() and json.loads(state.read_bytes())["cues"]):
        assert time.monotonic() < deadline
        assert driver.poll() is None
        time.sleep(0.005)
    driver.send_signal(signal.SIGKILL)
    assert driver.wait(30) == -signal.SIGKILL
    done = json.loads(state.read_bytes())
    assert done["placed"] == []
    printed = scored()
    assert {name for name, state in states(printed).items() if state == "kept"} >= set(done["cues"])
    assert where(resolve) == ALL


@pytest.mark.parametrize(
    ("call", "times"), [("AddTrack", 2), ("AppendToTimeline", 0), ("AppendToTimeline", 7)]
)
def test_where_resolve_died_the_next_run_clears_up_says_so_and_places_all(
    resolve: FakeResolve,
    tmp_path: Path,
    call: str,
    times: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    users = users_state(resolve)[4]
    resolve.world.before(call, *[lambda: None] * times, resolve.world.die)
    words = ["score", "--resolve", "--cues", "markers", "--output", str(tmp_path / "out")]
    assert main(words) == 2
    resolve.world.dead = False
    assert music(resolve)
    capsys.readouterr()
    assert main([*words, "--json"]) == 0
    printed = capsys.readouterr()
    assert "had broken off; what it left on reel is gone" in printed.err
    assert set(states(json.loads(printed.out)).values()) == {"kept"}
    assert where(resolve) == ALL
    assert main(["undo", str(tmp_path / "out")]) == 0
    assert users_state(resolve)[4] == users


def test_policies_say_what_becomes_of_earlier_music(
    resolve: FakeResolve, tmp_path: Path, scored: Scored
) -> None:
    single = ["score", "--resolve", "--in", str(FIRST), "--out", str(FIRST + 40), "--cue", "x"]
    assert main([*single, "--single", "--output", str(tmp_path / "single")]) == 0
    assert set(lying(resolve)) == {"x"}
    skipped = scored("--place", "skip", cues="markers:red")
    assert skipped["timeline"] == "reel"
    assert set(lying(resolve)) == {"Night", "x"}
    scored(cues="markers")
    assert set(lying(resolve)) == {*ALL, "x"}
    assert main(["undo", str(tmp_path / "out" / "1m1 Door" / "take-1")]) == 0
    scored("--place", "replace")
    assert set(lying(resolve)) == set(ALL)
    assert not placements_in(tmp_path / "single" / "x" / "take-1")


def test_a_cue_over_a_gap_fails_and_the_others_are_placed(
    resolve: FakeResolve, scored: Scored
) -> None:
    open_reel(resolve).AddMarker(5_000, "Red", "nowhere", "", 50, "")
    printed = scored(code=2)
    assert states(printed)["nowhere"] == "failed"
    assert where(resolve) == ALL


def test_it_works_over_the_bridge_in_a_real_lua(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scored: Scored
) -> None:
    monkeypatch.setenv("MUSISCENE_HOME", str(home))
    made = marked(cut_film(tmp_path / "film", FREE))
    sandbox = Sandbox(made, tmp_path / "profile")
    monkeypatch.setenv("MUSISCENE_RESOLVE_PROFILE", str(tmp_path / "profile"))
    try:
        printed = scored("--bridge")
    finally:
        sandbox.close()
    assert sandbox.error == ""
    assert set(states(printed).values()) == {"made"}
    assert where(made) == ALL


def test_where_the_end_frame_counts_every_clip_is_still_as_long_as_its_cue(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scored: Scored
) -> None:
    monkeypatch.setenv("MUSISCENE_HOME", str(home))
    made = marked(cut_film(tmp_path / "film", Semantics(end_frame_inclusive=True)))
    reach(made, monkeypatch)
    scored()
    assert where(made) == ALL
