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
from musiscene_daemon.jobs import Jobs
from musiscene_daemon.settings import Settings
from musiscene_daemon.store import Store
from musiscene_daemon.supervisor import Supervisor
from musiscene_daemon.takes import TakeLibrary
from tests.support.daemons import ROOT, SCRIPTED, alive, request, wait_until

DAY_S = 86_400.0


class Bench:
    """The daemon's parts around a real worker, without its socket."""

    def __init__(self, folder: Path, engine: str = SCRIPTED) -> None:
        self.settings = Settings(data_folder=folder / "data", log_folder=folder / "log")
        self.context = zmq.Context()
        self.worker = Supervisor(self.context, folder, [engine])
        self.store = Store(folder / "jobs.sqlite3")
        library = TakeLibrary(self.settings.data_folder)
        self.jobs = Jobs(self.store, library, self.worker, self.settings)
        self.ahead_s = 0.0

    def turn(self) -> None:
        """One turn of the daemon's loop, at real time plus `ahead_s`."""
        now = time.monotonic() + self.ahead_s
        self.worker.inbox.poll(20)
        for report in self.worker.reports(now):
            self.jobs.hear(report, now)
        self.jobs.tick(now)

    def turn_until(self, job_id: str, *, state: str = "", stage: str = "") -> None:
        def there() -> bool:
            self.turn()
            job = self.jobs.info(job_id)
            return (not state or job.state == state) and (not stage or job.stage == stage)

        wait_until(there)

    def close(self) -> None:
        self.jobs.stop()
        self.worker.stop()
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
    stopped = bench.worker.pid
    os.kill(stopped, signal.SIGSTOP)
    while bench.worker.reports(time.monotonic()):
        pass
    for _ in range(int(bench.settings.silence_s) + 2):
        bench.ahead_s += 1.0
        bench.turn()
    wait_until(lambda: not alive(stopped))
    gate.touch()
    bench.turn_until(job_id, state="done")
    assert bench.jobs.info(job_id).attempts == 2
    assert bench.worker.pid != stopped


def test_a_machine_that_slept_for_a_day_keeps_its_worker(bench: Bench, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    job_id, _ = bench.jobs.submit(request(until=str(gate)), owner="local", key="a")
    bench.turn_until(job_id, stage="Waiting")
    worker = bench.worker.pid
    bench.ahead_s += DAY_S
    for _ in range(3):
        bench.turn()
    gate.touch()
    bench.turn_until(job_id, state="done")
    assert (bench.worker.pid, bench.jobs.info(job_id).attempts) == (worker, 1)


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


def test_too_many_waiting_jobs_are_refused(tmp_path: Path, bench: Bench) -> None:
    few = Settings(data_folder=tmp_path / "data", log_folder=tmp_path, max_queued=2)
    jobs = Jobs(bench.store, TakeLibrary(tmp_path / "data"), bench.worker, few)
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
