"""Who may speak to the daemon: the socket library asks here before it lets a client in.

The ZeroMQ authentication protocol (RFC 27/ZAP) over CURVE: a connection shows its public key and
is let in by name if the door it knocks at (a ZAP domain) knows the key. An answer that never
comes keeps it out.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import zmq
from zmq.utils import z85

log = logging.getLogger(__name__)

DOMAIN = b"musiscene"
LAN_DOMAIN = b"musiscene.lan"
PAIRING_DOMAIN = b"musiscene.pairing"
LOCAL_USER = "local"
"""Whoever can read the connection file."""

Door = Callable[[str], str]
"""The user with this public key (Z85), who is let in; empty keeps the connection out."""

_ENDPOINT = "inproc://zeromq.zap.01"
_VERSION = b"1.0"


class Gatekeeper:
    """Answers the library's questions. Bind it before any socket it guards.

    Attributes:
        socket: poll this, then call `answer`.
        refused: connections not let in so far.
    """

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], users: dict[bytes, str]) -> None:
        """Let in `users`, names by public key (Z85), at the door DOMAIN."""
        names = {key.decode(): name for key, name in users.items()}
        self._doors: dict[bytes, Door] = {DOMAIN: lambda key: names.get(key, "")}
        self.refused = 0
        self.socket = context.socket(zmq.REP)
        self.socket.linger = 0
        self.socket.bind(_ENDPOINT)

    def open(self, domain: bytes, door: Door) -> None:
        """Ask `door` from now on who comes in at `domain`."""
        self._doors[domain] = door

    def shut(self, domain: bytes) -> None:
        """Let nobody in at `domain` any more."""
        self._doors.pop(domain, None)

    def answer(self) -> None:
        """Answer every question that waits."""
        while True:
            try:
                parts = self.socket.recv_multipart(zmq.DONTWAIT)
            except zmq.Again:
                return
            self.socket.send_multipart(self._verdict(parts))

    def close(self) -> None:
        """Stop answering."""
        self.socket.close()

    def _verdict(self, parts: list[bytes]) -> list[bytes]:
        # version, request, domain, address, identity, mechanism, then the public key
        known = len(parts) == 7 and parts[5] == b"CURVE" and len(parts[6]) == 32
        door = self._doors.get(parts[2]) if known else None
        user = door(z85.encode(parts[6]).decode()) if door is not None else ""
        number = parts[1] if len(parts) > 1 else b""
        if user:
            return [_VERSION, number, b"200", b"OK", user.encode(), b""]
        self.refused += 1
        log.warning("a connection with an unknown key was refused")
        return [_VERSION, number, b"400", b"unknown key", b"", b""]


def guard(socket: zmq.Socket[bytes], secret_key: bytes, domain: bytes = DOMAIN) -> None:
    """Close what `socket` binds next to all but those a Gatekeeper lets in at `domain`.

    A socket keeps for each endpoint the key and the domain it had when that was bound.
    """
    socket.curve_server = True
    socket.curve_secretkey = secret_key
    socket.zap_domain = domain
    # Without this a missing Gatekeeper would let everyone in.
    socket.setsockopt(zmq.ZAP_ENFORCE_DOMAIN, 1)
