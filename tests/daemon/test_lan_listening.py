"""Where the daemon listens: on this machine alone unless told otherwise, in so many words."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from musiscene_core.errors import DaemonError, InputError
from musiscene_core.protocol.connection import read_connection
from musiscene_daemon.listening import DEFAULT_PORT, ListenAddress, server_key
from musiscene_daemon.main import USER_ERROR
from musiscene_daemon.settings import Settings
from tests.support.daemons import Home, wait_until
from tests.support.lan import ADDRESS, answers, free_port, start


def listening(pid: int) -> set[tuple[str, int]]:
    """The (address, port) of every TCP socket that process `pid` listens on, read from /proc."""
    inodes = set()
    for handle in Path(f"/proc/{pid}/fd").iterdir():
        target = os.readlink(handle)
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    found = set()
    for table in ("tcp", "tcp6"):
        path = Path(f"/proc/{pid}/net/{table}")
        for line in path.read_text().splitlines()[1:] if path.exists() else ():
            words = line.split()
            if words[3] == "0A" and words[9] in inodes:
                host, port = words[1].split(":")
                if len(host) == 8:
                    host = socket.inet_ntoa(bytes.fromhex(host)[::-1])
                found.add((host, int(port, 16)))
    return found


needs_proc = pytest.mark.skipif(not os.path.exists("/proc/self/net/tcp"), reason="reads /proc")


@needs_proc
def test_unless_asked_the_daemon_listens_on_this_machine_alone(own_home: Home) -> None:
    with own_home.connect() as local:
        local.engines()
        ((host, port),) = listening(own_home.pid)
        assert (host, f"tcp://127.0.0.1:{port}") == ("127.0.0.1", own_home.connection.endpoint)
        with pytest.raises(DaemonError, match="listens to this machine alone"):
            local.open_pairing()
        assert local.paired().endpoint == ""
        assert len(listening(own_home.pid)) == 1
    assert not (own_home.folder / "data/lan-key.json").exists()


@needs_proc
def test_with_an_address_it_listens_there_too_and_pairs_only_while_a_code_is_open(
    own_home: Home,
) -> None:
    port = free_port()
    with start(own_home, port) as local:
        own = int(own_home.connection.endpoint.rpartition(":")[2])
        assert listening(own_home.pid) == {("127.0.0.1", own), (ADDRESS, port)}
        assert local.paired().endpoint == f"tcp://{ADDRESS}:{port}"
        assert not answers(ADDRESS, port + 1)
        local.open_pairing()
        assert (ADDRESS, port + 1) in listening(own_home.pid)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.168.1.5", ListenAddress("192.168.1.5", DEFAULT_PORT)),
        ("192.168.1.5:9", ListenAddress("192.168.1.5", 9)),
        ("fd00::2", ListenAddress("fd00::2", DEFAULT_PORT)),
        ("[fd00:0::2]:9", ListenAddress("fd00::2", 9)),
        ("[::1]", ListenAddress("::1", DEFAULT_PORT)),
        ("all", ListenAddress("0.0.0.0", DEFAULT_PORT)),
        ("all:9", ListenAddress("0.0.0.0", 9)),
    ],
)
def test_addresses_are_read(text: str, address: ListenAddress) -> None:
    assert ListenAddress.parse(text) == address


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "studio",
            "studio:9",
            "*",
            "1.2.3",
            "1.2.3.4.5",
            "256.1.1.1",
            "224.0.0.1",
            "fe80::1%lo",
        ),
        *(
            "[::1",
            "[::1]9",
            "tcp://1.2.3.4",
            "1.2.3.4:",
            "1.2.3.4:0",
            "1.2.3.4:65535",
            "1.2.3.4:-1",
        ),
        *("1.2.3.4:٣", "1.2.3.4:99999999999", "1.2.3.4:9:9", "eth0", "\0"),
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"not an address|not a port"):
        ListenAddress.parse(text)


@pytest.mark.parametrize("text", ["0.0.0.0", "0.0.0.0:9", "::", "[::]:9"])
def test_every_address_at_once_must_be_asked_for_by_name(text: str) -> None:
    with pytest.raises(InputError, match="every address") as refused:
        ListenAddress.parse(text)
    assert "`all`" in refused.value.hint


def run_daemon(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "musiscene_daemon", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_an_address_that_is_wrong_foreign_or_taken_ends_the_daemon_with_words(
    own_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    for address, words in (
        ("studio", "not an address to listen on"),
        ("0.0.0.0", "every address"),
        # TEST-NET-3 of RFC 5737: nobody's.
        ("203.0.113.7", "not an address of this machine"),
    ):
        ended = run_daemon("--listen", address)
        assert (ended.returncode, ended.stdout) == (USER_ERROR, "")
        assert words in ended.stderr
    with socket.create_server((ADDRESS, 0)) as taken:
        monkeypatch.setenv("MUSISCENE_LISTEN", f"{ADDRESS}:{taken.getsockname()[1]}")
        ended = run_daemon()
    assert ended.returncode == USER_ERROR
    assert "is taken" in ended.stderr
    assert own_home.pid == 0


def test_all_addresses_come_with_a_warning(own_home: Home) -> None:
    port = free_port()
    process = own_home.spawn("--listen", f"all:{port}")
    try:
        wait_until(lambda: read_connection() is not None)
        with own_home.connect(start=False) as local:
            assert answers(ADDRESS, port)
            local.shutdown()
        assert b"Warning: listening on every address" in process.communicate(timeout=10)[1]
        assert "listening on every address" in own_home.log()
    finally:
        process.kill()
        process.communicate()


def test_a_daemon_that_others_reach_stays_unless_told_when_to_leave(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("MUSISCENE_IDLE_S", raising=False)
    assert Settings.from_environment().listen is None
    assert Settings.from_environment(listen="127.0.0.2").idle_s == float("inf")
    assert Settings.from_environment(listen="127.0.0.2", idle_s=9.0).idle_s == 9.0
    monkeypatch.setenv("MUSISCENE_LISTEN", "127.0.0.3:5")
    assert Settings.from_environment().listen == ListenAddress("127.0.0.3", 5)
    assert Settings.from_environment(listen="127.0.0.2").listen == ListenAddress("127.0.0.2")


def test_roots_must_be_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MUSISCENE_ROOTS", os.pathsep.join((str(tmp_path), "/")))
    assert Settings.from_environment().roots == (str(tmp_path), "/")
    for wrong in ("media", str(tmp_path / "missing")):
        monkeypatch.setenv("MUSISCENE_ROOTS", wrong)
        with pytest.raises(InputError, match="not the absolute path of a folder"):
            Settings.from_environment()


def test_the_key_is_kept_for_its_owner_alone(tmp_path: Path) -> None:
    key = server_key(tmp_path)
    path = tmp_path / "lan-key.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert server_key(tmp_path) == key
    path.unlink()
    assert server_key(tmp_path) != key


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"[" * 9999, b'{"public": "a", "secret": "b"}', b'{"public": 1}', b"\xff"),
        b'{"public": "' + b"a" * 40 + b'", "secret": "' + b"b" * 40 + b'"}',
    ],
)
def test_a_damaged_key_is_told_of_and_not_replaced(tmp_path: Path, content: bytes) -> None:
    server_key(tmp_path)
    path = tmp_path / "lan-key.json"
    path.write_bytes(content)
    with pytest.raises(DaemonError, match="key for the network is damaged"):
        server_key(tmp_path)
    assert path.read_bytes() == content


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX permissions")
def test_a_key_that_others_can_read_is_not_used(tmp_path: Path) -> None:
    server_key(tmp_path)
    (tmp_path / "lan-key.json").chmod(0o644)
    with pytest.raises(DaemonError, match="not this user's alone"):
        server_key(tmp_path)
