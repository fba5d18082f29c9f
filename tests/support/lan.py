"""A daemon that listens on another address, and machines that are or are not paired with it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import zmq
from zmq.utils.monitor import recv_monitor_message

from musiscene_core.protocol import Client
from musiscene_core.protocol.channel import Channel, ConnectionLostError
from musiscene_core.protocol.connection import Connection
from musiscene_core.protocol.messages import Ping, Pong
from musiscene_core.protocol.pairing import PairingCode, introduce
from tests.support.daemons import Home, wait_until

ADDRESS = "127.0.0.2"
"""An address of this machine that is not the one the daemon always listens on."""


def free_port(host: str = ADDRESS) -> int:
    """A port that is free, and the next is too."""
    while True:
        with ExitStack() as probes:
            port = 0
            with suppress(OSError, OverflowError):
                for wanted in (0, 1):
                    probe = probes.enter_context(socket.socket())
                    probe.bind((host, port + wanted))
                    port = port or probe.getsockname()[1]
                return port


def start(home: Home, port: int, *further: str) -> Client:
    """The local user's conversation with a daemon that listens at `port`."""
    return home.connect("--listen", f"{ADDRESS}:{port}", *further)


def new_code(local: Client) -> PairingCode:
    return PairingCode.from_text(local.open_pairing().code)


def pair(local: Client, name: str) -> Connection:
    """Pair a machine called `name`; how it reaches the daemon."""
    return introduce(new_code(local), name)[1]


@contextmanager
def remote(connection: Connection) -> Iterator[Client]:
    """A paired machine's conversation; it does not come back once it was ended."""

    def gone() -> Channel:
        raise ConnectionRefusedError

    client = Client(Channel(connection), gone, timeout_s=10)
    try:
        yield client
    finally:
        client.close()


def let_in(connection: Connection) -> bool:
    """Whether a new connection is let in."""
    channel = Channel(connection)
    try:
        return channel.ask(Ping(), 10) == Pong()
    except ConnectionLostError:
        return False
    finally:
        channel.close()


def answers(host: str, port: int) -> bool:
    """Whether anything listens there."""
    with suppress(OSError), socket.create_connection((host, port), timeout=2):
        return True
    return False


def wait_until_shut(code: PairingCode) -> None:
    wait_until(lambda: not answers(code.host, code.port + 1))


def handshake(endpoint: str, server_key: str, keys: tuple[bytes, bytes] | None = None) -> int:
    """How a stranger's CURVE handshake ends: an event of the library's monitor, 0 for none."""
    context = zmq.Context()
    dealer = context.socket(zmq.DEALER)
    dealer.linger = 0
    dealer.reconnect_ivl = -1
    dealer.handshake_ivl = 1000
    dealer.curve_serverkey = server_key.encode()
    dealer.curve_publickey, dealer.curve_secretkey = keys or zmq.curve_keypair()
    ends = (
        zmq.EVENT_HANDSHAKE_SUCCEEDED
        | zmq.EVENT_HANDSHAKE_FAILED_AUTH
        | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
        | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
        | zmq.EVENT_DISCONNECTED
        | zmq.EVENT_CLOSED
    )
    monitor = dealer.get_monitor_socket(ends)
    try:
        dealer.connect(endpoint)
        if not monitor.poll(5000):
            return 0
        return recv_monitor_message(monitor)["event"]
    finally:
        dealer.disable_monitor()
        monitor.close(0)
        dealer.close(0)
        context.term()
