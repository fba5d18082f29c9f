"""A code lets one machine in, once and for five minutes, and nothing else does."""

from __future__ import annotations

import json
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import zmq
from zmq.utils import z85

from musiscene_core.errors import DaemonError, RequestError
from musiscene_core.protocol import Client
from musiscene_core.protocol.connection import Connection
from musiscene_core.protocol.pairing import (
    MAX_PAIRING_BYTES,
    TOKEN_BYTES,
    Introduction,
    PairingCode,
    introduce,
)
from musiscene_daemon.allowed import FILE_NAME, AllowList
from musiscene_daemon.auth import Gatekeeper
from musiscene_daemon.listening import ListenAddress, server_key
from musiscene_daemon.pairing import CODE_S, MAX_PER_MINUTE, MAX_WRONG, Pairing
from musiscene_plugins.cli.main import main
from tests.support.daemons import Home, home
from tests.support.lan import (
    ADDRESS,
    answers,
    free_port,
    handshake,
    new_code,
    pair,
    remote,
    start,
    wait_until_shut,
)


@pytest.fixture(scope="module")
def lan_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Home, Client, int]]:
    """A daemon on the network, the local user's conversation with it, and its port."""
    with home(tmp_path_factory.mktemp("home")) as place:
        port = free_port()
        with start(place, port) as local:
            yield place, local, port


@pytest.fixture
def local(lan_home: tuple[Home, Client, int]) -> Client:
    return lan_home[1]


def with_token(code: PairingCode, token: bytes) -> PairingCode:
    return msgspec.structs.replace(code, token=token)


def connection_keys(connection: Connection) -> tuple[str, ...]:
    return connection.client_public_key, connection.client_secret_key, connection.server_key


def names(local: Client) -> list[str]:
    return [client.name for client in local.paired().clients]


def test_a_paired_machine_is_listed_and_reaches_the_daemon(
    lan_home: tuple[Home, Client, int],
) -> None:
    place, local, port = lan_home
    code = new_code(local)
    assert (code.host, code.port, len(code.token)) == (ADDRESS, port, TOKEN_BYTES)
    before = time.time()
    _, connection = introduce(code, "suite")
    assert connection.endpoint == f"tcp://{ADDRESS}:{port}"
    (client,) = [client for client in local.paired().clients if client.name == "suite"]
    assert client.key == connection.client_public_key
    assert before - 1 < client.since < time.time() + 1
    with remote(connection) as far:
        assert far.status().pid == place.pid
    for secret in (*str(code).split("-"), *connection_keys(connection), "suite", ADDRESS):
        assert secret not in place.log()
    assert connection.client_secret_key not in (place.folder / "data" / FILE_NAME).read_text()
    assert stat.S_IMODE((place.folder / "data" / FILE_NAME).stat().st_mode) == 0o600


def test_a_code_works_once_and_its_socket_goes_with_it(local: Client) -> None:
    code = new_code(local)
    assert answers(code.host, code.port + 1)
    introduce(code, "first")
    wait_until_shut(code)
    with pytest.raises(DaemonError, match="No daemon waits"):
        introduce(code, "second")
    assert "second" not in names(local)
    with pytest.raises(DaemonError, match="does not know this code"):
        introduce(with_token(new_code(local), code.token), "second")


def test_a_new_code_kills_the_one_before(local: Client) -> None:
    old, new = new_code(local), new_code(local)
    with pytest.raises(DaemonError, match="does not know this code"):
        introduce(old, "late")
    introduce(new, "in-time")
    assert "late" not in names(local)
    assert "in-time" in names(local)


def test_few_wrong_tokens_kill_the_code(local: Client) -> None:
    code = new_code(local)
    for number in range(MAX_WRONG):
        wrong = bytes([code.token[0] ^ (number + 1)]) + code.token[1:]
        with pytest.raises(DaemonError, match="does not know this code"):
            introduce(with_token(code, wrong), "guess")
    wait_until_shut(code)
    with pytest.raises(DaemonError, match="No daemon waits"):
        introduce(code, "guess")
    assert "guess" not in names(local)


def test_an_empty_token_never_opens(local: Client) -> None:
    for token in (b"", b"\0" * TOKEN_BYTES, b"t" * 100):
        with pytest.raises(DaemonError, match="does not know this code"):
            introduce(with_token(new_code(local), token), "empty")


def test_a_name_that_is_taken_or_none_leaves_the_code_open(local: Client) -> None:
    pair(local, "taken")
    code = new_code(local)
    with pytest.raises(RequestError, match="called 'taken' is paired already"):
        introduce(code, "taken")
    for name in ("", "../x", "a" * 65, "new\nline"):
        with pytest.raises(RequestError, match="A machine's name has"):
            introduce(code, name)
    introduce(code, "free")
    assert names(local).count("taken") == names(local).count("free") == 1


def test_of_many_machines_with_one_code_one_is_paired(local: Client) -> None:
    code = new_code(local)
    outcomes: list[object] = []

    def come(name: str) -> None:
        try:
            outcomes.append(introduce(code, name)[1].client_public_key)
        except DaemonError as error:
            outcomes.append(error)

    machines = [threading.Thread(target=come, args=(f"race-{number}",)) for number in range(6)]
    for machine in machines:
        machine.start()
    for machine in machines:
        machine.join()
    keys = [client.key for client in local.paired().clients if client.name.startswith("race-")]
    assert len(outcomes) == 6
    assert [outcome for outcome in outcomes if isinstance(outcome, str)] == keys
    assert len(keys) == 1


def test_who_does_not_know_the_daemons_key_cannot_even_try(local: Client) -> None:
    code = new_code(local)
    stranger = msgspec.structs.replace(code, server_key=bytes(range(32)))
    for _ in range(MAX_WRONG + 1):
        with pytest.raises(DaemonError, match="No daemon waits"):
            introduce(stranger, "stranger", timeout_s=0.3)
    introduce(code, "knows")
    assert "stranger" not in names(local)


def test_a_key_that_is_not_paired_opens_nothing_else(lan_home: tuple[Home, Client, int]) -> None:
    place, local, _ = lan_home
    connection = pair(local, "opens")
    keys = (connection.client_public_key.encode(), connection.client_secret_key.encode())
    lan, loopback = connection.endpoint, place.connection.endpoint
    refused = zmq.EVENT_HANDSHAKE_FAILED_AUTH
    assert handshake(lan, connection.server_key, keys) == zmq.EVENT_HANDSHAKE_SUCCEEDED
    assert handshake(lan, connection.server_key) == refused
    # Neither door takes the other's keys.
    own = place.connection
    own_keys = (own.client_public_key.encode(), own.client_secret_key.encode())
    assert handshake(loopback, own.server_key, own_keys) == zmq.EVENT_HANDSHAKE_SUCCEEDED
    assert handshake(loopback, own.server_key, keys) == refused
    assert handshake(lan, connection.server_key, own_keys) == refused
    assert handshake(loopback, connection.server_key, keys) != zmq.EVENT_HANDSHAKE_SUCCEEDED
    assert own.server_key != connection.server_key
    local.ping()


def dealer_for(context: zmq.Context[zmq.Socket[bytes]], code: PairingCode) -> zmq.Socket[bytes]:
    dealer = context.socket(zmq.DEALER)
    dealer.linger = 0
    dealer.curve_serverkey = z85.encode(code.server_key)
    dealer.curve_publickey, dealer.curve_secretkey = zmq.curve_keypair()
    dealer.connect(f"tcp://{code.host}:{code.port + 1}")
    return dealer


def hostile_messages() -> dict[str, list[bytes]]:
    encode = msgspec.msgpack.encode
    return {
        "empty": [b""],
        "a request of the other door": [b"\x92\x01\x01", encode({"type": "shutdown"})],
        "nested": [b"\x91" * (MAX_PAIRING_BYTES // 2)],
        "huge declaration": [b"\xdd\xff\xff\xff\xff"],
        "wrong types": [encode({"type": "introduction", "token": 1, "name": 2})],
        "too large": [encode(Introduction(b"t" * MAX_PAIRING_BYTES, "x"))],
        "bad text": [b"\x82\xa5token\xc4\x00\xa4name\xa1\xff"],
        "many frames": [b"x"] * 50,
    }


@pytest.mark.parametrize("name", hostile_messages())
def test_what_is_no_introduction_gets_nowhere(local: Client, name: str) -> None:
    code = new_code(local)
    known = names(local)
    context = zmq.Context()
    dealer = dealer_for(context, code)
    try:
        dealer.send_multipart(hostile_messages()[name])
        if dealer.poll(1000):
            assert b"does not know this code" in dealer.recv()
        else:
            assert name == "too large"
    finally:
        dealer.close()
        context.term()
    assert names(local) == known


class Door:
    """The pairing socket alone, with a clock that the test moves."""

    def __init__(self, folder: Path) -> None:
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.gatekeeper = Gatekeeper(self.context, {})
        self.poller = zmq.Poller()
        self.poller.register(self.gatekeeper.socket, zmq.POLLIN)
        self.allowed = AllowList(folder / FILE_NAME)
        self.wall = 1_000_000.0
        self.pairing = Pairing(
            self.context, self.poller, self.gatekeeper, self.allowed, clock=lambda: self.wall
        )
        self.address = ListenAddress(ADDRESS, free_port())
        self.key = server_key(folder)

    def open(self, now: float) -> PairingCode:
        return self.pairing.open(self.address, self.key, now)

    def serve(self, now: float, ended: threading.Event) -> None:
        while not ended.is_set():
            ready = dict(self.poller.poll(10))
            self.gatekeeper.answer()
            self.pairing.serve(ready, now)

    def come(self, code: PairingCode, name: str, now: float) -> object:
        """What becomes of a machine that comes at `now`: its key, or the error it gets."""
        ended, outcome = threading.Event(), []

        def machine() -> None:
            try:
                outcome.append(introduce(code, name, timeout_s=2)[1].client_public_key)
            except DaemonError as error:
                outcome.append(error.message)
            finally:
                ended.set()

        thread = threading.Thread(target=machine)
        thread.start()
        self.serve(now, ended)
        thread.join()
        return outcome[0]

    def close(self) -> None:
        self.pairing.close()
        self.gatekeeper.close()
        self.context.term()


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    door = Door(tmp_path)
    yield door
    door.close()


def test_a_code_expires_and_its_socket_closes(door: Door) -> None:
    assert door.pairing.tick(100.0) is None
    code = door.open(100.0)
    assert door.pairing.tick(100.0) == 100.0 + CODE_S == 400.0
    assert door.come(code, "in-time", 399.9) == door.allowed.clients()[0].key
    assert door.pairing.tick(399.9) is None

    code = door.open(500.0)
    assert door.come(code, "late", 800.0) == "No daemon waits for this code."
    assert door.pairing.tick(800.0) is None
    assert [client.name for client in door.allowed.clients()] == ["in-time"]
    wait_until_shut(code)


@pytest.mark.parametrize("jump_s", [86_400.0, -86_400.0])
def test_a_jump_of_the_wall_clock_neither_ends_nor_prolongs_a_code(
    door: Door, jump_s: float
) -> None:
    code = door.open(100.0)
    door.wall += jump_s
    assert door.come(code, "in-time", 300.0) == door.allowed.clients()[0].key
    assert door.allowed.clients()[0].since == door.wall
    code = door.open(500.0)
    door.wall -= jump_s
    assert door.come(code, "late", 900.0) == "No daemon waits for this code."


def test_guessing_over_many_codes_is_slowed_down(door: Door) -> None:
    paired = [
        door.come(with_token(door.open(float(number)), b"w" * TOKEN_BYTES), "guess", float(number))
        for number in range(MAX_PER_MINUTE)
    ]
    assert set(paired) == {"The daemon does not know this code."}
    assert door.come(door.open(99.0), "right", 99.0) == "No daemon waits for this code."
    assert door.allowed.clients() == ()


def test_no_code_is_given_where_the_list_is_damaged_or_the_port_is_taken(
    door: Door, tmp_path: Path
) -> None:
    (tmp_path / FILE_NAME).write_text("{")
    with pytest.raises(DaemonError, match="list of paired machines is damaged"):
        door.open(0.0)
    (tmp_path / FILE_NAME).unlink()
    context = zmq.Context()
    other = context.socket(zmq.ROUTER)
    other.bind(f"tcp://{ADDRESS}:{door.address.port + 1}")
    try:
        with pytest.raises(DaemonError, match=rf"Port {door.address.port + 1} .* is taken"):
            door.open(0.0)
    finally:
        other.close(0)
        context.term()
    assert door.pairing.tick(0.0) is None


def test_the_command_line_pairs_uses_lists_and_revokes(
    own_home: Home,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    here, there = own_home.folder, tmp_path / "there"
    start(own_home, free_port()).close()
    daemon = own_home.pid

    def musiscene(folder: Path, *arguments: str) -> tuple[int, str, str]:
        """A command on the machine whose MUSISCENE_HOME is `folder`."""
        monkeypatch.setenv("MUSISCENE_HOME", str(folder))
        monkeypatch.setenv("MUSISCENE_DAEMON", "")
        return main(arguments), *capsys.readouterr()

    status, said, _ = musiscene(here, "pair")
    assert status == 0
    (line,) = [line.strip() for line in said.splitlines() if "musiscene pair " in line]
    typed = line.removeprefix("musiscene pair ").lower().replace("-", " ").split()

    status, _, error = musiscene(there, "pair", "0000", *typed[1:])
    assert (status, "a character of it is wrong" in error) == (2, True)
    assert not there.exists()
    names = ("--name", "edit-2", "--as", "studio")
    status, said, error = musiscene(there, "pair", *typed, *names, "--json")
    assert (status, json.loads(said or error)) == (0, {"daemon": "studio", "name": "edit-2"})
    kept = there / "data/daemons/studio.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700

    status, said, _ = musiscene(there, "--daemon", "studio", "daemon", "status", "--json")
    assert (status, json.loads(said)["pid"]) == (0, daemon)
    assert musiscene(there, "jobs", "--daemon", "studio")[:2] == (0, "No jobs.\n")
    assert not (there / "run").exists(), "no daemon was started on the other machine"
    for forbidden in (("pair",), ("pair", "--list"), ("pair", "--revoke", "edit-2")):
        status, _, error = musiscene(there, "--daemon", "studio", *forbidden)
        assert (status, "Only the user of the daemon's own machine" in error) == (2, True)
    status, _, error = musiscene(there, "--daemon", "attic", "jobs")
    assert (status, "No daemon called 'attic' is paired" in error) == (2, True)
    for unfit in ("../studio", ".", "a/b"):
        assert musiscene(there, "--daemon", unfit, "jobs")[0] == 2

    assert "edit-2" in musiscene(here, "pair", "--list")[1]
    assert musiscene(here, "pair", "--revoke", "edit-2")[0] == 0
    assert "No machine is paired." in musiscene(here, "pair", "--list")[1]
    assert musiscene(here, "pair", "--revoke", "edit-2")[0] == 2
    status, _, error = musiscene(there, "--daemon", "studio", "jobs")
    assert (status, "no longer knows this machine" in error) == (2, True)
    monkeypatch.setenv("MUSISCENE_HOME", str(here))
