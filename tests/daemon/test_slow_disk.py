"""While the disk takes its time the daemon answers, stops jobs, and forgets nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

import musiscene_daemon.server
from musiscene_core.errors import DaemonError, OutputError
from musiscene_core.protocol import Client, connect
from musiscene_core.protocol.connection import connection_path
from musiscene_daemon.server import Server
from musiscene_daemon.settings import Settings
from musiscene_daemon.store import Store
from tests.support.daemons import SCRIPTED, Home, alive, request, wait_until

SLOW_S = 1.5


class SlowStore(Store):
    """A job table on a disk that is slow, or full, when the test says so."""

    slow_s = 0.0
    full = False
    committing = threading.Event()

    def commit(self) -> None:
        if self.uncommitted and SlowStore.slow_s:
            SlowStore.committing.set()
            time.sleep(SlowStore.slow_s)
        if self.uncommitted and SlowStore.full:
            self._broken = True
        super().commit()


@pytest.fixture
def slow_home(own_home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """A daemon in this process, on a thread, whose disk the test slows down."""
    monkeypatch.setattr(musiscene_daemon.server, "Store", SlowStore)
    monkeypatch.setattr(SlowStore, "slow_s", 0.0)
    monkeypatch.setattr(SlowStore, "full", False)
    SlowStore.committing.clear()
    loop = threading.Thread(target=serve)
    loop.start()
    wait_until(connection_path().exists)
    try:
        yield own_home
    finally:
        SlowStore.slow_s = 0.0
        # A test may have had it leave already.
        with suppress(DaemonError), connect(start=False) as client:
            client.shutdown()
        loop.join(10)


def serve() -> None:
    with Server(Settings.from_environment(engines_from=(SCRIPTED,))) as server:
        server.run()


@contextmanager
def submission_under_way() -> Iterator[list[str]]:
    """A submission whose commit is under way; the list holds the job once it is acknowledged."""
    acknowledged: list[str] = []

    def submit() -> None:
        with connect(start=False) as client:
            acknowledged.append(client.submit_score(request(seed=77)))

    SlowStore.slow_s = SLOW_S
    thread = threading.Thread(target=submit)
    thread.start()
    assert SlowStore.committing.wait(10)
    SlowStore.slow_s = 0.0
    try:
        yield acknowledged
    finally:
        thread.join(10)


def stuck_job(client: Client) -> str:
    job_id = client.submit_score(request(fault="stuck"))
    wait_until(lambda: client.job(job_id).stage == "Playing", within_s=30)
    return job_id


def test_pings_are_answered_during_a_commit_and_what_follows_it_comes_in_order(
    slow_home: Home,
) -> None:
    with connect(start=False) as client:
        client.engines()
        with submission_under_way() as acknowledged:
            for _ in range(100):
                client.ping()
            assert acknowledged == []
            # Asked after the submission, so answered after its commit.
            queued, running = client.status().jobs_queued, client.status().jobs_running
            assert queued + running == 1
        client.wait(acknowledged[0], timeout=20)


def test_a_running_job_is_stopped_before_the_disk_has_caught_up(slow_home: Home) -> None:
    with connect(start=False) as client:
        client.engines()
        job_id = stuck_job(client)
        worker = client.status().worker_pid
        with submission_under_way() as acknowledged:
            cancelling = threading.Thread(target=_cancel, args=(job_id,))
            cancelling.start()
            wait_until(lambda: not alive(worker), within_s=SLOW_S)
            assert acknowledged == []
            cancelling.join(10)
        wait_until(lambda: client.job(job_id).state == "cancelled")
        client.wait(acknowledged[0], timeout=20)
        assert client.job(acknowledged[0]).attempts == 1


def test_cancelling_all_of_mine_stops_what_runs_at_once_and_counts_it(slow_home: Home) -> None:
    counts: list[int] = []

    def cancel_all() -> None:
        with connect(start=False) as client:
            counts.append(client.cancel_all("mine"))

    with connect(start=False) as client:
        client.engines()
        job_id = stuck_job(client)
        worker = client.status().worker_pid
        with submission_under_way() as acknowledged:
            cancelling = threading.Thread(target=cancel_all)
            cancelling.start()
            wait_until(lambda: not alive(worker), within_s=SLOW_S)
            assert acknowledged == []
            cancelling.join(10)
        wait_until(lambda: client.job(job_id).state == "cancelled")
        assert client.job(acknowledged[0]).state == "cancelled"
    assert counts == [2]


def _cancel(job_id: str) -> None:
    with connect(start=False) as client:
        client.cancel(job_id)


def test_a_daemon_told_to_leave_during_a_commit_acknowledges_first(slow_home: Home) -> None:
    with connect(start=False) as client, submission_under_way() as acknowledged:
        client.shutdown()
    assert len(acknowledged) == 1
    wait_until(lambda: slow_home.job_rows() == [(acknowledged[0], "queued", 0)])


def test_a_commit_that_fails_takes_back_the_job_and_its_beginning(
    slow_home: Home, tmp_path: Path
) -> None:
    diary = tmp_path / "diary"
    with connect(start=False) as client:
        client.engines()
        gate = tmp_path / "gate"
        blocker = client.submit_score(request(until=str(gate)))
        wait_until(lambda: client.job(blocker).stage == "Waiting", within_s=30)
        waiting = client.submit_score(request(diary=str(diary)))
        SlowStore.full = True
        with pytest.raises(OutputError, match="list of jobs cannot be used"):
            client.submit_score(request(seed=2))
        # It ends, and that cannot be noted; nor may the next one begin.
        gate.touch()
        time.sleep(1.0)
        assert (client.job(blocker).state, client.job(waiting).state) == ("running", "queued")
        assert not diary.exists()
        SlowStore.full = False
        client.wait(waiting, timeout=20)
        assert client.job(blocker).state == "done"
        assert [job.attempts for job in client.jobs()] == [1, 1]
    assert len(diary.read_text().splitlines()) == 1
