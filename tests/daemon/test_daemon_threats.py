"""What the socket does when its guard is missing, and what one let in cannot do to another."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import msgspec
import pytest
import zmq

from musiscene_core.errors import DaemonError
from musiscene_core.protocol import Client, connect
from musiscene_core.protocol.connection import Connection, connection_path
from musiscene_core.protocol.messages import (
    PROTOCOL_VERSION,
    CancelJob,
    GetJob,
    JobEvent,
    JobReply,
    Ping,
    SubmitScore,
    Subscribe,
    Subscribed,
)
from musiscene_core.protocol.wire import MAX_FRAME_BYTES, decode, frames
from musiscene_daemon.auth import Gatekeeper, guard
from tests.support.daemons import Home, request, wait_until


class Sockets:
    """Sockets of one context, all closed at the end."""

    def __init__(self) -> None:
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._open: list[zmq.Socket[bytes]] = []

    def open(self, kind: int) -> zmq.Socket[bytes]:
        return self.adopt(self.context.socket(kind))

    def adopt(self, opened: zmq.Socket[bytes]) -> zmq.Socket[bytes]:
        opened.linger = 0
        self._open.append(opened)
        return opened

    def close(self) -> None:
        for opened in self._open:
            opened.close(0)
        self.context.term()


@pytest.fixture
def sockets() -> Iterator[Sockets]:
    sockets = Sockets()
    yield sockets
    sockets.close()


def dealer_to(sockets: Sockets, connection: Connection, **options: object) -> zmq.Socket[bytes]:
    dealer = sockets.open(zmq.DEALER)
    dealer.reconnect_ivl = -1
    for name, value in options.items():
        setattr(dealer, name, value)
    dealer.curve_serverkey = connection.server_key.encode()
    dealer.curve_publickey = connection.client_public_key.encode()
    dealer.curve_secretkey = connection.client_secret_key.encode()
    # Refused before it was sent, a message would wait for ever.
    dealer.sndtimeo = 5000
    dealer.connect(connection.endpoint)
    return dealer


def try_to_say(sockets: Sockets, connection: Connection, said: bytes) -> None:
    with suppress(zmq.Again):
        dealer_to(sockets, connection).send(said, zmq.DONTWAIT)


def guarded_router(
    sockets: Sockets,
) -> tuple[zmq.Socket[bytes], Connection]:
    """A socket as the daemon opens it, and how its one client would find it."""
    server_public, server_secret = zmq.curve_keypair()
    client_public, client_secret = zmq.curve_keypair()
    router = sockets.open(zmq.ROUTER)
    guard(router, server_secret)
    port = router.bind_to_random_port("tcp://127.0.0.1")
    return router, Connection(
        endpoint=f"tcp://127.0.0.1:{port}",
        protocol=PROTOCOL_VERSION,
        pid=os.getpid(),
        version="",
        server_key=server_public.decode(),
        client_public_key=client_public.decode(),
        client_secret_key=client_secret.decode(),
    )


def test_a_guard_that_is_absent_or_has_gone_lets_nobody_in(
    sockets: Sockets,
) -> None:
    router, connection = guarded_router(sockets)
    try_to_say(sockets, connection, b"before")
    assert not router.poll(200)

    gatekeeper = Gatekeeper(sockets.context, {connection.client_public_key.encode(): "me"})
    sockets.adopt(gatekeeper.socket)
    try_to_say(sockets, connection, b"guarded")
    assert gatekeeper.socket.poll(2000)
    gatekeeper.answer()
    assert router.poll(2000), "the key must open the socket while the guard is there"
    assert router.recv_multipart()[1] == b"guarded"

    gatekeeper.close()
    try_to_say(sockets, connection, b"after")
    assert not router.poll(200)


def test_a_guard_that_does_not_answer_lets_nobody_in(
    sockets: Sockets,
) -> None:
    router, connection = guarded_router(sockets)
    gatekeeper = Gatekeeper(sockets.context, {connection.client_public_key.encode(): "me"})
    sockets.adopt(gatekeeper.socket)
    try_to_say(sockets, connection, b"stuck")
    assert gatekeeper.socket.poll(2000)
    assert not router.poll(300)
    refused = gatekeeper.refused
    gatekeeper.close()
    assert refused == 0


def test_a_name_taken_by_another_client_captures_none_of_its_replies(
    shared_home: Home, client: Client, sockets: Sockets
) -> None:
    victim = dealer_to(sockets, shared_home.connection, routing_id=b"victim")
    victim.send_multipart(frames(Subscribe(), request=1))
    assert victim.poll(2000)
    victim.recv_multipart()
    thief = dealer_to(sockets, shared_home.connection, routing_id=b"victim")
    with suppress(zmq.Again):
        thief.send_multipart(frames(Ping(), request=77), zmq.DONTWAIT)
    client.score(request())
    assert victim.poll(2000)
    assert isinstance(decode(victim.recv_multipart()[1], JobEvent), JobEvent)
    assert not thief.poll(200)
    client.ping()


def test_a_frame_too_large_ends_its_connection_alone(
    shared_home: Home, client: Client, sockets: Sockets
) -> None:
    heavy = dealer_to(sockets, shared_home.connection)
    heavy.send_multipart(frames(Ping(), request=1))
    assert heavy.poll(2000)
    heavy.recv_multipart()
    head = frames(Ping(), request=2)[0]
    requests = _metric(client, "requests_total")
    heavy.send_multipart([head, bytes(MAX_FRAME_BYTES + 1)])
    assert not heavy.poll(500)
    assert _metric(client, "requests_total") == requests + 1, "only our own question arrived"
    client.ping()


def test_a_client_that_does_not_read_loses_events_that_are_counted_and_a_snapshot_mends(
    shared_home: Home, client: Client, sockets: Sockets
) -> None:
    assert client.status().lost_events == 0
    slow = dealer_to(sockets, shared_home.connection, rcvhwm=1, rcvbuf=4096)
    slow.send_multipart(frames(Subscribe(), request=1))
    assert slow.poll(2000)
    slow.recv_multipart()
    job_ids: list[str] = []
    gate = shared_home.folder / "gate"
    client.submit_score(request(until=str(gate)))
    try:
        writer = dealer_to(sockets, shared_home.connection)
        while not client.status().lost_events:
            job_ids += _submit_and_cancel(writer, 200, len(job_ids))
            assert len(job_ids) < 20_000, "nothing was ever lost"
        client.ping()
    finally:
        gate.touch()
    wait_until(lambda: client.status().jobs_running == 0)
    lost = client.status().lost_events
    assert lost > 0
    assert _metric(client, "lost_events_total") >= lost

    sequences = []
    while slow.poll(500):
        sequences.append(decode(slow.recv_multipart()[1], JobEvent).sequence)
    slow.send_multipart(frames(Subscribe(), request=2))
    assert slow.poll(2000)
    snapshot = decode(slow.recv_multipart()[1], Subscribed)
    assert snapshot.sequence > sequences[-1] or sequences != list(range(1, len(sequences) + 1))
    assert snapshot.sequence - len(sequences) == client.status().lost_events
    states = {job.id: job.state for job in snapshot.jobs}
    assert {states[job_id] for job_id in job_ids[-100:]} == {"cancelled"}


def _submit_and_cancel(writer: zmq.Socket[bytes], count: int, start: int) -> list[str]:
    for number in range(start, start + count):
        message = SubmitScore(request=request(cue="slow" * 50), key=f"slow {number}")
        writer.send_multipart(frames(message, request=1))
    job_ids = []
    for _ in range(count):
        assert writer.poll(5000)
        job_ids.append(msgspec.msgpack.decode(writer.recv_multipart()[1])["job_id"])
    for job_id in job_ids:
        writer.send_multipart(frames(CancelJob(job_id), request=1))
    for _ in range(count):
        assert writer.poll(5000)
        assert decode(writer.recv_multipart()[1], JobReply).job.state == "cancelled"
    return job_ids


def test_ping_answers_while_others_flood(
    shared_home: Home, client: Client, sockets: Sockets
) -> None:
    flooding = threading.Event()
    flooding.set()

    def flood() -> None:
        dealer = dealer_to(sockets, shared_home.connection)
        ask = frames(GetJob("nobody"), request=1)
        while flooding.is_set():
            with suppress(zmq.Again):
                dealer.send_multipart(ask, zmq.DONTWAIT)

    floods = [threading.Thread(target=flood) for _ in range(2)]
    for thread in floods:
        thread.start()
    try:
        before = _metric(client, "requests_total")
        for _ in range(20):
            client.ping()
        assert _metric(client, "requests_total") > before + 22, "there was no flood"
    finally:
        flooding.clear()
        for thread in floods:
            thread.join()


def test_a_connection_file_that_others_can_read_or_own_is_not_trusted(own_home: Home) -> None:
    own_home.connect().close()
    path = connection_path()
    path.chmod(0o604)
    with pytest.raises(DaemonError, match="not this user's alone"):
        connect(start=False)
    path.chmod(0o600)
    if os.getuid() == 0:
        os.chown(path, 65534, -1)
        with pytest.raises(DaemonError, match="not this user's alone"):
            connect(start=False)
        os.chown(path, 0, -1)
    connect(start=False).close()


def test_the_daemon_listens_on_this_machine_alone(shared_home: Home, client: Client) -> None:
    port = int(shared_home.connection.endpoint.rpartition(":")[2])
    outward = _outward_address()
    if not outward:
        pytest.skip("this machine has no address but its own")
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((outward, port), timeout=2)


def _outward_address() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return ""
        address = str(probe.getsockname()[0])
    return "" if address.startswith("127.") else address


def _metric(client: Client, name: str) -> float:
    for line in client.metrics().splitlines():
        if line.startswith(f"musiscene_{name} "):
            return float(line.split()[1])
    raise AssertionError(f"no metric {name}")
