"""The hardening trials, and one table of what came of them.

    python -m tests.benchmarks.daemon_trials [NAME ...] [--short] [--size N]

Exits with 1 where a target is missed. The folder of TMPDIR is the disk that is used.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from pathlib import Path

from musiscene_core.errors import MusiSceneError
from tests.support.trials.catalogue import TRIALS, Trial
from tests.support.trials.figures import Figure, table


def attempt(trial: Trial, size: int) -> list[Figure]:
    """The trial's figures; one that says why where it could not be brought to its end."""
    print(f"{trial.name}, {size:,}", flush=True)
    began = time.monotonic()

    def say(words: str) -> None:
        print(f"  {time.monotonic() - began:6.0f} s  {words}", flush=True)

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        try:
            return trial.run(Path(folder), size, say)
        except (AssertionError, MusiSceneError) as error:
            return [Figure(test=trial.name, figure=f"broke off: {error}", target="", ok=False)]
        finally:
            say("over")


def main() -> int:
    names = [trial.name for trial in TRIALS]
    parser = argparse.ArgumentParser(description="Run the daemon's hardening trials.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(names)}")
    parser.add_argument("--short", action="store_true", help="as small as with the tests")
    parser.add_argument("--size", type=int, help="for each trial named, instead of its own")
    given = parser.parse_args()
    if unknown := set(given.names) - set(names):
        parser.error(f"no such trial: {', '.join(sorted(unknown))}")
    # Told to end, clean up too: a trial's daemons would live on.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    figures: list[Figure] = []
    for trial in TRIALS:
        if not given.names or trial.name in given.names:
            figures += attempt(trial, given.size or (trial.short if given.short else trial.long))
    print(f"\n{table(figures)}")
    return int(any(figure.ok is False for figure in figures))


if __name__ == "__main__":
    sys.exit(main())
