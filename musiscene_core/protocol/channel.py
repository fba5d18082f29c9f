"""The client's end of the socket: one conversation with one daemon, over one connection.

Knows when the other side is gone, at once where it died and within seconds where it froze; what
to do about it is the client's business. Not for use by several threads.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

import zmq

from musiscene_core.errors import DaemonError, MusiSceneError, ProtocolMismatchError
from musiscene_core.protocol.connection import Connection
from musiscene_core.protocol.messages import (
    PROTOCOL_VERSION,
    FromDaemon,
    Header,
    JobEvent,
    Reply,
    Request,
)
from musiscene_core.protocol.wire import (
    MAX_FRAME_BYTES,
    MalformedFrameError,
    decode,
    frames,
    read_header,
)

HEARTBEAT_INTERVAL_MS = 1_000
HEARTBEAT_TIMEOUT_MS = 3_000
HANDSHAKE_TIMEOUT_MS = 3_000

NEVER_MS = 3_600_000
"""Longer than any connection that is lost is kept.

Not -1: where nothing is to be connected again, the end of a connection drops what was received on
it and not read yet, and a daemon that leaves hangs up right behind its last answers.
"""

_GONE = zmq.EVENT_DISCONNECTED | zmq.EVENT_CLOSED
_KEPT_EVENTS = 10_000


class ConnectionLostError(Exception):
    """The connection is gone, or was never made; the client may try another."""


class NoAnswerError(Exception):
    """The daemon keeps the connection but does not answer in time."""


def silent_daemon(pid: int, timeout_s: float) -> DaemonError:
    """What to tell the user of a daemon that does not answer."""
    return DaemonError(
        f"The daemon (process {pid}) has not answered for {timeout_s:g} s.",
        hint="Stop it with `musiscene daemon stop` and run the command again; "
        "what it accepted is not lost.",
    )


class Channel:
    """A connection to the daemon that `connection` describes; close it when done."""

    def __init__(self, connection: Connection) -> None:
        """Begin to connect.

        Raises:
            ConnectionLostError: `connection` makes no sense.
        """
        self.connection = connection
        self._events: deque[JobEvent] = deque(maxlen=_KEPT_EVENTS)
        self._last_request = 0
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.DEALER)
        self._open()

    def _open(self) -> None:
        socket, connection = self._socket, self.connection
        socket.linger = 0
        socket.maxmsgsize = MAX_FRAME_BYTES
        # A daemon that starts again listens elsewhere, so connecting again by itself is no use.
        socket.reconnect_ivl = NEVER_MS
        socket.handshake_ivl = HANDSHAKE_TIMEOUT_MS
        socket.heartbeat_ivl = HEARTBEAT_INTERVAL_MS
        socket.heartbeat_timeout = HEARTBEAT_TIMEOUT_MS
        self._monitor = socket.get_monitor_socket(_GONE)
        self._monitor.linger = 0
        try:
            socket.curve_serverkey = connection.server_key.encode()
            socket.curve_publickey = connection.client_public_key.encode()
            socket.curve_secretkey = connection.client_secret_key.encode()
            socket.connect(connection.endpoint)
        except (zmq.ZMQError, UnicodeError, ValueError) as error:
            self.close()
            raise ConnectionLostError from error
        self._poller = zmq.Poller()
        self._poller.register(socket, zmq.POLLIN)
        self._poller.register(self._monitor, zmq.POLLIN)

    def close(self) -> None:
        """Let the connection go, and whatever was not sent yet."""
        if not self._socket.closed:
            self._socket.disable_monitor()
            self._monitor.close(0)
            self._socket.close(0)
            self._context.term()

    def ask(self, request: Request, timeout_s: float) -> Reply:
        """Send `request` and wait for its reply; events that arrive meanwhile are kept.

        Raises:
            ConnectionLostError: the daemon left before it answered.
            ProtocolMismatchError: it speaks another version.
            NoAnswerError: no answer for `timeout_s`.
            DaemonError: the request is too large to send, or the reply makes no sense.
        """
        number = self._send(request)
        deadline = time.monotonic() + timeout_s
        while True:
            received = self._receive(deadline)
            if received is None:
                raise NoAnswerError
            header, message = received
            # An older reply is one whose wait was interrupted.
            if header.request == number and not isinstance(message, JobEvent):
                return message

    def tell(self, request: Request) -> None:
        """Send `request` without waiting for its reply; a daemon that is gone is told nothing."""
        with suppress(ConnectionLostError):
            self._send(request)

    def next_event(self, timeout_s: float) -> JobEvent | None:
        """The next event, or None where none comes for `timeout_s`.

        Raises:
            ConnectionLostError: the daemon left.
        """
        deadline = time.monotonic() + timeout_s
        while not self._events:
            if self._receive(deadline) is None:
                return None
        return self._events.popleft()

    def _send(self, request: Request) -> int:
        self._last_request += 1
        parts = frames(request, request=self._last_request)
        if len(parts[1]) > MAX_FRAME_BYTES:
            raise DaemonError(
                f"The request is {len(parts[1]) / (1 << 20):.1f} MB; "
                f"the daemon takes {MAX_FRAME_BYTES >> 20} MB.",
                hint="Mark a shorter range.",
            )
        try:
            self._socket.send_multipart(parts, zmq.DONTWAIT)
        except zmq.ZMQError as error:
            raise ConnectionLostError from error
        return self._last_request

    def _receive(self, deadline: float) -> tuple[Header, FromDaemon] | None:
        """The next message; None when time is up. Keeps events aside too."""
        while True:
            left_ms = max(0, int((deadline - time.monotonic()) * 1000))
            ready = dict(self._poller.poll(left_ms))
            # The daemon's last words may have come between a look at the one and at the other.
            if self._socket in ready or self._monitor in ready:
                received = self._read(self._arrived())
                if isinstance(received[1], JobEvent):
                    self._events.append(received[1])
                return received
            if time.monotonic() >= deadline:
                return None

    def _arrived(self) -> list[bytes]:
        try:
            return self._socket.recv_multipart(zmq.DONTWAIT)
        except zmq.Again:
            raise ConnectionLostError from None

    def _read(self, parts: Sequence[bytes]) -> tuple[Header, FromDaemon]:
        try:
            header = read_header(parts)
            message: FromDaemon = decode(parts[1], FromDaemon)
        except (MalformedFrameError, MusiSceneError) as error:
            raise DaemonError(
                "The daemon sent something that cannot be understood.",
                hint="Stop it with `musiscene daemon stop` and run the command again.",
            ) from error
        if header.protocol != PROTOCOL_VERSION:
            raise self._mismatch(header.protocol)
        return header, message

    def _mismatch(self, theirs: int) -> ProtocolMismatchError:
        return ProtocolMismatchError(
            f"This program speaks protocol {PROTOCOL_VERSION}, "
            f"the running daemon protocol {theirs}.",
            hint="Stop it with `musiscene daemon stop` and run the command again.",
        )
