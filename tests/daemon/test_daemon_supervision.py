"""A worker that hangs, and a machine that slept: driven with a clock of the test's own."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq

from musiscene_core.errors import DaemonError
from musiscene_daemon.crew import Crew
from musiscene_daemon.jobs import Jobs
from musiscene_daemon.settings import Settings
from musiscene_daemon.store import Store
from musiscene_daemon.supervisor import START_LIMIT_S
from musiscene_daemon.takes import TakeLibrary
from tests.support.daemons import ROOT, SCRIPTED, alive, request, wait_until
from tests.support.turns import turn

DAY_S = 86_400.0


class Bench:
    """The daemon's parts around a real worker, without its socket."""

    def __init__(self, folder: Path, engine: str = SCRIPTED) -> None:
        self.settings = Settings(data_folder=folder / "data", log_folder=folder / "log")
        self.context = zmq.Context()
        self.crew = Crew(self.context, folder, [engine])
        self.store = Store(folder / "jobs.sqlite3")
        library = TakeLibrary(self.settings.data_folder)
        self.jobs = Jobs(self.store, library, self.crew, self.settings)
        self.ahead_s = 0.0

    def turn(self) -> None:
        """One turn of the daemon's loop, at real time plus `ahead_s`."""
        now = time.monotonic() + self.ahead_s
        self.crew.inbox.poll(20)
        for environment, report in self.crew.reports(now):
            self.jobs.hear(environment, report, now)
        turn(self.jobs, self.store, now)

    def turn_until(self, job_id: str, *, state: str = "", stage: str = "") -> None:
        def there() -> bool:
            self.turn()
            job = self.jobs.info(job_id)
            return (not state or job.state == state) and (not stage or job.stage == stage)

        wait_until(there)

    def close(self) -> None:
        self.jobs.stop()
        self.crew.stop()
        self.store.close()
        self.context.term()


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    bench = Bench(tmp_path)
    yield bench
    bench.close()


def test_a_worker_that_falls_silent_is_replaced_and_its_job_begins_anew(
    bench: Bench, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    job_id, _ = bench.jobs.submit(request(until=str(gate)), owner="local", key="a")
    bench.turn_until(job_id, stage="Waiting")
    stopped = bench.crew.pid
    os.kill(stopped, signal.SIGSTOP)
    while list(bench.crew.reports(time.monotonic())):
        pass
    for _ in range(int(bench.settings.silence_s) + 2):
        bench.ahead_s += 1.0
        bench.turn()
    wait_until(lambda: not alive(stopped))
    gate.touch()
    bench.turn_until(job_id, state="done")
    assert bench.jobs.info(job_id).attempts == 2
    assert bench.crew.pid != stopped


def test_a_worker_that_hangs_before_it_is_ready_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    bench = Bench(tmp_path, "tests.support.scripted_engine:HangingEngine")
    try:
        bench.turn()
        hung = bench.crew.pid
        bench.ahead_s += START_LIMIT_S - 1.0
        bench.turn()
        assert alive(hung)
        bench.ahead_s += 2.0
        wait_until(lambda: bench.turn() or bench.crew.pid not in (0, hung))
        assert not alive(hung)
        assert bench.crew.members["main"].failed_starts == 1
    finally:
        bench.close()


def test_a_machine_that_slept_for_a_day_keeps_its_worker(bench: Bench, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    job_id, _ = bench.jobs.submit(request(until=str(gate)), owner="local", key="a")
    bench.turn_until(job_id, stage="Waiting")
    worker = bench.crew.pid
    bench.ahead_s += DAY_S
    for _ in range(3):
        bench.turn()
    gate.touch()
    bench.turn_until(job_id, state="done")
    assert (bench.crew.pid, bench.jobs.info(job_id).attempts) == (worker, 1)


def test_jobs_fail_with_the_reason_where_no_worker_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "argparse.py").write_text("raise SystemExit('the worker is not well')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    bench = Bench(tmp_path)
    try:
        job_id, _ = bench.jobs.submit(request(), owner="local", key="a")
        bench.turn_until(job_id, state="failed")
        error = bench.jobs.info(job_id).error
        assert error is not None
        assert error.message == "The daemon's worker does not start."
        assert "the worker is not well" in error.hint
        assert bench.jobs.info(job_id).attempts == 0
    finally:
        bench.close()


def test_workers_killed_from_outside_before_they_are_ready_fail_no_job(bench: Bench) -> None:
    job_id, _ = bench.jobs.submit(request(), owner="local", key="a")
    killed: set[int] = set()
    while len(killed) < 4:
        bench.turn()
        worker = bench.crew.pid
        if worker and worker not in killed:
            os.kill(worker, signal.SIGKILL)
            killed.add(worker)
    bench.turn_until(job_id, state="done")
    assert bench.crew.members["main"].failed_starts == 0


def test_too_many_waiting_jobs_are_refused(tmp_path: Path, bench: Bench) -> None:
    few = Settings(data_folder=tmp_path / "data", log_folder=tmp_path, max_queued=2)
    jobs = Jobs(bench.store, TakeLibrary(tmp_path / "data"), bench.crew, few)
    for key in "ab":
        jobs.submit(request(), owner="local", key=key)
    with pytest.raises(DaemonError, match="Too many jobs"):
        jobs.submit(request(), owner="local", key="c")
    assert jobs.submit(request(), owner="local", key="a")[1] is False
    assert jobs.counts() == (2, 0)


def test_one_owners_keys_say_nothing_of_anothers(bench: Bench) -> None:
    mine, _ = bench.jobs.submit(request(), owner="me", key="a")
    yours, new = bench.jobs.submit(request(seed=9), owner="you", key="a")
    assert new
    assert mine != yours
