"""Real daemons in folders of their own, and scenes small enough to score in no time."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
import pytest

from musiscene_core.brief import (
    Caption,
    Captions,
    EmotionCurve,
    EmotionPoint,
    SceneBrief,
    Shot,
    TempTrack,
)
from musiscene_core.instance_lock import InstanceLock
from musiscene_core.protocol import Client, connect
from musiscene_core.protocol.connection import Connection, lock_path, read_connection
from musiscene_core.ranges import FrameRange
from musiscene_core.request import ScoreRequest
from musiscene_core.timecode import FrameRate
from musiscene_core.timeline import TimelineRange

ROOT = Path(__file__).resolve().parents[2]
SCRIPTED = "tests.support.scripted_engine:ScriptedEngine"
ARGUMENTS = ("--engines-from", SCRIPTED)


def scene(seconds: int = 2, cue: str = "1m1 The Chase") -> TimelineRange:
    return TimelineRange(
        cue=cue, rate=FrameRate(24), record=FrameRange(86_400, 86_400 + 24 * seconds)
    )


def request(
    *,
    seconds: int = 2,
    cue: str = "1m1 The Chase",
    takes: int = 1,
    engine: str = "scripted",
    licence: str = "any",
    seed: int = 5,
    **script: object,
) -> ScoreRequest:
    """A request whose caption is the scripted engine's `script`."""
    text = msgspec.json.encode(script).decode() if script else ""
    point = EmotionPoint(time_s=0.0, valence=0.0, arousal=0.0, weights=(1 / 13,) * 13)
    brief = SceneBrief(
        timeline=scene(seconds, cue),
        shots=(Shot(start_frame=0, end_frame=24 * seconds, transition="start"),),
        curves=None,
        dialogue=(),
        temp_track=TempTrack(),
        hit_points=(),
        emotion_curve=EmotionCurve(hop_s=1.0, points=(point,)),
        captions=Captions(fusion=Caption(text)),
    )
    return ScoreRequest(brief=brief, engine=engine, takes=takes, licence=licence, seed=seed)


class Home:
    """One MUSISCENE_HOME with at most one daemon in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def connect(self, *further: str, **options: object) -> Client:
        return connect(daemon_args=(*ARGUMENTS, *further), **options)

    @property
    def connection(self) -> Connection:
        found = read_connection()
        assert found is not None
        return found

    @property
    def pid(self) -> int:
        """The daemon's process; 0 where none runs."""
        path = lock_path()
        if not path.exists():
            return 0
        lock = InstanceLock(path)
        if lock.acquire():
            lock.release()
            return 0
        return lock.holder()

    def spawn(self, *further: str) -> subprocess.Popen[bytes]:
        """A daemon as a child of ours, to be waited for."""
        return subprocess.Popen(
            [sys.executable, "-m", "musiscene_daemon", *ARGUMENTS, *further],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def kill(self) -> int:
        """End the daemon as a power cut would; returns the process it was."""
        pid = self.pid
        if pid:
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda: self.pid != pid)
        return pid

    def log(self) -> str:
        return (self.folder / "log/musiscened.log").read_text(encoding="utf-8")

    def job_rows(self) -> list[tuple[str, str, int]]:
        """(id, state, attempts) of every job, read beside the daemon."""
        table = sqlite3.connect(self.folder / "data/jobs.sqlite3")
        try:
            return table.execute("select id, state, attempts from job order by number").fetchall()
        finally:
            table.close()

    def results(self) -> list[str]:
        """The published results, by their place below the data folder."""
        data = self.folder / "data"
        return sorted(str(path.relative_to(data)) for path in data.glob("[tb]*/*"))

    def partials(self) -> list[str]:
        return sorted(path.name for path in (self.folder / "data/jobs").glob("*.partial"))


@contextmanager
def home(folder: Path) -> Iterator[Home]:
    """Make `folder` MUSISCENE_HOME for a while; no process of it outlives that."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MUSISCENE_HOME", str(folder))
        patch.setenv("PYTHONPATH", str(ROOT))
        patch.delenv("MUSISCENE_IDLE_S", raising=False)
        place = Home(folder)
        try:
            yield place
        finally:
            place.kill()
            # Again and again: a daemon that waited for the lock takes over when its holder ends.
            wait_until(lambda: not _killed(folder))


def _killed(folder: Path) -> list[int]:
    """The processes that ran in `folder`, which are killed now."""
    running = processes_of(folder)
    for pid in running:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return running


def processes_of(folder: Path) -> list[int]:
    """The daemon and worker processes that run in `folder`, where the system can tell."""
    found = []
    for status in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (status / "cwd").resolve() == folder / "run" and alive(int(status.name)):
                found.append(int(status.name))
    return found


def alive(pid: int) -> bool:
    """Whether `pid` runs; a process that waits to be reaped does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    with suppress(OSError):
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    return not Path("/proc/self").exists()


def wait_until(true: Callable[[], object], *, within_s: float = 15.0) -> float:
    """Wait until `true()`; returns the seconds it took."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < within_s, "it did not happen in time"
        time.sleep(0.005)
    return time.monotonic() - began
