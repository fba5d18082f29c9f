"""How long 10,000 clips take to read, score and write in each format; the bound is 10 s.

Each format in a process of its own. Seconds of the processor are what compares on a shared
machine; the functions that took most of them say what bounds it.

python -m tests.benchmarks.timeline_formats [FORMAT ...]
"""

from __future__ import annotations

import cProfile
import json
import logging
import pstats
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from musiscene_core.ranges import FrameRange
from musiscene_core.timecode import FrameRate
from musiscene_plugins.host import RangeChoice
from musiscene_plugins.otio import open_timeline
from tests.support.edits import SUFFIXES, WRITTEN, long_edit, write
from tests.support.timelines import take_on_disk

ONE = "--one"
RATE = FrameRate(24)
_PARTS = ("aaf2", "opentimelineio", "fractions.py", "ElementTree", "musiscene_plugins")


def score(path: Path, takes: Path) -> tuple[float, float]:
    """Clock seconds until a range is read, and until the scored copy lies there."""
    take = take_on_disk(takes, rate=RATE, record=FrameRange(86_500, 86_700), samples=10)
    began = time.perf_counter()
    host = open_timeline(path)
    host.read_range(RangeChoice(record_in="86500", record_out="86700"))
    read = time.perf_counter() - began
    host.place_takes([take])
    return read, time.perf_counter() - began


def bounds(profile: cProfile.Profile) -> str:
    """Shares of the time by library, the largest first."""
    shares = dict.fromkeys(_PARTS, 0.0)
    total = 0.0
    for (file, _, name), (_, _, own, _, _) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        total += own
        part = next((part for part in _PARTS if part in file or part in name), None)
        if part is not None:
            shares[part] += own
    ranked = sorted(shares.items(), key=lambda entry: -entry[1])
    return ", ".join(f"{part} {own / total:.0%}" for part, own in ranked if own > 0.08 * total)


def one(key: str) -> None:
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / f"reel{SUFFIXES[key]}"
        write(key, long_edit(RATE), path)
        worked = time.process_time()
        read, whole = score(path, folder / "one")
        worked = time.process_time() - worked
        profile = cProfile.Profile()
        profile.enable()
        score(path, folder / "two")
        profile.disable()
    print(json.dumps([read, whole, worked, bounds(profile)]))


def main() -> None:
    if sys.argv[1:2] == [ONE]:
        return one(sys.argv[2])
    print("| format | read | read, scored, written | processor | bound by |")
    print("|---|---|---|---|---|")
    for key in sys.argv[1:] or WRITTEN:
        command = [sys.executable, "-m", __spec__.name, ONE, key]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        read, whole, worked, bound = json.loads(done.stdout.splitlines()[-1])
        print(f"| {key} | {read:.1f} s | {whole:.1f} s | {worked:.1f} s | {bound} |", flush=True)


if __name__ == "__main__":
    main()
