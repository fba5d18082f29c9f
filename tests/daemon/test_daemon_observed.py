"""What an operator sees: metrics, the live table, the log."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from musiscene_core.errors import JobFailedError
from musiscene_core.protocol import BrokenEngine, Client, DaemonStatus, stop
from musiscene_daemon.metrics import Counters, prometheus
from musiscene_plugins.cli.daemon_view import view
from tests.support.daemons import Home, home, request, wait_until


@pytest.fixture(scope="module")
def json_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with home(tmp_path_factory.mktemp("json")) as place:
        yield place


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "musiscene_plugins.cli.main", "daemon", *arguments],
        capture_output=True,
        text=True,
        timeout=30,
    )


def values(text: str) -> dict[str, float]:
    """The samples of Prometheus' text, every line of which must make sense."""
    found = {}
    for line in text.splitlines():
        if not line.startswith(("# HELP musiscene_", "# TYPE musiscene_")):
            name, _, value = line.rpartition(" ")
            assert name.startswith("musiscene_")
            found[name] = float(value)
    return found


def test_the_metrics_count_what_happened(shared_home: Home, client: Client) -> None:
    client.score(request())
    before = values(client.metrics())
    client.score(request())
    with pytest.raises(JobFailedError):
        client.score(request(fault="bug"))
    after = values(command("metrics").stdout)
    done, failed = 'musiscene_jobs{state="done"}', 'musiscene_jobs{state="failed"}'
    assert (after[done] - before[done], after[failed] - before[failed]) == (1, 1)
    assert after["musiscene_requests_total"] > before["musiscene_requests_total"]
    assert after["musiscene_worker_ready"] == 1
    assert after["musiscene_engines"] == len(client.engines())
    assert after["musiscene_malformed_total"] == 0
    if Path("/proc/self/status").exists():
        assert 5e6 < after['musiscene_resident_memory_bytes{process="daemon"}'] < 5e8


def test_a_label_cannot_break_out_of_its_line() -> None:
    status = DaemonStatus(
        version='1"} 7\nmusiscene_info 8\\',
        protocol=1,
        pid=0,
        uptime_s=1.5,
        jobs_queued=0,
        jobs_running=0,
        engines=(),
        broken_engines=(BrokenEngine("x", "y"),),
        data_folder="",
    )
    text = prometheus(status, Counters(refused=4), {"done": 2}, 3)
    assert 'musiscene_info{version="1\\"} 7\\nmusiscene_info 8\\\\"} 1\n' in text
    assert values(text)["musiscene_refused_total"] == 4
    assert values(text)["musiscene_engines_broken"] == 1


def test_metrics_of_no_daemon_are_an_error(own_home: Home) -> None:
    ended = command("metrics")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "not running" in ended.stderr


def shown(client: Client) -> str:
    console = Console(file=io.StringIO(), width=140, color_system=None)
    console.print(view(client.status(), client.jobs()))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_live_table_shows_the_worker_the_running_job_and_the_queue(
    shared_home: Home, client: Client
) -> None:
    gate = shared_home.folder / "watch-gate"
    running = client.submit_score(request(cue="[red]1m1[/red]", until=str(gate)))
    waiting = client.submit_score(request(seed=9))
    try:
        wait_until(lambda: "Waiting" in shown(client))
        lines = shown(client).splitlines()
        assert f"worker {client.status().worker_pid}" in lines[0]
        assert "1 at work, 1 waiting" in lines[0]
        (first,) = [line for line in lines if line.startswith(running)]
        (second,) = [line for line in lines if line.startswith(waiting)]
        assert "[red]1m1[/red]" in first
        assert lines.index(first) < lines.index(second)
        assert "waiting" in second
    finally:
        gate.touch()
    client.wait(waiting)
    assert running not in shown(client)


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="reads /proc")
def test_the_watched_status_goes_on_until_interrupted(shared_home: Home, client: Client) -> None:
    command_line = [sys.executable, "-m", "musiscene_plugins.cli.main", "daemon", "status"]
    with subprocess.Popen([*command_line, "--watch"], stdout=subprocess.PIPE) as watching:
        wait_until(lambda: _connections(shared_home) > 1)
        time.sleep(0.3)
        watching.send_signal(signal.SIGINT)
        assert watching.stdout is not None
        said = watching.stdout.read().decode()
        assert watching.wait(10) == 130
    assert f"process {shared_home.pid}" in said


def _connections(place: Home) -> int:
    """Programs connected to the daemon, by its open sockets."""
    port = int(place.connection.endpoint.rpartition(":")[2])
    table = Path("/proc/net/tcp").read_text().splitlines()[1:]
    local = f"0100007F:{port:04X}"
    return sum(row.split()[1] == local and row.split()[3] == "01" for row in table)


def test_the_log_can_be_json_and_holds_no_prompt_path_or_key(json_home: Home) -> None:
    with json_home.connect("--log-json") as client:
        client.score(request(diary=str(json_home.folder / "canary")))
        with pytest.raises(JobFailedError):
            client.score(request(fault="foreign", diary=str(json_home.folder / "canary")))
        key = json_home.connection.client_secret_key
    assert stop()
    log = json_home.log()
    lines = [json.loads(line) for line in log.splitlines()]
    assert {"info", "error"} <= {line["level"] for line in lines}
    assert all(line["time"].endswith("Z") and line["process"] > 0 for line in lines)
    assert any("accepted" in line["message"] for line in lines)
    for secret in ("canary", str(json_home.folder), "1m1", "/elsewhere", key):
        assert secret not in log


def test_status_fields_that_are_new_have_defaults() -> None:
    old = {"version": "0", "protocol": 1, "pid": 1, "uptime_s": 1.0, "jobs_queued": 0}
    old |= {"jobs_running": 0, "engines": [], "data_folder": "", "type": "status"}
    status = msgspec.msgpack.decode(msgspec.msgpack.encode(old), type=DaemonStatus)
    assert (status.refused, status.lost_events) == (0, 0)
