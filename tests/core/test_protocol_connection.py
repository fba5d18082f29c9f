from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from musiscene_core.errors import DaemonError, OutputError
from musiscene_core.instance_lock import InstanceLock
from musiscene_core.protocol.connection import (
    Connection,
    connection_path,
    read_connection,
    remove_connection,
    write_connection,
)

CONNECTION = Connection(
    endpoint="tcp://127.0.0.1:1",
    protocol=1,
    pid=77,
    version="1",
    server_key="s",
    client_public_key="p",
    client_secret_key="c",
)


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSISCENE_HOME", str(tmp_path))


def test_no_file_means_no_daemon() -> None:
    assert read_connection() is None


def test_the_file_is_read_back_and_is_the_owners_alone() -> None:
    write_connection(CONNECTION)
    assert read_connection() == CONNECTION
    assert stat.S_IMODE(connection_path().stat().st_mode) == 0o600
    assert stat.S_IMODE(connection_path().parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[]", b'{"endpoint": 3}', b"[" * 9999])
def test_a_damaged_file_is_as_good_as_none(content: bytes) -> None:
    write_connection(CONNECTION)
    connection_path().write_bytes(content)
    assert read_connection() is None


def test_a_daemon_removes_only_its_own_file() -> None:
    write_connection(CONNECTION)
    remove_connection(78)
    assert read_connection() == CONNECTION
    remove_connection(77)
    remove_connection(77)
    assert read_connection() is None


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX permissions")
def test_a_file_that_another_could_have_put_there_is_refused(tmp_path: Path) -> None:
    write_connection(CONNECTION)
    elsewhere = tmp_path / "planted"
    connection_path().rename(elsewhere)
    connection_path().symlink_to(elsewhere)
    with pytest.raises(DaemonError, match="not trusted"):
        read_connection()


def test_a_folder_that_cannot_be_made_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("in the way")
    with pytest.raises(OutputError, match="a file stands where a folder is needed"):
        write_connection(CONNECTION)


def test_a_lock_excludes_other_processes_until_it_is_let_go(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    lock = InstanceLock(path)
    assert lock.acquire()
    assert lock.holder() == os.getpid()
    assert not InstanceLock(path).acquire(0.05)
    assert InstanceLock(path).taken()
    code = (
        "import sys; from pathlib import Path\n"
        "from musiscene_core.instance_lock import InstanceLock\n"
        "lock = InstanceLock(Path(sys.argv[1])); print(lock.acquire(), lock.holder())"
    )
    run = [sys.executable, "-c", code, str(path)]
    refused = subprocess.run(run, capture_output=True, text=True, check=True).stdout
    assert refused == f"False {os.getpid()}\n"
    lock.release()
    assert subprocess.run(run, capture_output=True, text=True, check=True).stdout[:4] == "True"
    # Who only looks leaves no trace.
    said = path.read_text()
    assert not lock.taken()
    assert path.read_text() == said
    assert not InstanceLock(tmp_path / "none").taken()
    assert not (tmp_path / "none").exists()
    # Its holder ended without letting go, and the lock is free all the same.
    assert lock.acquire()
    lock.release()
