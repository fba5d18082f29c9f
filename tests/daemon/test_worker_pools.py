"""Several workers for the same engines: jobs side by side, and every promise of one worker."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from musiscene_core.errors import InputError
from musiscene_daemon.staff import staff
from tests.support.daemons import Home, request, wait_until


def test_two_workers_do_two_jobs_at_once_and_a_killed_one_begins_its_own_anew(
    own_home: Home, tmp_path: Path
) -> None:
    gates = [tmp_path / f"gate-{number}" for number in range(3)]
    with own_home.connect("--workers", "2") as client:
        wait_until(lambda: sum(one.ready for one in client.status().workers) == 2, within_s=30)
        jobs = [
            client.submit_score(request(seed=n, until=str(gate))) for n, gate in enumerate(gates)
        ]
        for job in jobs[:2]:
            wait_until(lambda job=job: client.job(job).stage == "Waiting", within_s=20)
        assert client.status().jobs_running == 2
        assert client.job(jobs[2]).state == "queued"
        first, second = client.status().workers
        assert (first.name, second.name) == ("main", "main-2")
        os.kill(second.pid, signal.SIGKILL)
        wait_until(lambda: sum(client.job(job).attempts for job in jobs) >= 3, within_s=20)
        for gate in gates:
            gate.touch()
        for job in jobs:
            client.wait(job, timeout=30)
        assert sorted(client.job(job).attempts for job in jobs) == [1, 1, 2]
    assert len(own_home.results()) == 3
    assert not own_home.partials()


def test_a_job_is_cancelled_on_whichever_worker_has_it(own_home: Home, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    with own_home.connect("--workers", "2") as client:
        wait_until(lambda: sum(one.ready for one in client.status().workers) == 2, within_s=30)
        here, there = (client.submit_score(request(seed=n, until=str(gate))) for n in (1, 2))
        for job in (here, there):
            wait_until(lambda job=job: client.job(job).stage == "Waiting", within_s=20)
        client.cancel(there)
        wait_until(lambda: client.job(there).state == "cancelled")
        (composed,) = client.wait(client.submit_score(request(engine="composer")), timeout=60).takes
        assert (Path(composed) / "mix.wav").is_file()
        assert client.job(here).state == "running"
        gate.touch()
        client.wait(here, timeout=20)


def test_workers_of_a_cluster_are_named_and_told_where_it_is() -> None:
    workers = staff("ray://studio:10001?workers=2&gpus=1&on-gpu=musicgen")
    assert [one.name for one in workers] == ["main", "main-2", "cluster-gpu"]
    assert [one.home for one in workers] == ["main", "main", "cluster-gpu"]
    assert workers[2].engines == ("musicgen",)
    assert workers[2].through[2:] == ("--address", "ray://studio:10001", "--gpus", "1")


@pytest.mark.parametrize(
    "text",
    ["0", "-1", "two", "257", "٣", "ray://", "ray://host/path", "ray://host?worker=2",
     "ray://host?workers=0", "ray://host?gpus=x", "ray://host?gpus=1&on-gpu="],
)  # fmt: skip
def test_workers_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        staff(text)
