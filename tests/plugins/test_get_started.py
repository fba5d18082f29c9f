"""Every command of the page for editors, run on a timeline of the kind that it names."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import opentimelineio as otio
import pytest

from musiscene_core.timecode import FrameRate
from musiscene_plugins.formats.catalogue import writable
from musiscene_plugins.formats.edit import Edit, Event, Lane, Media, Note
from musiscene_plugins.otio import open_timeline
from musiscene_plugins.otio.from_edit import timeline_from
from tests.support.daemons import ROOT
from tests.support.make_media import make_movie

pytestmark = pytest.mark.slow

_PAGE = (ROOT / "docs/get-started.md").read_text(encoding="utf-8")
COMMANDS = [
    line
    for block in re.findall(r"```sh\n(.*?)```", _PAGE.partition("## What you can change")[0], re.S)
    for line in block.splitlines()
    if re.match(r"musiscene score [A-Z]", line)
]
_RATE = FrameRate(24)
_FRAMES = 24 * 64


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a film and a timeline of it in every format; a daemon of its own."""
    folder = tmp_path_factory.mktemp("desk")
    film = make_movie(folder / "FILM.mp4", frames=_FRAMES, rate=24)
    media = Media(str(film), film.name, Fraction(0), _RATE.seconds(_FRAMES), _RATE)
    half = _FRAMES // 2
    events = (
        Event("a", media, 0, half, Fraction(0)),
        Event("b", media, half, half, _RATE.seconds(half)),
    )
    edit = Edit(
        name="Reel",
        rate=_RATE,
        start=86_400,
        lanes=(Lane("V1", "video", events),),
        notes=(Note(48, 240, "1m3"),),
    )
    from_zero = replace(edit, start=0)
    writable("fcp7").write(edit, folder / "SEQUENCE.xml")
    writable("aaf").write(edit, folder / "SCENE.aaf")
    for key in ("fcpxml", "kdenlive", "mlt"):
        writable(key).write(from_zero, folder / f"PROJECT.{key}")
    otio.adapters.write_to_file(timeline_from(edit), str(folder / "CUT.otio"))
    (folder / "CUT.edl").write_text(
        "TITLE: CUT\nFCM: NON-DROP FRAME\n\n"
        "001  AX  V  C  00:00:00:00 00:00:32:00 01:00:00:00 01:00:32:00\n"
        "* FROM CLIP NAME: FILM.mp4\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MUSISCENE_HOME", str(folder / "home"))
        yield folder
        run(folder, "musiscene daemon stop")


def run(folder: Path, command: str) -> subprocess.CompletedProcess[str]:
    program, *arguments = shlex.split(command)
    assert program == "musiscene"
    path = os.pathsep.join([str(ROOT), *sys.path[1:]])
    return subprocess.run(
        [sys.executable, "-m", "musiscene_plugins.cli.main", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )


def test_every_editor_has_a_command() -> None:
    files = [Path(command.split()[2]).suffix for command in COMMANDS]
    assert sorted(files) == sorted(
        [".xml", ".fcpxml", ".aaf", ".kdenlive", ".mlt", ".mp4", ".otio", ".edl"]
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_for_an_editor_gives_a_timeline_that_it_reads(command: str, desk: Path) -> None:
    if "aaf" in command:
        pytest.importorskip("aaf2", reason="the extra 'aaf' is not installed")
    done = run(desk, command)
    assert done.returncode == 0, done.stderr[-2000:]
    scored = Path(re.findall(r"^Timeline: (.*)$", done.stdout, re.M)[0])
    named = re.search(rf"`({scored.parent.name}/\S+?)`", _PAGE)
    if named is not None and scored.suffix == Path(named[1]).suffix:
        assert scored == desk / named[1]
    assert len(open_timeline(scored).describe().tracks) > 1
