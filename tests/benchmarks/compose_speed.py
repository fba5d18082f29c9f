"""How fast a take is composed, rendered and written, and in how much memory.

    python -m tests.benchmarks.compose_speed [SECONDS ...]

Each length is made in a process of its own, once to warm up on 10 s and then timed: 30 s, 60 s,
5 and 20 minutes unless said otherwise. Seconds of both cores are given beside those of the clock,
for on a busy machine only they compare. Figures are printed, never asserted.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
LENGTHS_S = (30.0, 60.0, 300.0, 1200.0)


def main(arguments: list[str]) -> None:
    """Measure the lengths named, or the standard ones."""
    if arguments[:1] == ["--in-process"]:
        print(json.dumps(measure(float(arguments[1]), Path(arguments[2]))))
        return
    print("  length    clock  x real time  processor  x real time   memory   written  stages")
    for length_s in [float(text) for text in arguments] or LENGTHS_S:
        with tempfile.TemporaryDirectory(prefix="musiscene-bench-") as folder:
            child = [sys.executable, "-m", "tests.benchmarks.compose_speed", "--in-process"]
            printed = subprocess.run(
                [*child, str(length_s), folder],
                check=True,
                capture_output=True,
                text=True,
                cwd=ROOT,
            ).stdout
        found = json.loads(printed.splitlines()[-1])
        stages = ", ".join(f"{name} {seconds:.2f}" for name, seconds in found["stages_s"].items())
        print(
            f"{length_s:6.0f} s  {found['clock_s']:6.2f} s  {length_s / found['clock_s']:9.1f} x  "
            f"{found['processor_s']:7.2f} s  {length_s / found['processor_s']:9.1f} x  "
            f"{found['memory_mb']:4.0f} MB  {found['written_mb']:5.0f} MB  {stages}",
            flush=True,
        )
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


def measure(length_s: float, folder: Path) -> dict[str, Any]:
    """Make one take of `length_s` in `folder`; seconds, stages and peak memory."""
    from musiscene_core.composing.score import score
    from musiscene_core.request import ScoreRequest
    from tests.support.scenes import brief_of

    def request(seconds: float) -> ScoreRequest:
        cuts = tuple(np.arange(4.3, seconds - 1.5, 5.7).tolist())
        motion = tuple(np.linspace(0.2, 0.9, 12).tolist())
        return ScoreRequest(
            brief=brief_of(seconds, cuts=cuts, motion=motion, arousal=0.4, anxious=0.6)
        )

    for name in ("warm", "take"):
        (folder / name).mkdir()
    score(request(10.0), 1, "take-1", folder / "warm")
    begun: dict[str, float] = {}
    wanted = request(length_s)
    clock, processor = time.perf_counter(), time.process_time()
    score(
        wanted,
        1,
        "take-1",
        folder / "take",
        lambda stage, fraction: begun.setdefault(stage, time.perf_counter()),
    )
    end = time.perf_counter()
    marks = [*begun.values(), end]
    return {
        "clock_s": end - clock,
        "processor_s": time.process_time() - processor,
        "stages_s": {name: marks[at + 1] - marks[at] for at, name in enumerate(begun)},
        "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "written_mb": sum(p.stat().st_size for p in (folder / "take").rglob("*.*")) / 1e6,
    }


if __name__ == "__main__":
    main(sys.argv[1:])
