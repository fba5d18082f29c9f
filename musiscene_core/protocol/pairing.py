"""Pairing: how another machine becomes known to a daemon that listens on the network.

The daemon's machine shows a code, a person carries it over, and the other machine shows the
daemon the code's token over a connection that proves both keys. The code holds

    address 4 or 16 bytes | port 2 | the daemon's public key 32 | token 10 | checksum 2

written in Crockford's base32 (no I, L, O or U; read without regard to case, dashes and spaces).

The whole key, not a fingerprint of it: CURVE needs the key before the first byte, and a step that
hands it over would be a second, unencrypted socket for anybody to talk to. With the key in the
code nobody in between can stand in for the daemon, not even who overheard the code; and who does
not have the key cannot so much as finish a handshake, let alone try tokens.

The other machine makes its own key pair and connects with it, so the handshake proves the key
that the daemon notes down, and no secret of either side ever travels.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import ipaddress
import platform
import re
import secrets

import msgspec
import zmq
from zmq.utils import z85

from musiscene_core.errors import DaemonError, InputError, from_code
from musiscene_core.protocol.channel import HANDSHAKE_TIMEOUT_MS, NEVER_MS
from musiscene_core.protocol.connection import Connection, is_name
from musiscene_core.protocol.wire import MalformedFrameError, decode

TOKEN_BYTES = 10
MAX_PAIRING_BYTES = 512
"""Largest frame of a pairing."""
ANSWER_S = 10.0

_KEY_BYTES = 32
_CHECK_BYTES = 2
_FIXED_BYTES = 2 + _KEY_BYTES + TOKEN_BYTES + _CHECK_BYTES
_GROUP = 4
_RFC4648 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_CROCKFORD = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_WRITE = bytes.maketrans(_RFC4648, _CROCKFORD)
_READ = bytes.maketrans(_CROCKFORD + b"ILO", _RFC4648 + b"BBA")
_LAST_WORDS_MS = 50


class Introduction(msgspec.Struct, frozen=True, tag="introduction"):
    """The other machine's one message.

    Attributes:
        token: the code's.
        name: what the machine calls itself.
    """

    token: bytes
    name: str


class Paired(msgspec.Struct, frozen=True, tag="paired"):
    """The daemon knows the machine now.

    Attributes:
        daemon: what the daemon's machine calls itself.
        version: of the package it runs.
        protocol: its PROTOCOL_VERSION.
    """

    daemon: str
    version: str
    protocol: int


class NotPaired(msgspec.Struct, frozen=True, tag="not_paired"):
    """The machine is not let in: the parts of one of our errors."""

    code: str
    message: str
    hint: str = ""


class PairingCode(msgspec.Struct, frozen=True, kw_only=True):
    """What a person carries from the daemon's machine to the other.

    Attributes:
        host: the daemon's address, IPv4 or IPv6.
        port: where it serves; it pairs at the next.
        server_key: its public key.
        token: shown once by who has the code.
    """

    host: str
    port: int
    server_key: bytes
    token: bytes

    def __str__(self) -> str:
        """The code in groups of four."""
        body = ipaddress.ip_address(self.host).packed + self.port.to_bytes(2, "big")
        body += self.server_key + self.token
        text = base64.b32encode(body + _checksum(body)).translate(_WRITE, b"=").decode()
        return "-".join(text[at : at + _GROUP] for at in range(0, len(text), _GROUP))

    @classmethod
    def from_text(cls, text: str) -> PairingCode:
        """Read a code as a person typed it.

        Raises:
            InputError: it is not one, or was mistyped.
        """
        typed = re.sub(r"[\s-]", "", text).upper().encode(errors="replace")
        padded = typed.translate(_READ) + b"=" * (-len(typed) % 8)
        try:
            # Bytes that are no Crockford digits, such as U, would pass for others of RFC 4648.
            if typed.translate(None, _CROCKFORD + b"ILO"):
                raise ValueError
            data = base64.b32decode(padded)
            body, check = data[:-_CHECK_BYTES], data[-_CHECK_BYTES:]
            if len(data) <= _FIXED_BYTES:
                raise ValueError
            host = ipaddress.ip_address(data[:-_FIXED_BYTES])
        except (ValueError, binascii.Error):
            raise _mistyped() from None
        if not secrets.compare_digest(_checksum(body), check):
            raise _mistyped()
        rest = body[len(host.packed) :]
        return cls(
            host=str(host),
            port=int.from_bytes(rest[:2], "big"),
            server_key=rest[2 : 2 + _KEY_BYTES],
            token=rest[2 + _KEY_BYTES :],
        )


def own_name() -> str:
    """What this machine calls itself, made fit for a name."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", platform.node().split(".")[0]).strip("-._")[:64]
    return name if is_name(name) else "machine"


def endpoint(host: str, port: int) -> str:
    """The ZeroMQ endpoint at an address."""
    return f"tcp://[{host}]:{port}" if ":" in host else f"tcp://{host}:{port}"


def introduce(
    code: PairingCode, name: str, *, timeout_s: float = ANSWER_S
) -> tuple[str, Connection]:
    """Become known to the daemon that showed `code`.

    Args:
        code: the code.
        name: what to call this machine there.
        timeout_s: how long the daemon may take.

    Returns:
        What the daemon's machine calls itself, and how to reach the daemon from now on.

    Raises:
        DaemonError: nobody answers, or the code is not or no longer valid.
        RequestError: the name is taken, or is none.
    """
    public, secret = zmq.curve_keypair()
    server_key = z85.encode(code.server_key)
    context = zmq.Context()
    dealer = context.socket(zmq.DEALER)
    monitor = dealer.get_monitor_socket(zmq.EVENT_DISCONNECTED | zmq.EVENT_CLOSED)
    try:
        dealer.linger = monitor.linger = 0
        dealer.ipv6 = ":" in code.host
        dealer.maxmsgsize = MAX_PAIRING_BYTES
        dealer.reconnect_ivl = NEVER_MS
        dealer.handshake_ivl = HANDSHAKE_TIMEOUT_MS
        dealer.curve_serverkey = server_key
        dealer.curve_publickey, dealer.curve_secretkey = public, secret
        dealer.connect(endpoint(code.host, code.port + 1))
        dealer.send(msgspec.msgpack.encode(Introduction(code.token, name)))
        answer = _wait(dealer, monitor, timeout_s)
    except zmq.ZMQError as error:
        raise _nobody() from error
    finally:
        dealer.disable_monitor()
        monitor.close(0)
        dealer.close(0)
        context.term()
    if isinstance(answer, NotPaired):
        raise from_code(answer.code, answer.message, answer.hint)
    return answer.daemon, Connection(
        endpoint=endpoint(code.host, code.port),
        protocol=answer.protocol,
        pid=0,
        version=answer.version,
        server_key=server_key.decode(),
        client_public_key=public.decode(),
        client_secret_key=secret.decode(),
    )


def _wait(
    dealer: zmq.Socket[bytes], monitor: zmq.Socket[bytes], timeout_s: float
) -> Paired | NotPaired:
    poller = zmq.Poller()
    poller.register(dealer, zmq.POLLIN)
    poller.register(monitor, zmq.POLLIN)
    poller.poll(int(timeout_s * 1000))
    # An answer may stand behind the end of its connection.
    if not dealer.poll(_LAST_WORDS_MS):
        raise _nobody()
    try:
        answer: Paired | NotPaired = decode(dealer.recv(), Paired | NotPaired)
    except MalformedFrameError as error:
        raise DaemonError("The daemon sent something that cannot be understood.") from error
    return answer


def _checksum(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()[:_CHECK_BYTES]


def _mistyped() -> InputError:
    return InputError(
        "This is no pairing code, or a character of it is wrong.",
        hint="Compare it with what `musiscene pair` shows on the daemon's machine.",
    )


def _nobody() -> DaemonError:
    return DaemonError(
        "No daemon waits for this code.",
        hint="It is valid once and for 5 minutes: ask for another with `musiscene pair` on the "
        "daemon's machine, and see that the network lets this machine reach it.",
    )
