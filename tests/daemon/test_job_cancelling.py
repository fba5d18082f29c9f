"""Cancelling one, all of mine, all that wait: quickly, idempotently, and nobody else's."""

from __future__ import annotations

from pathlib import Path

from musiscene_core.protocol import Client
from tests.support.daemons import Home, request, wait_until


def state(client: Client, job_id: str) -> str:
    return client.job(job_id).state


def test_all_that_wait_are_cancelled_and_what_runs_goes_on(
    shared_home: Home, client: Client, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    running = client.submit_score(request(until=str(gate)))
    wait_until(lambda: state(client, running) == "running")
    with shared_home.connect() as other:
        theirs = other.submit_score(request(seed=8))
    mine = [client.submit_score(request(seed=seed), priority="batch") for seed in range(3)]
    assert client.cancel_all("queued") == 4
    assert client.cancel_all("queued") == 0
    assert {state(client, job_id) for job_id in (*mine, theirs)} == {"cancelled"}
    gate.touch()
    client.wait(running, timeout=10)


def test_a_program_cancels_its_own_jobs_and_leaves_those_of_others(
    shared_home: Home, client: Client, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    with shared_home.connect() as other:
        running = other.submit_score(request(until=str(gate)))
        wait_until(lambda: state(client, running) == "running")
        mine = [client.submit_score(request(seed=seed)) for seed in range(3)]
        theirs = other.submit_score(request(seed=8))
        assert client.cancel_all() == 3
        assert {state(client, job_id) for job_id in mine} == {"cancelled"}
        assert (state(client, running), state(client, theirs)) == ("running", "queued")
        assert client.cancel_all("mine") == 2
        assert client.cancel_all("mine") == 0
        wait_until(lambda: state(client, running) == "cancelled")
        assert state(client, theirs) == "cancelled"


def test_a_stuck_job_is_killed_and_cancelling_again_changes_nothing(client: Client) -> None:
    for cancel in (lambda job_id: client.cancel(job_id), lambda _: client.cancel_all()):
        job_id = client.submit_score(request(fault="stuck"))
        wait_until(lambda job_id=job_id: client.job(job_id).stage == "Playing")
        cancel(job_id)
        cancel(job_id)
        wait_until(lambda job_id=job_id: state(client, job_id) == "cancelled")
        assert client.cancel(job_id).state == "cancelled"
    client.wait(client.submit_score(request(steps=0)), timeout=20)
