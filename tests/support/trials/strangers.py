"""Connections of those who are not let in: noise, half handshakes, web pages, and the very slow."""

from __future__ import annotations

import random
import socket
import struct
import sys
import time
from collections import deque
from contextlib import suppress
from pathlib import Path

import zmq

from musiscene_core.protocol.connection import Connection, read_connection
from tests.support.daemons import home, request
from tests.support.trials.figures import Figure, Say
from tests.support.trials.watching import Pinger, Vitals, processes

_PROCESSES = 2
_HELD = 100
"""Connections each process keeps open and feeds a byte at a time."""
_SIGNATURE = b"\xff" + b"\0" * 8 + b"\x7f"
_NEVER_LINGER = struct.pack("ii", 1, 0)


def greeting(mechanism: bytes, *, minor: int = 0, as_server: int = 0) -> bytes:
    """ZMTP 3's 64 bytes: signature, version, mechanism, role, filler (RFC 23)."""
    return (
        _SIGNATURE + bytes([3, minor]) + mechanism.ljust(20, b"\0") + bytes([as_server] + [0] * 31)
    )


def opening(chance: random.Random) -> bytes:
    """What one stranger says first."""
    noise = chance.randbytes(chance.randint(1, 400))
    ready = b"\x04\x26\x05READY\x0bSocket-Type\0\0\0\x06DEALER\x08Identity\0\0\0\0"
    body = b"msg=" + noise
    return chance.choice(
        (
            b"",
            noise,
            chance.randbytes(20_000),
            # A browser, and one that speaks TLS.
            b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n%b"
            % (len(body), body),
            b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + noise,
            # ZMTP 1.0 has no greeting: a length, flags, an identity, then frames.
            b"\x01\x00" + b"\x05\x00ping" * chance.randint(1, 50),
            # ZMTP 2.0: signature, revision 1, socket type, identity.
            _SIGNATURE + b"\x01\x05\x00\x00" + b"\x00\x04ping" * chance.randint(1, 50),
            _SIGNATURE[: chance.randint(1, 10)],
            greeting(b"NULL"),
            greeting(b"NULL") + ready + b"\x00\x04ping",
            greeting(b"NULL", minor=1) + ready,
            greeting(b"PLAIN") + b"\x04\x10\x05HELLO\x04user\x04word",
            greeting(b"GSSAPI") + noise,
            greeting(b"CURVE", minor=1, as_server=1) + noise,
            greeting(b"CURVE")[: chance.randint(11, 64)],
            greeting(b"CURVE") + b"\x04\xc8\x05HELLO\x01\x00" + chance.randbytes(192),
            greeting(b"CURVE") + b"\x04\xc8\x05HELLO\x01\x00" + chance.randbytes(40),
            greeting(b"CURVE") + b"\x06" + (1 << 62).to_bytes(8, "big") + noise,
            greeting(b"CURVE") + noise,
        )
    )


def _source(chance: random.Random) -> tuple[str, int]:
    """An address of this machine: one alone would run out of ports."""
    if sys.platform != "linux":
        return "", 0
    return f"127.{chance.randint(1, 250)}.{chance.randint(1, 250)}.{chance.randint(1, 250)}", 0


def _call(port: int, chance: random.Random) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), 5.0, source_address=_source(chance))


def intrude(count: int, seed: int) -> int:
    """Make `count` connections, one after the other; returns how many were answered with bytes."""
    connection = read_connection()
    assert connection is not None
    port = int(connection.endpoint.rpartition(":")[2])
    chance = random.Random(seed)
    held: deque[socket.socket] = deque()
    answered = 0
    for number in range(count):
        if number % 200 == 7:
            _knock(connection)
            continue
        stranger = _call(port, chance)
        with suppress(OSError):
            stranger.sendall(opening(chance))
            kind = chance.random()
            if kind < 0.3:
                stranger.settimeout(0.05)
                answered += bool(stranger.recv(64))
            if kind > 0.6:
                # Leave without a farewell.
                stranger.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NEVER_LINGER)
        if number % 20 == 0:
            held.append(stranger)
            _feed(held)
        else:
            stranger.close()
    while held:
        held.popleft().close()
    return answered


def _feed(held: deque[socket.socket]) -> None:
    """One byte for each that is held open; the oldest goes."""
    for slow in held:
        with suppress(OSError):
            slow.setblocking(False)
            slow.send(b"\xff")
    if len(held) > _HELD:
        held.popleft().close()


def _knock(connection: Connection) -> None:
    """A whole handshake with a key that is on no list."""
    context = zmq.Context()
    dealer = context.socket(zmq.DEALER)
    dealer.linger = 0
    dealer.reconnect_ivl = -1
    dealer.curve_serverkey = connection.server_key.encode()
    dealer.curve_publickey, dealer.curve_secretkey = zmq.curve_keypair()
    dealer.connect(connection.endpoint)
    assert not dealer.poll(5)
    dealer.close(0)
    context.term()


def garbage(folder: Path, count: int, say: Say, *, seed: int = 1) -> list[Figure]:
    """Make `count` connections that are no clients, after a warm-up of a twentieth."""
    test = f"{count:,} garbage connections"
    with home(folder) as place, processes(_PROCESSES) as pool:
        with place.connect() as client:
            client.score(request())

        def all_of(number: int, first: int) -> int:
            share = -(-number // _PROCESSES)
            sent = [pool.submit(intrude, share, first + n) for n in range(_PROCESSES)]
            return sum(each.result() for each in sent)

        all_of(max(100, count // 20), seed)
        # The warm-up's last strangers are shown the door after the handshake's time.
        time.sleep(4.0)
        vitals = Vitals(place.pid)
        began, done, answered = time.monotonic(), 0, 0
        step = max(1, min(count // 4, 10_000))
        with Pinger() as pinger:
            while done < count:
                part = min(step, count - done)
                answered += all_of(part, seed + 1 + done)
                done += part
                say(f"{done:,} of {count:,}, {done / (time.monotonic() - began):,.0f}/s")
        rate = count / (time.monotonic() - began)
        with place.connect() as client:
            status = client.status()
        jobs = len(place.job_rows()) - 1
        return [
            *vitals.figures(test, place.pid),
            pinger.figure(test),
            Figure(
                test=f"{test}: let in",
                figure=f"{status.malformed + jobs} messages; {answered:,} greeted; {rate:,.0f}/s",
                target="0",
                ok=not status.malformed + jobs,
            ),
        ]
