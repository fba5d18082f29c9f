"""The panel as a program in a real window: keys and pointer by xdotool, a real daemon and files."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from musiscene_core.protocol import connect
from musiscene_gui.widgets import theme
from musiscene_gui.widgets.strip import geometry
from tests.support.daemons import Home
from tests.support.timelines import clip, saved, small_movie, timeline, track

pytestmark = pytest.mark.skipif(
    not (sys.platform == "linux" and shutil.which("Xvfb") and shutil.which("xdotool")),
    reason="needs Xvfb and xdotool",
)
SIZE = (1280, 800)
LONG_S = 120.0


@pytest.fixture
def screen() -> Iterator[dict[str, str]]:
    """An environment with a screen of its own."""
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "1400x900x24", "-nolisten", "tcp"],
        pass_fds=(write,),
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    with os.fdopen(read) as told:
        number = told.readline().strip()
    yield {**os.environ, "DISPLAY": f":{number}", "QT_QPA_PLATFORM": "xcb"}
    server.terminate()
    server.wait(10)


class Hand:
    """Works the window as a user does."""

    def __init__(self, environment: dict[str, str], panel: subprocess.Popen[bytes]) -> None:
        self._environment, self._panel = environment, panel
        self.window = self._found()
        self.do("windowmove", self.window, "0", "0")
        self.do("windowsize", self.window, *(str(side) for side in SIZE))
        self.do("windowfocus", self.window)
        time.sleep(1.0)

    def do(self, *words: str) -> str:
        """One command of xdotool."""
        done = subprocess.run(
            ["xdotool", *words], env=self._environment, capture_output=True, text=True, timeout=30
        )
        return done.stdout

    def key(self, keys: str) -> None:
        """Press keys, such as "ctrl+Return"."""
        self.do("key", "--clearmodifiers", keys)
        time.sleep(0.2)

    def click(self, x: int, y: int) -> None:
        """Click at a point of the window."""
        self.do("mousemove", str(x), str(y), "click", "1")
        time.sleep(0.2)

    def until(self, true: Callable[[], object], what: str) -> None:
        """Wait until it is so, as long as the panel lives."""
        deadline = time.monotonic() + LONG_S
        while not true():
            assert self._panel.poll() is None, "the panel has ended"
            assert time.monotonic() < deadline, what
            time.sleep(0.1)

    def _found(self) -> str:
        found: list[str] = []

        def look() -> bool:
            words = ("search", "--onlyvisible", "--pid", str(self._panel.pid))
            found[:] = self.do(*words, "--name", "^MusiScene$").split()
            return bool(found)

        self.until(look, "no window came")
        return found[-1]


@pytest.fixture
def reel(tmp_path: Path) -> Path:
    """A timeline of two shots, 48 frames."""
    folder = tmp_path / "cut"
    folder.mkdir()
    movie = str(small_movie(folder / "shot.mp4"))
    item = timeline(
        track("V1", "Video", clip("a", 24, 24, url=movie), clip("b", 24, 24, start=20, url=movie)),
        start=86_400,
    )
    return saved(item, folder / "reel.otio")


@pytest.fixture
def panel(
    screen: dict[str, str], own_home: Home, reel: Path
) -> Iterator[tuple[Hand, subprocess.Popen[bytes]]]:
    """The program, its window found; ended by closing it."""
    (own_home.folder / "data").mkdir(exist_ok=True)
    (own_home.folder / "data" / "panel.ini").write_text("[General]\nwelcomed=yes\ntakes=1\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "musiscene_gui.main", str(reel)],
        env={**screen, "MUSISCENE_HOME": str(own_home.folder)},
        stderr=subprocess.PIPE,
    )
    try:
        yield Hand(screen, process), process
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        process.wait(20)
        process.stderr.close()


def jobs(kind: str) -> list:
    """This user's jobs of a kind, as the daemon tells."""
    with connect(start=False) as client:
        return [job for job in client.jobs() if job.kind == kind]


def test_a_reel_is_opened_spotted_scored_heard_placed_and_cleared_by_hand(
    panel: tuple[Hand, subprocess.Popen[bytes]], own_home: Home, reel: Path
) -> None:
    hand, process = panel
    hand.until(lambda: own_home.pid, "no daemon came")
    before = {path: path.read_bytes() for path in reel.parent.iterdir()}
    x = theme.GUTTER + 300
    ruler = 44 + geometry.RULER[1] // 2
    hand.click(x, ruler)

    def scored() -> bool:
        # Until the timeline is open, there is nothing to score, and the keys do nothing.
        if not jobs("spot") and not jobs("score"):
            hand.key("ctrl+Return")
            time.sleep(1.0)
        return any(job.state == "done" for job in jobs("score"))

    hand.until(scored, "nothing was scored")
    takes = list((own_home.folder / "data/takes").glob("*/take-1/take.json"))
    assert len(takes) == 1
    take = json.loads(takes[0].read_bytes())
    assert take["length_samples"] == 2 * 48_000
    hand.key("ctrl+2")
    hand.key("l")
    time.sleep(0.5)
    hand.key("k")

    def placed() -> bool:
        if not copies_of(reel, before):
            hand.key("p")
            time.sleep(1.0)
        return bool(copies_of(reel, before))

    hand.until(placed, "nothing was placed")
    assert {path: path.read_bytes() for path in before} == before
    hand.key("ctrl+z")
    hand.until(lambda: not copies_of(reel, before), "it was not taken away")
    assert {path: path.read_bytes() for path in before} == before
    hand.key("ctrl+q")
    process.wait(20)
    assert process.returncode == 0
    assert b"Traceback" not in process.stderr.read()


def copies_of(reel: Path, before: dict[Path, bytes]) -> list[Path]:
    """The timelines that lie beside it and did not before."""
    return [path for path in reel.parent.rglob("*.otio") if path not in before]
