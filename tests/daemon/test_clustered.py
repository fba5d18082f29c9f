"""Workers in a real Ray cluster on this machine keep the promises of a local one."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from musiscene_core.brief import SceneBrief
from musiscene_core.codec import read_json
from musiscene_core.errors import DaemonError, EngineError
from musiscene_core.ranges import FrameRange, SourceMapping
from musiscene_core.timecode import FrameRate
from musiscene_core.timeline import MediaReference, TimelineClip, TimelineRange
from tests.support.daemons import ROOT, Home, request, wait_until
from tests.support.make_media import make_movie

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
    with running_cluster(tmp_path_factory.mktemp("ray"), free_port(), free_port()) as address:
        yield address


@contextmanager
def running_cluster(folder: Path, port: int, client_port: int, **variables: str) -> Iterator[str]:
    """A cluster of this machine, with `variables` in its environment; gives its address."""
    head = [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block"]
    head += ["--port", str(port), "--ray-client-server-port", str(client_port)]
    head += ["--num-cpus", "4", "--include-dashboard", "false", "--disable-usage-stats"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path[1:]])}
    environment |= {"CLUSTER": str(folder), **variables}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(head, env=environment, stdout=log, stderr=log)
        try:
            wait_until(lambda: process.poll() is None and answers(client_port), within_s=_STARTS_S)
            yield f"ray://127.0.0.1:{client_port}"
        finally:
            # Again and again: some of them start others.
            wait_until(lambda: not ended(f"CLUSTER={folder}"), within_s=30)
            process.wait(30)


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def ended(variable: str) -> list[int]:
    """The processes that had `variable` in their environment, which are killed now."""
    found = processes(variable)
    for pid in found:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return found


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


def test_a_job_for_a_gpu_says_that_the_cluster_has_none_and_keeps_nobody_else(
    own_home: Home, cluster: str
) -> None:
    with own_home.connect("--workers", f"{cluster}?gpus=1&on-gpu=musicgen") as client:
        waits = client.submit_score(request(engine="musicgen"))
        wait_until(lambda: "has 1 GPU: it has 0" in client.job(waits).stage, within_s=_STARTS_S)
        assert client.job(waits).state == "queued"
        client.check(request(engine="musicgen"))
        with pytest.raises(EngineError, match="no engine called 'nobody'"):
            client.submit_score(request(engine="nobody"))
        other = client.submit_score(request(engine="composer"))
        client.wait(other, timeout=_STARTS_S)
        (waiting,) = (one for one in client.status().workers if not one.ready)
        assert waiting.name == "cluster-gpu"
        assert "has 1 GPU: it has 0" in waiting.waits_for


def test_jobs_wait_for_a_cluster_that_is_gone_until_it_is_back(
    own_home: Home, tmp_path_factory: pytest.TempPathFactory
) -> None:
    ports = free_port(), free_port()
    with running_cluster(tmp_path_factory.mktemp("first"), *ports) as address:
        client = own_home.connect("--workers", address)
        wait_until(lambda: client.status().worker_ready, within_s=_STARTS_S)
    with client:
        job = client.submit_score(request())
        wait_until(lambda: "does not answer" in client.job(job).stage, within_s=_STARTS_S)
        assert client.job(job).state == "queued"
        with running_cluster(tmp_path_factory.mktemp("second"), *ports):
            client.wait(job, timeout=_STARTS_S)
    assert len(own_home.results()) == 1


def test_a_cluster_that_is_not_there_is_said_in_a_sentence_and_ends_its_jobs(
    own_home: Home,
) -> None:
    with own_home.connect("--workers", f"ray://127.0.0.1:{free_port()}") as client:
        job = client.submit_score(request())
        wait_until(lambda: client.job(job).ended, within_s=_STARTS_S)
        said = client.job(job).error
        assert said is not None
        assert "does not answer (Connection refused)" in said.hint
        with pytest.raises(DaemonError, match="does not start") as raised:
            client.check(request())
        assert "does not answer (Connection refused)" in raised.value.hint


def test_machines_without_a_common_folder_work_through_a_share(
    own_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    far, share = tmp_path / "far", tmp_path / "share"
    share.mkdir()
    ports = free_port(), free_port()
    (tmp_path / "ray").mkdir()
    with running_cluster(tmp_path / "ray", *ports, MUSISCENE_HOME=str(far)) as address:
        monkeypatch.setenv("MUSISCENE_SHARE", f"file://{share}")
        with own_home.connect("--workers", f"{address}?workers=2") as client:
            wait_until(
                lambda: sum(one.ready for one in client.status().workers) == 2, within_s=_STARTS_S
            )
            # The relay stands in this folder, the worker does not: only what is sent is there.
            make_movie(own_home.folder / "run/film.mp4")
            known = "/proc/self/cwd/film.mp4"
            clip = TimelineClip(
                name="film",
                media=MediaReference(path=known),
                mapping=SourceMapping(FrameRange(0, 48), FrameRate(24), 0, FrameRate(24)),
            )
            seen = TimelineRange(
                cue="far", rate=FrameRate(24), record=FrameRange(0, 48), clips=(clip,)
            )
            spotted = client.wait(client.submit_spot(seen), timeout=_STARTS_S)
            brief = read_json(Path(spotted.folder) / "brief.json", SceneBrief)
            assert brief.timeline == seen
            assert brief.curves is not None
            job = client.submit_score(request(until=str(tmp_path / "gate")))
            wait_until(lambda: client.job(job).stage == "Waiting", within_s=_STARTS_S)
            os.kill(at_work(far), signal.SIGKILL)
            wait_until(lambda: client.job(job).attempts == 2, within_s=_STARTS_S)
            (tmp_path / "gate").touch()
            client.wait(job, timeout=_STARTS_S)
            # The worker after the killed one takes away what that left.
            wait_until(lambda: not [*far.glob("cache/away/*/*")], within_s=_STARTS_S)
    assert len(own_home.results()) == 2
    assert not own_home.partials()
    assert not [*(share / "results").iterdir()]
    assert not (far / "data/takes").exists()


def at_work(home: Path) -> int:
    """The worker on the machine of `home` that has a job."""
    (place,) = (path for path in (home / "cache/away").iterdir() if any(path.iterdir()))
    return int(place.name)
