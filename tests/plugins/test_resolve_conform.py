"""`musiscene conform --resolve`: the picture is cut again, and the music on it follows."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from musiscene_core.media import wav_pieces
from musiscene_core.timecode import SAMPLE_RATE
from musiscene_plugins.carried import take_at
from musiscene_plugins.cli.main import main
from musiscene_plugins.placements import placements_in
from musiscene_plugins.resolve import ResolveHost
from musiscene_plugins.resolve.api import ResolveApi
from musiscene_plugins.resolve.transport import DirectTransport
from tests.support.editor_hosts import FLAGS, FREE
from tests.support.fake_resolve import FakeResolve, Semantics
from tests.support.fake_resolve.sandbox import Sandbox
from tests.support.resolve_reels import (
    CUE,
    FILM,
    FIRST,
    Cut,
    cut_film,
    lay,
    music,
    open_reel,
    reach,
)

Said = Callable[[], Any]
MARK = ("--in", str(FIRST + CUE[0]), "--out", str(FIRST + CUE[1]), "--cue", "1m1")
TRIMMED = (*FILM[:2], Cut("c", 0, 96), *FILM[3:])


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a home, the film, and the take that was made of its cue."""
    folder = tmp_path_factory.mktemp("scored")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MUSISCENE_HOME", str(folder / "home"))
        reach(cut_film(folder / "film"), patch)
        words = ["score", "--resolve", *MARK, "--output", str(folder / "out"), "--json"]
        assert main(words) == 0
        yield folder
        assert main(["daemon", "stop"]) == 0


@pytest.fixture
def home(scored: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MUSISCENE_HOME", str(scored / "home"))
    return scored


def staged(home: Path, folder: Path, flags: Semantics | None = None) -> FakeResolve:
    """A Resolve of its own with the cue's take placed, in a folder of its own."""
    shutil.copytree(home / "out", folder / "out", ignore=shutil.ignore_patterns("placement*"))
    resolve = cut_film(folder / "film", flags)
    take = take_at(folder / "out" / "1m1" / "take-1")
    ResolveHost(ResolveApi(DirectTransport(resolve))).place_takes([take])
    return resolve


@pytest.fixture
def resolve(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeResolve:
    made = staged(home, tmp_path)
    reach(made, monkeypatch)
    return made


@pytest.fixture
def conformed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    def run(*more: str, code: int = 0) -> dict[str, Any]:
        capsys.readouterr()
        words = ["conform", "--resolve", "--output", str(tmp_path / "out"), "--json", *more]
        assert main(words) == code
        printed: dict[str, Any] = json.loads(capsys.readouterr().out)
        return printed

    return run


def lies(resolve: FakeResolve, start: int, length: int, folder: Path | str) -> bool:
    """Whether five stems of the take in `folder`, and nothing else of ours, lie there."""
    found = music(resolve)
    return len(found) == 5 and all(
        [clip[:2] for clip in clips] == [(start, length)] and clips[0][2].startswith(str(folder))
        for clips in found.values()
    )


def test_a_trim_remakes_the_cue_and_the_old_music_goes(
    resolve: FakeResolve, tmp_path: Path, conformed: Callable[..., dict[str, Any]]
) -> None:
    old = tmp_path / "out" / "1m1" / "take-1"
    lay(resolve, TRIMMED)
    open_reel(resolve).SetMarkInOut(3, 9)
    before = open_reel(resolve).playhead, open_reel(resolve).marks, resolve.world.page
    dry = conformed("--dry-run")
    assert [(cue["cue"], cue["what"]) for cue in dry["cues"]] == [("1m1", "changed")]
    assert lies(resolve, 96, 312, old)
    printed = conformed()
    assert printed["record"] == {"start": FIRST + 96, "end": FIRST + 384}
    assert printed["left"] == []
    assert lies(resolve, 96, 288, printed["folder"])
    assert next(iter(music(resolve))).startswith("MusiScene ")
    assert not any(name[-1].isdigit() for name in music(resolve))
    assert not placements_in(old)
    assert (open_reel(resolve).playhead, open_reel(resolve).marks, resolve.world.page) == before
    again = conformed()
    assert [cue["what"] for cue in again["cues"]] == ["as it was"]
    assert "results" not in again
    assert lies(resolve, 96, 288, printed["folder"])
    assert main(["undo", printed["folder"]]) == 0
    assert music(resolve) == {}


def test_music_that_rippled_along_needs_nothing_and_else_is_moved(
    resolve: FakeResolve, tmp_path: Path, conformed: Callable[..., dict[str, Any]]
) -> None:
    old = tmp_path / "out" / "1m1" / "take-1"
    lay(resolve, (Cut("x", 0, 50), *FILM))
    for track in open_reel(resolve).kinds["audio"]:
        for item in track.items:
            item.start += 50
    printed = conformed()
    assert [cue["what"] for cue in printed["cues"]] == ["moved, its music with it"]
    assert lies(resolve, 146, 312, old)
    # The picture alone goes back by ten frames: the music follows, the same to the sample.
    lay(resolve, (Cut("x", 0, 40), *FILM))
    printed = conformed()
    assert [cue["what"] for cue in printed["cues"]] == ["moved"]
    assert lies(resolve, 136, 312, printed["folder"])
    sounds = [
        np.concatenate(list(wav_pieces(Path(folder) / "mix.wav", SAMPLE_RATE)), axis=1)
        for folder in (old, printed["folder"])
    ]
    assert np.array_equal(*sounds)


@pytest.mark.parametrize(
    ("film", "span"),
    [
        ((*FILM[:1], FILM[2], FILM[1], *FILM[3:]), (96, 408)),
        ((*FILM[:2], Cut("c", 0, 60, 2.0), *FILM[3:]), (96, 348)),
        ((*FILM[:2], FILM[2], Cut("x", 0, 72), *FILM[3:]), (96, 480)),
    ],
    ids=["shots moved", "speed changed", "shot put in"],
)
def test_other_recuts_are_followed_too(
    resolve: FakeResolve,
    film: tuple[Cut, ...],
    span: tuple[int, int],
    conformed: Callable[..., dict[str, Any]],
) -> None:
    lay(resolve, film)
    printed = conformed()
    assert [cue["what"] for cue in printed["cues"]] == ["changed"]
    assert lies(resolve, span[0], span[1] - span[0], printed["folder"])
    if film[2].speed != 1.0:
        assert any("speed 100% to 200%" in row for row in _hows(printed))


def _hows(printed: dict[str, Any]) -> list[str]:
    return [
        f"speed {clip['speed_was']:.0%} to {clip['speed_now']:.0%}"
        for clip in printed["changes"]["clips"]
    ]


def test_music_that_was_cut_through_stays_until_its_pieces_are_asked_for(
    resolve: FakeResolve, tmp_path: Path, conformed: Callable[..., dict[str, Any]]
) -> None:
    lay(resolve, TRIMMED)
    for track in open_reel(resolve).kinds["audio"][1:]:
        (item,) = track.items
        item.duration = 150
    printed = conformed()
    assert "5 clips on" in printed["left"][0]
    assert "cut, trimmed" in printed["left"][0]
    found = music(resolve)
    assert len(found) == 10
    assert {clips[0][:2] for clips in found.values()} == {(96, 150), (96, 288)}
    lay(resolve, (*TRIMMED[:3], Cut("d", 40, 84), FILM[4]))
    printed = conformed("--pieces")
    assert printed["left"] == []
    assert lies(resolve, 96, 276, printed["folder"])


def test_a_copy_of_the_timeline_that_was_cut_is_followed_and_the_first_left_alone(
    resolve: FakeResolve, conformed: Callable[..., dict[str, Any]]
) -> None:
    first = open_reel(resolve)
    first.DuplicateTimeline("reel v2")
    before = [(item.id, item.start, item.duration) for item in first.all_items()]
    lay(resolve, TRIMMED)
    printed = conformed()
    assert printed["timeline"] == "reel v2"
    assert lies(resolve, 96, 288, printed["folder"])
    assert [(item.id, item.start, item.duration) for item in first.all_items()] == before


def test_takes_that_are_not_there_are_found_by_their_film(
    resolve: FakeResolve, tmp_path: Path, conformed: Callable[..., dict[str, Any]]
) -> None:
    old = tmp_path / "out" / "1m1" / "take-1"
    assert main(["undo", str(old)]) == 0
    lay(resolve, TRIMMED)
    printed = conformed("--takes", str(tmp_path / "out"))
    assert lies(resolve, 96, 288, printed["folder"])
    assert main(["undo", printed["folder"]]) == 0
    lay(resolve, FILM)
    printed = conformed(str(old))
    assert lies(resolve, 96, 312, printed["folder"])
    # The library knows it too, and takes of the same cue in other cuts beside it.
    assert main(["undo", printed["folder"]]) == 0
    lay(resolve, TRIMMED)
    printed = conformed()
    assert lies(resolve, 96, 288, printed["folder"])
    lay(resolve, (FILM[0], FILM[4]))
    assert main(["conform", "--resolve", str(old)]) == 2
    assert main(["conform", "--resolve", "a", "b"]) == 2
    assert main(["conform", str(old)]) == 2


@pytest.mark.parametrize("locked", [False, True])
def test_when_it_cannot_be_placed_all_is_as_it_was(
    resolve: FakeResolve, tmp_path: Path, locked: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    lay(resolve, TRIMMED)
    before = music(resolve)
    tracks = open_reel(resolve).kinds["audio"]
    if locked:
        tracks[2].locked = True
    else:
        resolve.world.before("AppendToTimeline", lambda: setattr(tracks[-1], "locked", True))
    output = ["--output", str(tmp_path / "out")]
    assert main(["conform", "--resolve", *output]) == 2
    assert "nlock" in capsys.readouterr().err
    assert music(resolve) == before
    assert [track.locked for track in open_reel(resolve).kinds["audio"]].count(True) == locked


@pytest.mark.parametrize("flags", FLAGS.values(), ids=FLAGS)
def test_every_version_of_resolve_is_followed(
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    flags: Semantics,
    conformed: Callable[..., dict[str, Any]],
) -> None:
    resolve = staged(home, tmp_path, flags)
    reach(resolve, monkeypatch)
    lay(resolve, TRIMMED)
    printed = conformed()
    assert lies(resolve, 96, 288, printed["folder"])


def test_over_the_bridge_in_a_real_lua(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    resolve = staged(home, tmp_path, FREE)
    lay(resolve, TRIMMED)
    sandbox = Sandbox(resolve, tmp_path / "profile")
    monkeypatch.setenv("MUSISCENE_RESOLVE_PROFILE", str(tmp_path / "profile"))
    try:
        assert main(["conform", "--bridge", "--output", str(tmp_path / "out"), "--json"]) == 0
        printed = json.loads(capsys.readouterr().out)
        assert lies(resolve, 96, 288, printed["folder"])
        assert main(["undo", "--bridge", printed["folder"]]) == 0
        assert music(resolve) == {}
    finally:
        sandbox.close()
    assert sandbox.error == ""
