"""A job that takes too much memory or time is ended, in words, and harms no other."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest
import zmq

from musiscene_core.brief import Caption, Captions
from musiscene_core.errors import DaemonError, InputError, JobFailedError
from musiscene_core.protocol import Client
from musiscene_core.request import ScoreRequest
from musiscene_daemon.crew import Crew
from musiscene_daemon.jobs import Jobs
from musiscene_daemon.limits import (
    MEMORY_VARIABLE,
    PACE_VARIABLE,
    TIME_VARIABLE,
    Limits,
    own_memory,
)
from musiscene_daemon.settings import Settings
from musiscene_daemon.store import Store
from musiscene_daemon.takes import TakeLibrary
from tests.support.daemons import Home, home, request, wait_until

GREEDY = ("--engines-from", "tests.support.greedy_engine:GreedyEngine")


@pytest.fixture(scope="module")
def tight_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A daemon whose jobs may take 300 MB and about a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(MEMORY_VARIABLE, "300")
        patch.setenv(TIME_VARIABLE, "0.8")
        patch.setenv(PACE_VARIABLE, "0.1")
        with home(tmp_path_factory.mktemp("tight")) as place:
            yield place


def greedy(greed: str, *, seconds: int) -> ScoreRequest:
    wanted = request(engine="greedy", seconds=seconds)
    brief = msgspec.structs.replace(wanted.brief, captions=Captions(fusion=Caption(greed)))
    return msgspec.structs.replace(wanted, brief=brief)


@pytest.mark.skipif(own_memory() == 0, reason="the system does not tell a process's memory")
def test_a_job_greedy_for_memory_ends_and_the_next_succeeds(tight_home: Home) -> None:
    with tight_home.connect(*GREEDY) as client:
        with pytest.raises(JobFailedError, match=r"more than 300 MB of memory") as caught:
            client.score(greedy("memory", seconds=60))
        assert MEMORY_VARIABLE in caught.value.hint
        assert len(client.score(request())) == 1
        assert _attempts(client) == [1, 1]
    assert tight_home.partials() == []


def test_a_job_that_spins_ends_and_the_next_succeeds(tight_home: Home) -> None:
    with tight_home.connect(*GREEDY) as client:
        with pytest.raises(JobFailedError, match=r"longer than 1 s") as caught:
            client.score(greedy("time", seconds=2))
        assert TIME_VARIABLE in caught.value.hint
        assert len(client.score(request())) == 1
        assert _attempts(client) == [1, 1]
    assert tight_home.partials() == []


def _attempts(client: Client) -> list[int]:
    return [job.attempts for job in client.jobs()[-2:]]


@pytest.mark.parametrize("name", [MEMORY_VARIABLE, TIME_VARIABLE, PACE_VARIABLE])
@pytest.mark.parametrize("value", ["much", "-1", "nan", "inf"])
def test_a_limit_that_makes_no_sense_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(InputError):
        Limits.from_environment()


def test_the_time_allowed_grows_with_the_range() -> None:
    limits = Limits(time_s=10.0, time_per_s=3.0)
    assert limits.time_for(20.0) == 70.0
    assert Limits.from_environment().memory_mb > 0 or sys.platform == "win32"


@pytest.mark.skipif(not Path("/proc/self/limits").exists(), reason="reads /proc")
def test_the_daemon_has_descriptors_to_spare_and_its_worker_leaves_no_core_dump(
    own_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert hard >= 1024
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        client = own_home.connect()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    with client, ExitStack() as strangers:
        daemon, worker = own_home.pid, client.status().worker_pid
        assert resource.prlimit(daemon, resource.RLIMIT_NOFILE)[0] >= min(hard, 4096)
        wait_until(lambda: client.status().worker_ready)
        assert resource.prlimit(worker, resource.RLIMIT_CORE) == (0, 0)
        assert resource.prlimit(worker, resource.RLIMIT_NOFILE)[1] <= 4096
        port = int(own_home.connection.endpoint.rpartition(":")[2])
        for _ in range(300):
            idle = socket.create_connection(("127.0.0.1", port))
            strangers.callback(idle.close)
        wait_until(lambda: len(os.listdir(f"/proc/{daemon}/fd")) > 300)
        client.ping()
        with own_home.connect(start=False) as another:
            another.ping()


@pytest.mark.slow
def test_who_does_not_finish_the_handshake_is_shown_the_door(own_home: Home) -> None:
    with own_home.connect() as client:
        port = int(own_home.connection.endpoint.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=8.0) as idle:
            began = time.monotonic()
            while idle.recv(4096):
                pass
            assert 1.0 < time.monotonic() - began < 6.0
        client.ping()


def test_one_program_cannot_fill_the_queue_for_the_others(tmp_path: Path) -> None:
    with ExitStack() as closing:
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        closing.callback(context.term)
        crew = Crew(context, tmp_path)
        closing.callback(crew.stop)
        store = Store(tmp_path / "jobs.sqlite3")
        closing.callback(store.close)
        few = Settings(data_folder=tmp_path / "data", log_folder=tmp_path, max_queued_each=3)
        jobs = Jobs(store, TakeLibrary(tmp_path / "data"), crew, few)
        first, *_ = [
            jobs.submit(request(), owner="local", key=f"{number}", session="batch")[0]
            for number in range(3)
        ]
        with pytest.raises(DaemonError, match="This program has too many jobs"):
            jobs.submit(request(), owner="local", key="3", session="batch")
        assert jobs.submit(request(), owner="local", key="4", session="panel")[1]
        jobs.cancel(first, 0.0)
        assert jobs.submit(request(), owner="local", key="3", session="batch")[1]
