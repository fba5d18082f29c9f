"""The wall clock jumps a day, both ways, under a real daemon and its worker.

No test may set the machine's clock, so Python's is shifted in these processes alone: a
sitecustomize module on their path adds to `time.time` what a file says. File times stay true.
"""

from __future__ import annotations

import struct
import time
from pathlib import Path

import pytest

from tests.support.daemons import ROOT, alive, home, request, wait_until
from tests.support.trials.figures import Figure, Say
from tests.support.trials.watching import Pinger

DAY_S = 86_400.0
_JOBS = 6

_SHIFT = """
import mmap, os, struct, time
with open(os.environ["TRIAL_CLOCK"], "rb") as file:
    shift = mmap.mmap(file.fileno(), 8, access=mmap.ACCESS_READ)
real = time.time
time.time = lambda: real() + struct.unpack_from("<d", shift)[0]
time.time_ns = lambda: int(time.time() * 1e9)
"""


def clock_jumps(folder: Path, rounds: int, say: Say) -> list[Figure]:
    """Jump while a job runs, others wait and a client listens; then kill the daemon, and again."""
    (folder / "clock").mkdir(parents=True)
    (folder / "clock/sitecustomize.py").write_text(_SHIFT)
    shift = folder / "shift"
    shift.write_bytes(struct.pack("<d", 0.0))
    dates: list[float] = []
    wrong: list[str] = []
    place_folder = folder / "home"
    with home(place_folder) as place, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", f"{folder / 'clock'}:{ROOT}")
        patch.setenv("TRIAL_CLOCK", str(shift))
        submitted: list[str] = []
        for number in range(rounds):
            for days in (1.0, -1.0, 0.0):
                gate = folder / f"gate {number} {days}"
                with place.connect("--idle-s", "20") as client, Pinger() as pinger:
                    pid = client.status().pid
                    jobs = [
                        client.submit_score(request(until=str(gate), seed=seed))
                        for seed in range(_JOBS)
                    ]
                    submitted += jobs
                    wait_until(lambda: client.job(jobs[0]).stage == "Waiting")  # noqa: B023
                    with shift.open("r+b") as file:
                        file.write(struct.pack("<d", days * DAY_S))
                    late = client.submit_score(request(until=str(gate), seed=99))
                    submitted.append(late)
                    dates.append(client.job(late).created - time.time())
                    time.sleep(0.3)
                    if max(client.job(job).attempts for job in jobs) != 1:
                        wrong.append(f"jobs were begun again after a jump to {days:+.0f} days")
                    gate.touch()
                    for job in (*jobs, late):
                        if len(client.wait(job, timeout=30.0).takes) != 1:
                            wrong.append(f"{job} has no take")
                    if not alive(pid) or client.status().pid != pid:
                        wrong.append(f"the daemon left after a jump to {days:+.0f} days")
                if pinger.failure is not None:
                    wrong.append(str(pinger.failure))
                place.kill()
            say(f"{number + 1} of {rounds}")
        with place.connect() as client:
            listed = [job.id for job in client.jobs()]
    if [round(date / DAY_S) for date in dates] != [1, -1, 0] * rounds:
        wrong.append("the jumps did not reach the daemon")
    if listed[-len(submitted) :] != submitted[-len(listed) :]:
        wrong.append("the list of jobs is out of order")
    return [
        Figure(
            test=f"clock jumps of a day, both ways and back, x {rounds}",
            figure="; ".join(wrong[:3]) or f"{len(submitted)} jobs done, each begun once",
            target="all done, each begun once, no daemon left",
            ok=not wrong,
        )
    ]
