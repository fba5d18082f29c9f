"""Workers in a real Ray cluster on this machine keep the promises of a local one."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.daemons import ROOT, Home, request, wait_until

pytest.importorskip("ray", reason="the extra 'ray' is not installed")
pytest.importorskip("grpc", reason="the extra 'ray' is not installed")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")]

_STARTS_S = 120.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A cluster of this machine; gives its address."""
    port, client_port = free_port(), free_port()
    head = [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block"]
    head += ["--port", str(port), "--ray-client-server-port", str(client_port)]
    head += ["--num-cpus", "4", "--include-dashboard", "false", "--disable-usage-stats"]
    folder = tmp_path_factory.mktemp("ray")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path[1:]])}
    environment["CLUSTER"] = str(folder)
    log = (folder / "log").open("wb")
    process = subprocess.Popen(head, env=environment, stdout=log, stderr=log)
    try:
        until = time.monotonic() + _STARTS_S
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", client_port)) == 0:
                    break
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.5)
        yield f"ray://127.0.0.1:{client_port}"
    finally:
        for pid in processes(f"CLUSTER={folder}"):
            os.kill(pid, signal.SIGKILL)
        process.wait(30)
        log.close()


def processes(variable: str, word: str = "") -> list[int]:
    """Those that have `variable` in their environment and `word` in their command."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
            variables = (folder / "environ").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if variable in variables and (not word or word in command):
            found.append(int(folder.name))
    return found


def remote_workers(home: Home) -> list[int]:
    return processes(f"MUSISCENE_HOME={home.folder}", "musiscene_daemon.worker")


def test_a_job_in_a_cluster_survives_its_killed_worker_and_is_published_once(
    own_home: Home, tmp_path: Path, cluster: str
) -> None:
    gate = tmp_path / "gate"
    with own_home.connect("--workers", f"{cluster}?workers=2") as client:
        wait_until(
            lambda: sum(one.ready for one in client.status().workers) == 2, within_s=_STARTS_S
        )
        before = remote_workers(own_home)
        assert len(before) == 2
        jobs = [client.submit_score(request(seed=n, until=str(gate))) for n in (1, 2)]
        for job in jobs:
            wait_until(lambda job=job: client.job(job).stage == "Waiting", within_s=30)
        os.kill(before[0], signal.SIGKILL)
        wait_until(lambda: sum(client.job(job).attempts for job in jobs) == 3, within_s=_STARTS_S)
        stopped = client.submit_score(request(seed=3, until=str(gate)))
        client.cancel(stopped)
        wait_until(lambda: client.job(stopped).state == "cancelled")
        gate.touch()
        for job in jobs:
            client.wait(job, timeout=_STARTS_S)
        assert sorted(client.job(job).attempts for job in jobs) == [1, 2]
    assert len(own_home.results()) == 2
    own_home.kill()
    # Nobody asks for what they say any more: they end by themselves.
    wait_until(lambda: not remote_workers(own_home), within_s=60)


def test_a_cluster_that_is_not_there_is_said_in_a_sentence(own_home: Home) -> None:
    with own_home.connect("--workers", f"ray://127.0.0.1:{free_port()}") as client:
        wait_until(lambda: client.status().workers[0].last_words, within_s=_STARTS_S)
        assert "does not answer" in client.status().workers[0].last_words
