"""What was accepted is never lost, whatever dies."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from musiscene_core.errors import (
    CancelledError,
    DaemonError,
    DiskFullError,
    JobFailedError,
    OutputError,
)
from musiscene_core.protocol import Client, connect
from tests.support.daemons import Home, alive, processes_of, request, wait_until

needs_proc = pytest.mark.skipif(not Path("/proc/self").exists(), reason="reads /proc")


def diary_lines(path: Path) -> int:
    return len(path.read_text().splitlines()) if path.exists() else 0


def test_a_job_whose_worker_is_killed_begins_anew_and_ends_once(
    shared_home: Home, tmp_path: Path
) -> None:
    diary, gate = tmp_path / "diary", tmp_path / "gate"
    with shared_home.connect() as client:
        job_id = client.submit_score(request(diary=str(diary), until=str(gate)))
        wait_until(lambda: client.job(job_id).stage == "Waiting")
        worker = client.status().worker_pid
        os.kill(worker, signal.SIGKILL)
        wait_until(lambda: diary_lines(diary) == 2)
        gate.touch()
        result = client.wait(job_id)
        assert client.job(job_id).attempts == 2
        assert client.status().worker_pid != worker
    assert [Path(take).name for take in result.takes] == ["take-1"]
    assert sum(job_id in place for place in shared_home.results()) == 1
    wait_until(lambda: shared_home.partials() == [])


def test_a_job_that_kills_every_worker_fails_with_their_last_words(shared_home: Home) -> None:
    with shared_home.connect() as client:
        job_id = client.submit_score(request(fault="die"))
        with pytest.raises(JobFailedError, match="3 times") as raised:
            client.wait(job_id)
        assert f"signal {signal.SIGKILL.value}" in raised.value.message
        assert "the tape is torn" in raised.value.hint
        assert client.job(job_id).attempts == 3
        assert client.score(request())[0][0].name == "take-1"
    assert not [place for place in shared_home.results() if job_id in place]
    wait_until(lambda: shared_home.partials() == [])


def test_a_job_that_goes_wrong_once_still_succeeds(shared_home: Home, tmp_path: Path) -> None:
    diary = tmp_path / "diary"
    with shared_home.connect() as client:
        client.score(request(fault="die", faulty=1, diary=str(diary)))
        assert client.jobs()[-1].attempts == 2


@needs_proc
def test_a_killed_daemon_takes_its_worker_along_and_the_next_one_resumes(
    own_home: Home, tmp_path: Path
) -> None:
    diary, gate = tmp_path / "diary", tmp_path / "gate"
    with own_home.connect() as client:
        running = client.submit_score(request(diary=str(diary), until=str(gate)))
        queued = client.submit_score(request(seed=9))
        dropped = client.submit_score(request(seed=10))
        client.cancel(dropped)
        wait_until(lambda: client.job(running).stage == "Waiting")
        worker = client.status().worker_pid
        first = own_home.kill()
        wait_until(lambda: not alive(worker), within_s=1.0)
        assert [state for _, state, _ in own_home.job_rows()] == ["running", "queued", "cancelled"]

        # The same client goes on: it starts the next daemon by asking it.
        wait_until(lambda: client.job(running).stage == "Waiting")
        assert own_home.pid not in (0, first)
        gate.touch()
        assert client.wait(running).job_id == running
        client.wait(queued)
        with pytest.raises(CancelledError):
            client.wait(dropped)
    assert [(job, state) for job, state, _ in own_home.job_rows()] == [
        (running, "done"),
        (queued, "done"),
        (dropped, "cancelled"),
    ]
    assert diary_lines(diary) == 2
    assert len(own_home.results()) == 2
    wait_until(lambda: own_home.partials() == [])


def test_a_client_that_waits_lives_through_the_daemons_death(
    own_home: Home, tmp_path: Path
) -> None:
    diary = tmp_path / "diary"
    killed: list[int] = []

    def on_progress(stage: str, fraction: float) -> None:
        if stage == "Playing" and not killed:
            killed.append(own_home.kill())

    with own_home.connect() as client:
        scored = client.score(request(diary=str(diary), steps=10, step_s=0.03), on_progress)
        assert len(scored) == 1
        assert client.status().pid != killed[0]
    assert [(state, attempts) for _, state, attempts in own_home.job_rows()] == [("done", 2)]
    assert len(own_home.results()) == 1


def test_a_job_cancelled_just_before_the_daemon_died_never_begins_again(
    own_home: Home, tmp_path: Path
) -> None:
    diary = tmp_path / "diary"
    with own_home.connect() as client:
        job_id = client.submit_score(request(diary=str(diary), fault="stuck"))
        wait_until(lambda: client.job(job_id).stage == "Playing")
        client.cancel(job_id)
        own_home.kill()
        assert client.job(job_id).state == "cancelled"
        client.score(request())
    assert diary_lines(diary) == 1


def test_a_result_published_just_before_the_daemon_died_is_kept_and_not_made_again(
    own_home: Home, tmp_path: Path
) -> None:
    """The moment between the rename and the commit, made by hand."""
    diary = tmp_path / "diary"
    with own_home.connect() as client:
        job_id = client.submit_score(request(diary=str(diary), steps=1, takes=11))
        result = client.wait(job_id)
        own_home.kill()
        _set_back(own_home, job_id)
        again = client.wait(job_id)
        assert again == result
        assert len(again.takes) == 11
    assert diary_lines(diary) == 11


def _set_back(home: Home, job_id: str) -> None:
    table = sqlite3.connect(home.folder / "data/jobs.sqlite3")
    with table:
        table.execute("update job set state = 'running', folder = '' where id = ?", (job_id,))
    table.close()


@needs_proc
def test_leaving_politely_puts_the_running_job_back_without_counting_it(
    own_home: Home, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    with own_home.connect() as client:
        job_id = client.submit_score(request(until=str(gate)))
        wait_until(lambda: client.job(job_id).stage == "Waiting")
        client.shutdown()
    wait_until(lambda: not processes_of(own_home.folder), within_s=3.0)
    assert own_home.job_rows() == [(job_id, "queued", 0)]
    gate.touch()
    with own_home.connect() as client:
        client.wait(job_id)
        assert client.job(job_id).attempts == 1


@needs_proc
def test_a_frozen_daemon_is_an_error_with_what_to_do(own_home: Home) -> None:
    with own_home.connect() as client:
        pid = own_home.pid
    os.kill(pid, signal.SIGSTOP)
    began = time.monotonic()
    with pytest.raises(DaemonError, match=rf"process {pid}\) has not answered for 1 s") as raised:
        connect(timeout_s=1.0)
    assert time.monotonic() - began < 4.0
    assert "musiscene daemon stop" in raised.value.hint
    with pytest.raises(DaemonError, match="has not answered"):
        connect(start=False, timeout_s=0.4)
    os.kill(pid, signal.SIGCONT)
    with connect(start=False) as client:
        assert client.status().pid == pid


@needs_proc
def test_a_daemon_that_freezes_during_a_wait_is_noticed(own_home: Home) -> None:
    with own_home.connect(timeout_s=1.5) as client:
        job_id = client.submit_score(request(until="/nowhere"))
        wait_until(lambda: client.job(job_id).stage == "Waiting")
        os.kill(own_home.pid, signal.SIGSTOP)
        began = time.monotonic()
        with pytest.raises(DaemonError, match="has not answered"):
            client.wait(job_id)
        assert time.monotonic() - began < 9.0


@pytest.mark.skipif(sys.platform != "linux", reason="mounts a small file system")
def test_a_disk_that_fills_up_fails_the_job_cleanly_and_work_goes_on_afterwards(
    tmp_path: Path, own_home: Home
) -> None:
    data = own_home.folder / "data"
    data.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=3m", "none", str(data)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("may not mount a file system here")
    try:
        with own_home.connect() as client:
            with pytest.raises(DiskFullError) as told:
                client.score(request(megabytes=8))
            assert told.value.message == "The disk is full; the result was not kept."
            assert str(data) in told.value.hint
            assert ".partial" not in str(told.value)
            wait_until(lambda: own_home.partials() == [])
            assert own_home.results() == []
            assert client.score(request())[0][0].name == "take-1"
            # Now even the job table finds no room.
            filler = data / "filler"
            fill(filler)
            with pytest.raises(OutputError, match="The disk is full"):
                submit_many(client)
            filler.unlink()
            assert client.score(request())[0][0].name == "take-1"
            client.shutdown()
        wait_until(lambda: not processes_of(own_home.folder))
    finally:
        own_home.kill()
        wait_until(lambda: not processes_of(own_home.folder))
        subprocess.run(["umount", "-l", str(data)], check=True)


def fill(path: Path) -> None:
    """Grow `path` until the disk is full."""
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(b"\0" * 4096):
            pass


def submit_many(client: Client) -> None:
    for number in range(100):
        client.submit_score(request(diary="x" * 100_000, seed=number))


def kill_at_random(home: Home, kills: int, seed: int) -> None:
    """Submit all the while, kill the worker or the daemon now and then, then see to it all."""
    chance = random.Random(seed)
    accepted: list[str] = []
    with home.connect() as client:
        for number in range(kills):
            until = time.monotonic() + chance.uniform(0.02, 0.4)
            while time.monotonic() < until:
                wish = request(steps=2, step_s=0.005, seed=len(accepted))
                accepted.append(client.submit_score(wish))
                time.sleep(0.02)
            victim = client.status().worker_pid if number % 2 else home.pid
            if victim:
                os.kill(victim, signal.SIGKILL)
        for job_id in accepted:
            wait_until(lambda job_id=job_id: client.job(job_id).ended, within_s=60)  # type: ignore[misc]
        worker = client.status().worker_pid
    states = {job: state for job, state, _ in home.job_rows()}
    assert [job for job in accepted if job not in states] == []
    published = [place.rpartition("-")[2] for place in home.results()]
    assert sorted(published) == sorted(job for job, state in states.items() if state == "done")
    failed = sum(state == "failed" for state in states.values())
    assert failed <= kills // 3
    wait_until(lambda: home.partials() == [])
    assert set(processes_of(home.folder)) <= {home.pid, worker}


@needs_proc
def test_random_kills_lose_nothing(own_home: Home) -> None:
    kill_at_random(own_home, 4, seed=1)


@needs_proc
@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_hundred_random_kills_lose_nothing(own_home: Home) -> None:
    kill_at_random(own_home, 100, seed=2)
