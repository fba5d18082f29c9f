"""Letting one more machine in: a socket of its own that is there only while a code is open.

Whoever comes there must know the daemon's public key, may say one short message, and can reach
nothing else. A code lives five minutes on the monotonic clock, opens the door once, and dies after
three wrong tokens. Knows nothing of jobs.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

import msgspec
import zmq

from musiscene_core import __version__
from musiscene_core.errors import DaemonError, InputError, MusiSceneError, RequestError
from musiscene_core.protocol.channel import HANDSHAKE_TIMEOUT_MS
from musiscene_core.protocol.messages import PROTOCOL_VERSION
from musiscene_core.protocol.pairing import (
    MAX_PAIRING_BYTES,
    TOKEN_BYTES,
    Introduction,
    NotPaired,
    Paired,
    PairingCode,
    own_name,
)
from musiscene_core.protocol.state import PairedClient
from musiscene_core.protocol.wire import MalformedFrameError, decode
from musiscene_daemon.allowed import AllowList
from musiscene_daemon.auth import PAIRING_DOMAIN, Gatekeeper, guard
from musiscene_daemon.listening import ListenAddress, ServerKey, bind, public_bytes

log = logging.getLogger(__name__)

CODE_S = 300.0
MAX_WRONG = 3
"""Wrong tokens that a code survives, less one."""
MAX_PER_MINUTE = 60
"""Connections let in to pair, whatever became of them, over all codes."""

_FAREWELL_MS = 1_000
_BIND_TRIES = 50
_BIND_WAIT_S = 0.01


class Pairing:
    """The one code that may be open. For one thread, which must call `tick` when it says so."""

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        poller: zmq.Poller,
        gatekeeper: Gatekeeper,
        allowed: AllowList,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Add to `allowed` who comes with a code; `clock` dates it, in Unix seconds."""
        self._context = context
        self._poller = poller
        self._gatekeeper = gatekeeper
        self._allowed = allowed
        self._clock = clock
        self._socket: zmq.Socket[bytes] | None = None
        self._token = b""
        self._wrong = 0
        self._until = 0.0
        self._came: deque[float] = deque(maxlen=MAX_PER_MINUTE)

    def open(self, address: ListenAddress, key: ServerKey, now: float) -> PairingCode:
        """A new code; the one before is worth nothing any more.

        Raises:
            DaemonError: there is no address to tell, the list of machines is damaged, or the
                socket cannot be opened.
        """
        self._allowed.clients()
        host = address.reachable_host()
        if self._socket is None:
            self._socket = self._opened(address, key)
        self._token = secrets.token_bytes(TOKEN_BYTES)
        self._wrong = 0
        self._until = now + CODE_S
        log.info("a pairing code was opened")
        return PairingCode(
            host=host, port=address.port, server_key=public_bytes(key), token=self._token
        )

    def tick(self, now: float) -> float | None:
        """Close what has expired; returns when to come back, None where no code is open."""
        if self._socket is not None and now >= self._until:
            log.info("the pairing code expired")
            self.close()
        return self._until if self._socket is not None else None

    def serve(self, ready: dict[object, int], now: float) -> None:
        """Answer who has come, where `ready` holds our socket."""
        self.tick(now)
        socket = self._socket
        if socket is None or socket not in ready:
            return
        while True:
            try:
                routing_id, *parts = socket.recv_multipart(zmq.DONTWAIT, copy=False)
            except zmq.Again:
                return
            key = str(parts[-1].get("User-Id")) if parts else ""
            answer = self._answer(key, [part.bytes for part in parts])
            with suppress(zmq.ZMQError):
                # Gone already, or not reading: then it is not told.
                said = msgspec.msgpack.encode(answer)
                socket.send_multipart([routing_id.bytes, said], zmq.DONTWAIT)
            if not self._token:
                # Answers on their way still go out.
                self.close(_FAREWELL_MS)
                return

    def close(self, linger_ms: int = 0) -> None:
        """Shut the door, whatever code is open."""
        self._token = b""
        if self._socket is not None:
            self._gatekeeper.shut(PAIRING_DOMAIN)
            self._poller.unregister(self._socket)
            self._socket.close(linger_ms)
            self._socket = None

    def _opened(self, address: ListenAddress, key: ServerKey) -> zmq.Socket[bytes]:
        socket = self._context.socket(zmq.ROUTER)
        socket.linger = 0
        socket.maxmsgsize = MAX_PAIRING_BYTES
        socket.handshake_ivl = HANDSHAKE_TIMEOUT_MS
        socket.rcvhwm = socket.sndhwm = MAX_PER_MINUTE
        guard(socket, key.secret.encode(), PAIRING_DOMAIN)
        try:
            _bind_soon(socket, address.host, address.port + 1)
        except InputError as error:
            socket.close()
            raise DaemonError(error.message, hint=error.hint) from error
        self._gatekeeper.open(PAIRING_DOMAIN, self._door)
        self._poller.register(socket, zmq.POLLIN)
        return socket

    def _door(self, key: str) -> str:
        """Any key comes in, under its own name, but not too many of them."""
        now = time.monotonic()
        if len(self._came) == MAX_PER_MINUTE and now - self._came[0] < 60.0:
            log.warning("too many machines try to pair; one was turned away")
            return ""
        self._came.append(now)
        return key

    def _answer(self, key: str, parts: list[bytes]) -> Paired | NotPaired:
        try:
            said = decode(b"".join(parts), Introduction)
        except MalformedFrameError:
            said = Introduction(b"", "")
        if not secrets.compare_digest(said.token, self._token):
            return self._refuse_token()
        try:
            self._allowed.add(PairedClient(name=said.name, key=key, since=self._clock()))
        except MusiSceneError as error:
            log.warning("a machine came with the code, but cannot be paired: %s", error.code)
            # What only concerns this machine, such as a path, stays here.
            told = error if isinstance(error, RequestError) else _CANNOT
            return NotPaired(told.code, told.message, told.hint)
        self._token = b""
        log.info("a machine was paired")
        return Paired(daemon=own_name(), version=__version__, protocol=PROTOCOL_VERSION)

    def _refuse_token(self) -> NotPaired:
        self._wrong += 1
        log.warning("a machine came with a wrong pairing code")
        if self._wrong >= MAX_WRONG:
            log.warning("the pairing code was given up after %d wrong ones", self._wrong)
            self._token = b""
        return NotPaired(
            DaemonError.code,
            "The daemon does not know this code.",
            "Ask for another with `musiscene pair` on the daemon's machine.",
        )


_CANNOT = DaemonError(
    "The daemon cannot note this machine down.", hint="See `musiscene pair --list` on its machine."
)


def _bind_soon(socket: zmq.Socket[bytes], host: str, port: int) -> None:
    """Bind; the library closes the last code's socket a moment after it was told to."""
    for left in reversed(range(_BIND_TRIES)):
        try:
            return bind(socket, host, port)
        except InputError:
            if not left:
                raise
            time.sleep(_BIND_WAIT_S)
