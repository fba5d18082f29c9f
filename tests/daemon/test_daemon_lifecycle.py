"""Starting, being the only one, leaving."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from musiscene_core import __version__
from musiscene_core.errors import DaemonError, EngineError
from musiscene_core.instance_lock import InstanceLock
from musiscene_core.protocol import Client, connect, stop
from musiscene_core.protocol.connection import connection_path, lock_path, make_runtime_folder
from tests.support.daemons import ARGUMENTS, Home, alive, processes_of, request, wait_until


def test_without_leave_to_start_one_a_missing_daemon_is_an_error(own_home: Home) -> None:
    with pytest.raises(DaemonError, match="not running") as raised:
        connect(start=False)
    assert "musiscene daemon start" in raised.value.hint
    assert stop() is False


def test_clients_that_start_it_at_once_find_the_same_daemon(own_home: Home) -> None:
    clients: list[Client] = []
    with ThreadPoolExecutor(4) as pool:
        clients = list(pool.map(lambda _: own_home.connect(), range(4)))
    pids = {client.status().pid for client in clients}
    for client in clients:
        client.close()
    assert pids == {own_home.pid}
    wait_until(lambda: len(processes_of(own_home.folder)) <= 2)
    assert own_home.log().count("listening") == 1


def test_a_second_daemon_leaves_at_once_naming_the_first(own_home: Home) -> None:
    with own_home.connect() as client:
        first = client.status().pid
        began = time.monotonic()
        second = own_home.spawn()
        _, said = second.communicate(timeout=10)
        assert second.returncode == 3
        assert said.decode() == f"The daemon is already running (process {first}).\n"
        assert time.monotonic() - began < 5.0
        assert client.status().pid == first


def test_a_client_that_is_held_up_while_it_looks_at_the_lock_keeps_no_daemon_from_starting(
    own_home: Home,
) -> None:
    make_runtime_folder()
    lock = InstanceLock(lock_path())
    assert lock.acquire()
    with own_home.spawn() as daemon:
        # It has looked at the lock several times by then, unless the machine is busy.
        threading.Timer(0.7, lock.release).start()
        wait_until(lambda: connection_path().exists() or daemon.poll() is not None)
        with own_home.connect() as client:
            assert client.status().pid == daemon.pid
            client.shutdown()
        assert daemon.wait(10) == 0


def test_two_login_sessions_share_one_data_folder_and_one_daemon(own_home: Home) -> None:
    """A session with another runtime folder finds no connection file, but the data's lock."""
    with own_home.connect() as client:
        pid = client.status().pid
        lock_path().rename(lock_path().with_suffix(".elsewhere"))
        second = own_home.spawn()
        _, said = second.communicate(timeout=10)
        lock_path().with_suffix(".elsewhere").rename(lock_path())
        assert second.returncode == 2
        assert f"Another daemon (process {pid}) uses the data folder." in said.decode()
        assert client.status().pid == pid


def test_a_connection_file_left_by_a_dead_daemon_does_no_harm(own_home: Home) -> None:
    with own_home.connect():
        pass
    dead = own_home.kill()
    assert json.loads(connection_path().read_text())["pid"] == dead
    with own_home.connect() as client:
        assert client.status().pid != dead


def test_a_damaged_connection_file_is_replaced(own_home: Home) -> None:
    make_runtime_folder()
    connection_path().write_bytes(b"[]")
    connection_path().chmod(0o600)
    with own_home.connect() as client:
        assert client.status().pid == own_home.pid


def test_a_connection_file_that_others_may_write_is_not_trusted(own_home: Home) -> None:
    with own_home.connect():
        connection_path().chmod(0o666)
        with pytest.raises(DaemonError, match="not this user's alone"):
            own_home.connect()
        connection_path().chmod(0o600)


def test_it_leaves_when_nobody_wants_anything(own_home: Home) -> None:
    with own_home.connect("--idle-s", "0.8") as client:
        daemon = own_home.pid
        worker = client.status().worker_pid
        client.score(request(steps=12, step_s=0.1))
        assert alive(daemon), "it left during a job"
        assert own_home.pid == daemon
    left_after = wait_until(lambda: own_home.pid == 0, within_s=5.0)
    assert left_after > 0.5
    wait_until(lambda: not alive(worker), within_s=2.0)
    assert not connection_path().exists()
    assert "idle for 0.8 s, leaving" in own_home.log()


def test_a_client_of_a_daemon_that_left_starts_the_next(own_home: Home) -> None:
    with own_home.connect("--idle-s", "0.3") as client:
        first = own_home.pid
        wait_until(lambda: own_home.pid == 0)
        assert client.status().pid != first


def test_the_environment_sets_the_idle_time(
    own_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUSISCENE_IDLE_S", "0.3")
    own_home.connect().close()
    wait_until(lambda: own_home.pid == 0, within_s=3.0)
    monkeypatch.setenv("MUSISCENE_IDLE_S", "soon")
    with pytest.raises(DaemonError, match="MUSISCENE_IDLE_S is 'soon', not a number"):
        own_home.connect()


def test_stopping_leaves_nothing_behind(own_home: Home) -> None:
    with own_home.connect() as client:
        client.engines()
        assert stop()
    assert own_home.pid == 0
    wait_until(lambda: not processes_of(own_home.folder), within_s=2.0)
    assert not connection_path().exists()


def test_a_signal_makes_it_leave_in_order(own_home: Home) -> None:
    process = own_home.spawn()
    wait_until(connection_path().exists)
    began = time.monotonic()
    process.terminate()
    assert process.wait(5) == 0
    assert time.monotonic() - began < 2.0
    assert not connection_path().exists()
    process.communicate()
    assert own_home.log().rstrip().endswith("leaves")


@pytest.mark.parametrize("name", ["data", "log"])
def test_a_folder_that_cannot_be_made_is_told_by_whoever_starts_it(
    own_home: Home, name: str
) -> None:
    (own_home.folder / name).write_text("a file stands here")
    with pytest.raises(DaemonError, match="a file stands where a folder is needed"):
        own_home.connect()
    assert own_home.pid == 0


def test_a_runtime_folder_that_cannot_be_made_is_told(own_home: Home) -> None:
    (own_home.folder / "run").write_text("a file stands here")
    with pytest.raises(DaemonError, match="cannot be started"):
        own_home.connect()


def test_a_job_table_that_is_none_is_told(own_home: Home) -> None:
    (own_home.folder / "data").mkdir()
    (own_home.folder / "data/jobs.sqlite3").write_bytes(b"not a table at all" * 100)
    with pytest.raises(DaemonError, match="list of jobs cannot be used"):
        own_home.connect()
    assert own_home.pid == 0


def test_a_module_of_the_users_does_not_hide_one_of_ours(
    own_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    (own_home.folder / "film").mkdir()
    (own_home.folder / "film/zmq.py").write_text("raise SystemExit('the wrong zmq')")
    monkeypatch.chdir(own_home.folder / "film")
    with own_home.connect() as client:
        assert client.status().pid == own_home.pid


def test_an_engine_that_does_not_load_is_named_with_its_reason(own_home: Home) -> None:
    broken = "tests.support.scripted_engine:BrokenEngine"
    with own_home.connect("--engines-from", broken) as client:
        assert "scripted" in [engine.name for engine in client.engines()]
        with pytest.raises(EngineError, match="'BrokenEngine' is installed but does not load"):
            client.score(request(engine="BrokenEngine"))
        assert client.score(request())[0][0].name == "take-1"


def test_the_socket_process_loads_nothing_heavy(own_home: Home) -> None:
    """What a daemon imports before its first reply decides how soon that comes."""
    code = (
        "import sys, musiscene_daemon.server\n"
        "heavy = ('numpy', 'scipy', 'av', 'cv2', 'matplotlib', 'torch', 'rich')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "[]"


OLDER = """
import sys
import musiscene_core
musiscene_core.__version__ = "0.0.1"
from musiscene_daemon.main import main
sys.exit(main(sys.argv[1:]))
"""


def older(home: Home, *further: str) -> subprocess.Popen[bytes]:
    """A daemon of an older MusiScene, as an upgrade leaves it running."""
    command = [sys.executable, "-c", OLDER, *ARGUMENTS, *further]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(lambda: home.pid == process.pid and connection_path().exists())
    return process


def test_one_that_an_upgrade_left_running_makes_way(own_home: Home) -> None:
    left = older(own_home)
    with own_home.connect(start=False) as client:
        assert client.status().version == "0.0.1"
    with own_home.connect() as client:
        assert client.status().version == __version__
    assert left.wait(10) == 0


def test_one_that_was_told_to_stay_is_not_sent_away_by_an_upgrade(own_home: Home) -> None:
    left = older(own_home, "--idle-s", "inf")
    with own_home.connect() as client:
        assert client.status().version == "0.0.1"
    assert stop()
    assert left.wait(10) == 0


def test_an_older_one_ends_its_work_before_it_makes_way(own_home: Home, tmp_path: Path) -> None:
    left = older(own_home)
    gate = tmp_path / "gate"
    with own_home.connect(start=False) as client:
        job_id = client.submit_score(request(until=str(gate)))
        with own_home.connect() as newer:
            assert newer.status().version == "0.0.1"
        gate.touch()
        client.wait(job_id)
    with own_home.connect() as client:
        assert client.status().version == __version__
        assert client.job(job_id).state == "done"
    assert left.wait(10) == 0
