"""One worker for each environment: engines beside each other, each with its own troubles."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from musiscene_core.codec import to_json
from musiscene_core.critic.critique import read_critique
from musiscene_core.environments.places import STAMP, WATCHING, Stamp
from musiscene_core.errors import JobFailedError, UnknownJobError
from musiscene_core.protocol import Client
from musiscene_daemon.environments import find
from musiscene_daemon.store import Store, StoredJob
from tests.support.daemons import Home, alive, request, scene, wait_until
from tests.support.environments import make_environment

_ENVIRONMENT_STARTS_S = 30.0


def offered(client: Client) -> dict[str, str]:
    return {engine.name: engine.environment for engine in client.engines()}


def workers(client: Client) -> dict[str, int]:
    return {worker.name: worker.pid for worker in client.status().workers if worker.ready}


def wait_for(client: Client, *engines: str) -> None:
    wait_until(lambda: set(engines) <= set(offered(client)), within_s=_ENVIRONMENT_STARTS_S)


def test_a_long_job_in_one_environment_holds_up_no_other(own_home: Home, tmp_path: Path) -> None:
    make_environment(own_home, "style", "style")
    gate = tmp_path / "gate"
    with own_home.connect() as client:
        # Refuses nothing before every environment has said what it offers.
        client.check(request(engine="style"))
        assert offered(client) | {"composer": "main"} == offered(client)
        assert (offered(client)["scripted"], offered(client)["style"]) == ("main", "style")
        assert list(workers(client)) == ["main", "style"]
        long = client.submit_score(request(until=str(gate)))
        queued = client.submit_score(request(seed=8))
        wait_until(lambda: client.job(long).stage == "Waiting")
        (scored,) = client.wait(client.submit_score(request(engine="style")), timeout=20).takes
        assert (Path(scored) / "mix.wav").is_file()
        assert (client.job(long).state, client.job(queued).state) == ("running", "queued")
        gate.touch()
        client.wait(queued, timeout=20)


def test_pictures_are_watched_where_the_models_for_that_are(own_home: Home, tmp_path: Path) -> None:
    stamp = to_json(Stamp(recipe="gpu", digest="", engines=(WATCHING,), inside=True))
    place = make_environment(own_home, "gpu")
    (place / STAMP).write_bytes(stamp)
    broken = make_environment(own_home, "broken", with_musiscene=False)
    gate = tmp_path / "gate"
    with own_home.connect() as client:
        long = client.submit_score(request(until=str(gate)))
        wait_until(lambda: client.job(long).stage == "Waiting")
        assert client.spot(scene()).timeline == scene()
        assert client.job(long).state == "running"
        gate.touch()
    # Where that environment does not start, the daemon's own watches by itself.
    (place / STAMP).unlink()
    (broken / STAMP).write_bytes(stamp)
    own_home.kill()
    with own_home.connect() as client:
        assert client.spot(scene()).timeline == scene()


def test_takes_made_elsewhere_are_ranked_by_measurements(own_home: Home) -> None:
    make_environment(own_home, "style", "style")
    with own_home.connect() as client:
        wanted = request(engine="style", seconds=4, takes=2)
        made = client.wait(client.submit_score(wanted), timeout=30).takes
    critiques = [read_critique(Path(folder)) for folder in made]
    assert [one.listener for one in critiques if one] == ["signals", "signals"]


def test_a_worker_killed_or_a_job_cancelled_in_one_environment_concerns_no_other(
    own_home: Home, tmp_path: Path
) -> None:
    make_environment(own_home, "style", "style")
    gate = tmp_path / "gate"
    with own_home.connect() as client:
        wait_for(client, "style")
        here = client.submit_score(request(until=str(gate)))
        there = client.submit_score(request(engine="style", until=str(gate)))
        for job_id in (here, there):
            wait_until(lambda job_id=job_id: client.job(job_id).stage == "Waiting")
        assert client.status().jobs_running == 2
        before = workers(client)
        os.kill(before["style"], signal.SIGKILL)
        wait_until(lambda: client.job(there).attempts == 2, within_s=20)
        stuck = client.submit_score(request(engine="style", fault="stuck"))
        client.cancel(there)
        wait_until(lambda: client.job(there).state == "cancelled")
        wait_until(lambda: client.job(stuck).stage == "Playing", within_s=20)
        client.cancel(stuck)
        wait_until(lambda: client.job(stuck).state == "cancelled")
        assert workers(client)["main"] == before["main"]
        gate.touch()
        client.wait(here, timeout=20)
        assert client.job(here).attempts == 1


def test_jobs_of_every_environment_resume_after_the_daemons_death(
    own_home: Home, tmp_path: Path
) -> None:
    make_environment(own_home, "style", "style")
    gate = tmp_path / "gate"
    with own_home.connect() as client:
        wait_for(client, "style")
        jobs = [
            client.submit_score(request(engine=engine, until=str(gate), seed=seed))
            for engine in ("scripted", "style")
            for seed in (1, 2)
        ]
        wait_until(lambda: client.status().jobs_running == 2)
        old = workers(client)
        own_home.kill()
        wait_until(lambda: not any(map(alive, old.values())), within_s=2.0)
        gate.touch()
        for job_id in jobs:
            client.wait(job_id, timeout=30)
    assert len(own_home.results()) == 4


def test_environments_that_do_not_work_are_named_with_what_to_do(own_home: Home) -> None:
    make_environment(own_home, "bare", with_musiscene=False)
    make_environment(own_home, "empty", python=False)
    make_environment(own_home, "twin", "scripted")
    with own_home.connect() as client:
        # Nobody knows yet that no environment has it.
        lost = client.submit_score(request(engine="lost"))

        def broken() -> dict[str, str]:
            return {engine.name: engine.reason for engine in client.status().broken_engines}

        wait_until(lambda: set(broken()) == {"bare", "empty", "scripted"}, within_s=30)
        assert "-m pip install musiscene" in broken()["bare"]
        assert "no Python interpreter" in broken()["empty"]
        assert "the environment 'twin' too; the one in 'main' is used" in broken()["scripted"]
        with pytest.raises(JobFailedError, match="worker of 'bare' does not start") as raised:
            client.wait(lost, timeout=20)
        assert "No module named" in raised.value.hint
        assert client.score(request())[0][0].name == "take-1"


def test_the_main_environments_name_cannot_be_taken(tmp_path: Path) -> None:
    (tmp_path / "environments/main/bin").mkdir(parents=True)
    found, broken = find(tmp_path)
    assert found == ()
    assert [(one.name, "Rename" in one.reason) for one in broken] == [("main", True)]
    assert find(tmp_path / "nowhere") == ((), ())


def test_turns_are_taken_within_an_environment(tmp_path: Path) -> None:
    """What begins elsewhere uses up no client's turn here, nor lets a batch job overtake."""
    store = Store(tmp_path / "jobs.sqlite3")

    def add(name: str, session: str, engine: str, batch: bool = False) -> None:
        priority = "batch" if batch else "interactive"
        job = StoredJob(
            **{"id": name, "owner": "ana", "key": name, "kind": "score", "cue": "1m1"},
            **{"created": 1.0, "digest": b"", "session": session},
            **{"engine": engine, "priority": priority},
        )
        store.add(job, b"")

    def begin(*engines: str) -> str:
        job = store.next_queued(engines)
        if job is None:
            raise UnknownJobError("nothing waits")
        store.begin(job.id)
        return job.id

    add("here-1", "a", "x")
    assert begin("x") == "here-1"
    for number in range(6):
        add(f"there-{number}", "b", "y")
    add("late", "a", "x", batch=True)
    for _ in range(6):
        begin("y")
    add("here-2", "a", "x")
    add("here-3", "b", "x")
    # There "b" was served last; here it never was, and no job has overtaken the batch job.
    assert [job.id for job in store.queue(("x",))] == ["here-3", "here-2", "late"]
    assert [begin("x") for _ in range(3)] == ["here-3", "here-2", "late"]
    store.close()
