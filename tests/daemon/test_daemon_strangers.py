"""Whoever is not let in, and whatever makes no sense, changes nothing."""

from __future__ import annotations

import os
import random
import socket
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import msgspec
import pytest
import zmq
from zmq.utils.monitor import recv_monitor_message

from musiscene_core.errors import ProtocolMismatchError
from musiscene_core.protocol import PROTOCOL_VERSION, Client, stop
from musiscene_core.protocol.connection import (
    Connection,
    connection_path,
    read_connection,
    write_connection,
)
from musiscene_core.protocol.messages import (
    Failure,
    Header,
    Malformed,
    Ping,
    Pong,
    Reply,
    SubmitScore,
)
from musiscene_core.protocol.wire import decode, frames
from tests.support.daemons import Home, request, wait_until


@contextmanager
def raw_socket(
    connection: Connection, keys: tuple[bytes, bytes] | None = None, *, curve: bool = True
) -> Iterator[tuple[zmq.Socket[bytes], zmq.Socket[bytes]]]:
    """A bare DEALER and its monitor, with the client's keys unless others are given."""
    public, secret = keys or (
        connection.client_public_key.encode(),
        connection.client_secret_key.encode(),
    )
    context = zmq.Context()
    dealer = context.socket(zmq.DEALER)
    dealer.linger = 0
    dealer.reconnect_ivl = -1
    if curve:
        dealer.curve_serverkey = connection.server_key.encode()
        dealer.curve_publickey, dealer.curve_secretkey = public, secret
    monitor = dealer.get_monitor_socket()
    dealer.connect(connection.endpoint)
    try:
        yield dealer, monitor
    finally:
        dealer.disable_monitor()
        monitor.close(0)
        dealer.close(0)
        context.term()


def ask(dealer: zmq.Socket[bytes], parts: list[bytes]) -> tuple[Header, Reply]:
    dealer.send_multipart(parts)
    assert dealer.poll(5000), "no answer"
    head, body = dealer.recv_multipart()
    return decode(head, Header), decode(body, Reply)


def port_of(connection: Connection) -> int:
    return int(connection.endpoint.rpartition(":")[2])


def test_the_connection_file_is_the_owners_alone(shared_home: Home) -> None:
    assert stat.S_IMODE(connection_path().stat().st_mode) == 0o600
    assert stat.S_IMODE(connection_path().parent.stat().st_mode) == 0o700
    assert shared_home.connection.endpoint.startswith("tcp://127.0.0.1:")
    assert shared_home.connection.pid == shared_home.pid


def test_a_key_that_is_not_on_the_list_is_refused(shared_home: Home) -> None:
    with raw_socket(shared_home.connection, zmq.curve_keypair()) as (dealer, monitor):
        # Refused before it was sent, a message has nowhere to wait.
        with suppress(zmq.Again):
            dealer.send_multipart(frames(Ping(), request=1), zmq.DONTWAIT)
        events = set()
        while zmq.EVENT_DISCONNECTED not in events:
            assert monitor.poll(5000)
            events.add(recv_monitor_message(monitor)["event"])
        assert zmq.EVENT_HANDSHAKE_FAILED_AUTH in events
        assert not dealer.poll(100)
    assert "unknown key" in shared_home.log()


def test_a_client_without_keys_is_refused(shared_home: Home) -> None:
    with raw_socket(shared_home.connection, curve=False) as (dealer, monitor):
        # Refused before it was sent, a message has nowhere to wait.
        with suppress(zmq.Again):
            dealer.send_multipart(frames(Ping(), request=1), zmq.DONTWAIT)
        events = set()
        while zmq.EVENT_DISCONNECTED not in events:
            assert monitor.poll(5000)
            events.add(recv_monitor_message(monitor)["event"])
        assert zmq.EVENT_HANDSHAKE_SUCCEEDED not in events
        assert not dealer.poll(100)


def http_post(port: int, body_frame: bytes) -> bytes:
    """A browser's POST whose header lengths chain up so that ZMTP 1.0 reads the body as frames."""
    for padding in range(1, 200):
        head = (
            f"POST /{'a' * padding} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            "Connection: keep-alive\r\nContent-Length: 600\r\n"
            "User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36\r\n"
            "Content-Type: text/plain;charset=UTF-8\r\nAccept: */*\r\n"
            "Origin: http://evil.example\r\nSec-Fetch-Mode: no-cors\r\n"
            "Referer: http://evil.example/\r\nAccept-Encoding: gzip, deflate\r\n\r\n"
        ).encode()
        place = 0
        while place < len(head) and head[place] not in (0, 0xFF):
            place += 1 + head[place]
        if place >= len(head):
            frame = bytes([len(body_frame) + 1, 0]) + body_frame
            body = b"." * (place - len(head)) + bytes([2, 1]) + b"x" + frame
            return head + body.ljust(600, b"\x01")
    raise AssertionError("no padding makes the header chain up")


def test_a_web_page_cannot_slip_a_message_in(shared_home: Home, client: Client) -> None:
    connection, jobs = shared_home.connection, len(shared_home.job_rows())
    malformed = client.status().malformed
    injected = msgspec.msgpack.encode(Ping())

    context = zmq.Context()
    naive = context.socket(zmq.ROUTER)
    naive.linger = 0
    naive_port = naive.bind_to_random_port("tcp://127.0.0.1")
    with socket.create_connection(("127.0.0.1", naive_port)) as page:
        page.sendall(http_post(naive_port, injected))
        assert naive.poll(2000), "the attack must work where nothing guards"
        delivered = []
        while naive.poll(100):
            delivered += naive.recv_multipart()
    naive.close()
    context.term()
    assert injected in delivered

    with socket.create_connection(("127.0.0.1", port_of(connection))) as page:
        page.sendall(http_post(port_of(connection), injected))
        page.settimeout(5)
        # Whatever comes before the connection ends, it is no answer to the message.
        answer = b""
        with suppress(ConnectionResetError):
            while part := page.recv(4096):
                answer += part
    assert b"pong" not in answer
    client.ping()
    assert client.status().malformed == malformed
    assert len(shared_home.job_rows()) == jobs


def test_garbage_connections_do_no_harm(shared_home: Home, client: Client) -> None:
    chance = random.Random(3)
    greeting = b"\xff" + b"\0" * 8 + b"\x7f\x03\x00"
    for number in range(60):
        with socket.create_connection(("127.0.0.1", port_of(shared_home.connection))) as stranger:
            kind = number % 4
            curve = greeting + b"CURVE".ljust(20, b"\0") + b"\0" * 32
            stranger.sendall(
                (
                    chance.randbytes(chance.randint(1, 200)),
                    curve + chance.randbytes(300),
                    greeting + b"NULL".ljust(20, b"\0") + b"\0" * 32 + b"\x04\x19\x05READY",
                    curve + b"\x06" + (1 << 40).to_bytes(8, "big"),
                )[kind]
            )
    client.ping()
    assert client.status().pid == shared_home.pid


def test_another_version_is_refused_in_words(shared_home: Home) -> None:
    with raw_socket(shared_home.connection) as (dealer, _):
        header, reply = ask(dealer, frames(Ping(), request=9, protocol=PROTOCOL_VERSION + 6))
        assert (header.protocol, header.request) == (PROTOCOL_VERSION, 9)
        assert isinstance(reply, Failure)
        assert reply.code == ProtocolMismatchError.code
        assert f"protocol {PROTOCOL_VERSION + 6}" in reply.message
        assert f"protocol {PROTOCOL_VERSION}." in reply.message
        assert "musiscene daemon stop" in reply.hint
        assert ask(dealer, frames(Ping(), request=10))[1] == Pong()


def test_a_daemon_of_another_version_is_told_and_can_be_stopped(own_home: Home) -> None:
    """Here the daemon is the newer one: a bare socket that answers as version 8 would."""
    process = own_home.spawn()
    wait_until(lambda: read_connection() is not None)
    real = own_home.connection
    context = zmq.Context()
    router = context.socket(zmq.ROUTER)
    router.linger = 0
    public, router.curve_secretkey = zmq.curve_keypair()
    router.curve_server = True
    port = router.bind_to_random_port("tcp://127.0.0.1")
    write_connection(
        msgspec.structs.replace(
            real, endpoint=f"tcp://127.0.0.1:{port}", server_key=public.decode()
        )
    )

    def answer() -> None:
        for _ in range(2):
            name, head, _ = router.recv_multipart()
            future = msgspec.msgpack.encode([8, decode(head, Header).request, "new field"])
            router.send_multipart(
                [
                    name,
                    future,
                    msgspec.msgpack.encode(
                        {
                            "type": "failure",
                            "code": "protocol",
                            "message": "later",
                            "hint": "",
                            "newer": 1,
                        }
                    ),
                ]
            )

    newer = threading.Thread(target=answer)
    newer.start()
    try:
        with pytest.raises(ProtocolMismatchError, match=r"speaks protocol 1, .* protocol 8"):
            own_home.connect()
        assert stop()
        assert process.wait(5) == 0
    finally:
        newer.join(5)
        router.close()
        context.term()
        process.communicate()


def test_unknown_fields_are_ignored(shared_home: Home) -> None:
    with raw_socket(shared_home.connection) as (dealer, _):
        head = msgspec.msgpack.encode([PROTOCOL_VERSION, 4, "later"])
        body = msgspec.msgpack.encode({"type": "ping", "colour": "blue"})
        assert ask(dealer, [head, body])[1] == Pong()


def malformed_messages() -> dict[str, list[bytes]]:
    head = msgspec.msgpack.encode(Header(PROTOCOL_VERSION, 1))
    encode = msgspec.msgpack.encode
    return {
        "one frame": [head],
        "three frames": [head, b"", b""],
        "empty header": [b"", encode(Ping())],
        "empty body": [head, b""],
        "not msgpack": [head, b"\xc1"],
        "nested lists": [head, b"\x91" * 100_000],
        "nested maps": [head, b"\x81\xa1a" * 100_000],
        "nested header": [b"\x91" * 100_000, encode(Ping())],
        "unknown type": [head, encode({"type": "format_disk"})],
        "no type": [head, encode({"job_id": "x"})],
        "wrong type": [head, encode({"type": "get_job", "job_id": 3})],
        "bad text": [head, b"\x82\xa4type\xa7get_job\xa6job_id\xa2\xff\xfe"],
        "cut short": [head, encode({"type": "get_job", "job_id": "abc"})[:-2]],
        "huge declaration": [head, b"\xdd\xff\xff\xff\xff"],
        "html": [head, b"<html>"],
    }


@pytest.mark.parametrize("name", malformed_messages())
def test_a_malformed_message_is_answered_as_such(shared_home: Home, name: str) -> None:
    with raw_socket(shared_home.connection) as (dealer, _):
        _, reply = ask(dealer, malformed_messages()[name])
        assert isinstance(reply, Malformed)
        assert reply.reason
        assert ask(dealer, frames(Ping(), request=2))[1] == Pong()


def test_a_noun_that_refuses_its_values_keeps_its_own_error(shared_home: Home) -> None:
    parts = frames(SubmitScore(request=request(), key="k"), request=1)
    parts[1] = parts[1].replace(b"\xa5takes\x01", b"\xa5takes\x63")
    with raw_socket(shared_home.connection) as (dealer, _):
        _, reply = ask(dealer, parts)
    assert reply == Failure(code="request", message="Takes must be 1 to 16.")


def mutated(seed: bytes, chance: random.Random) -> bytes:
    data = bytearray(seed)
    for _ in range(chance.randint(1, 6)):
        place = chance.randrange(len(data) + 1)
        kind = chance.randrange(5)
        if kind == 0 and place < len(data):
            data[place] = chance.getrandbits(8)
        elif kind == 1:
            del data[place:]
        elif kind == 2:
            data[place:place] = chance.randbytes(chance.randint(1, 30))
        elif kind == 3:
            data[place:place] = b"\x91" * chance.randint(1, 3000)
        else:
            data[place:place] = b"\xdf\xff\xff\xff\xff"
    return bytes(data)


def fuzz(dealer: zmq.Socket[bytes], count: int) -> None:
    chance = random.Random(11)
    seeds = [parts[1] for parts in malformed_messages().values() if len(parts) > 1]
    seeds += [
        msgspec.msgpack.encode(SubmitScore(request=request(engine="orchestra"), key="f")),
        msgspec.msgpack.encode({"type": "get_job", "job_id": "x"}),
    ]
    head = msgspec.msgpack.encode(Header(PROTOCOL_VERSION, 1))
    open_questions = 0
    for number in range(count):
        body = mutated(chance.choice(seeds), chance)
        parts = [mutated(head, chance), body] if number % 5 == 0 else [head, body]
        dealer.send_multipart(parts)
        open_questions += 1
        while open_questions > 100 or (open_questions and dealer.poll(0)):
            assert dealer.poll(5000), "a message was left without an answer"
            dealer.recv_multipart()
            open_questions -= 1
    while open_questions:
        assert dealer.poll(5000), "a message was left without an answer"
        dealer.recv_multipart()
        open_questions -= 1


def resident_kb(pid: int) -> int:
    with open(f"/proc/{pid}/statm", encoding="ascii") as sizes:
        return int(sizes.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


def test_mutated_messages_are_all_answered(shared_home: Home, client: Client) -> None:
    malformed = client.status().malformed
    with raw_socket(shared_home.connection) as (dealer, _):
        fuzz(dealer, 600)
    assert client.status().malformed > malformed + 300
    assert client.status().pid == shared_home.pid


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="reads /proc")
def test_two_hundred_thousand_mutated_messages_leave_no_trace(
    shared_home: Home, client: Client
) -> None:
    with raw_socket(shared_home.connection) as (dealer, _):
        fuzz(dealer, 20_000)
        before = resident_kb(shared_home.pid)
        fuzz(dealer, 200_000)
    assert client.status().pid == shared_home.pid
    assert resident_kb(shared_home.pid) - before < 20 * 1024
