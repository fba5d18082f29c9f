"""All trials by name, each with its short and its long form."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.support.daemons import ROOT
from tests.support.trials.clock import clock_jumps
from tests.support.trials.figures import Figure, Say
from tests.support.trials.flood import flood
from tests.support.trials.full_disk import full_disk
from tests.support.trials.fuzzing import fuzz
from tests.support.trials.kills import kills
from tests.support.trials.life import other_versions, returning_clients, rivals
from tests.support.trials.listeners import listeners
from tests.support.trials.strangers import garbage


@dataclass(frozen=True)
class Trial:
    """One trial.

    Attributes:
        name: to ask for it by.
        run: makes its homes in a folder, at a size: times, messages, connections or seconds.
        short: the size that runs with the tests.
        long: the size it is meant for.
    """

    name: str
    run: Callable[[Path, int, Say], list[Figure]]
    short: int
    long: int


def corrupt_media(folder: Path, count: int, say: Say) -> list[Figure]:
    """The tests of damaged media; 500 files where `count` says so, else 60."""
    name = "five_hundred" if count >= 500 else "sixty"
    command = [sys.executable, "-m", "pytest", "-q", "-m", "slow or not slow", "-k", name]
    tests = "tests/daemon/test_daemon_corrupt_media.py"
    began = time.monotonic()
    run = subprocess.run(
        [*command, f"--basetemp={folder / 'pytest'}", tests],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    said = run.stdout.strip().splitlines()[-1] if run.stdout else run.stderr
    say(said)
    return [
        Figure(
            test=f"{count} corrupt media files",
            figure=f"each told of in words, in {time.monotonic() - began:.0f} s in all"
            if run.returncode == 0
            else said,
            target="a typed error each, none over 30 s, worker alive",
            ok=run.returncode == 0,
        )
    ]


TRIALS = (
    Trial("daemon-kills", lambda folder, n, say: kills(folder, "daemon", n, say), 12, 1_000),
    Trial("worker-kills", lambda folder, n, say: kills(folder, "worker", n, say), 20, 1_000),
    Trial("fuzz", fuzz, 10_000, 10_000_000),
    Trial("garbage", garbage, 250, 100_000),
    Trial("full-disk", full_disk, 2, 20),
    Trial("subscribers", listeners, 100, 2_000),
    Trial("rivals", rivals, 1, 50),
    Trial("clock", clock_jumps, 1, 20),
    Trial("client-back", returning_clients, 2, 100),
    Trial("versions", other_versions, 2, 200),
    Trial("corrupt-media", corrupt_media, 60, 500),
    Trial("flood", flood, 2, 30),
)
