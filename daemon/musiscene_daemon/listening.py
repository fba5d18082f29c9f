"""Listening on the network: at which address, with which key. Off unless asked for.

The key outlives the daemon, so that a paired machine knows it again after a restart. The socket
of this machine alone keeps keys of its own, made anew at every start.
"""

from __future__ import annotations

import errno
import ipaddress
import logging
import socket as sockets
from dataclasses import dataclass
from pathlib import Path

import msgspec
import zmq
from zmq.utils import z85

from musiscene_core.codec import read_json, to_json, write_atomically
from musiscene_core.errors import DaemonError, InputError, OutputError
from musiscene_core.protocol.connection import refuse_foreign
from musiscene_core.protocol.pairing import endpoint
from musiscene_daemon.auth import LAN_DOMAIN, guard

log = logging.getLogger(__name__)

DEFAULT_PORT = 47612
"""Where the daemon serves; it pairs at the next port."""
KEY_NAME = "lan-key.json"
ALL = "all"
_ALL_HOSTS = "0.0.0.0"
_MAX_PORT = 65_534
_KEY_LENGTH = 40
_OWNER_ONLY = 0o600
_HINT = "Give an address of this machine, such as 192.168.1.5 or 192.168.1.5:47612."


@dataclass(frozen=True)
class ListenAddress:
    """An address of this machine.

    Attributes:
        host: IPv4 or IPv6; 0.0.0.0 for every IPv4 address.
        port: where to serve.
    """

    host: str
    port: int = DEFAULT_PORT

    @classmethod
    def parse(cls, text: str) -> ListenAddress:
        """Read IP, IP:PORT, [IPV6]:PORT, "all" or "all:PORT".

        Raises:
            InputError: it is none of these, or means every address without saying "all".
        """
        host, port = _halves(text.strip())
        if host == ALL:
            return cls(_ALL_HOSTS, port)
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            raise InputError(f"{text!r} is not an address to listen on.", hint=_HINT) from None
        if address.is_unspecified:
            raise InputError(
                f"{text!r} means every address of this machine, also ones added later.",
                hint=f"{_HINT} If you do mean every address, write `all`.",
            )
        if address.is_multicast or "%" in host:
            raise InputError(f"{text!r} is not an address to listen on.", hint=_HINT)
        return cls(str(address), port)

    @property
    def everywhere(self) -> bool:
        """Whether it stands for every address of this machine."""
        return self.host == _ALL_HOSTS

    def reachable_host(self) -> str:
        """The address to tell another machine.

        Raises:
            DaemonError: the daemon listens everywhere, and there is no one address to tell.
        """
        if not self.everywhere:
            return self.host
        with sockets.socket(sockets.AF_INET, sockets.SOCK_DGRAM) as probe:
            try:
                # Sends nothing: it asks the routing table which address would go out.
                probe.connect(("192.0.2.1", 9))
                return str(probe.getsockname()[0])
            except OSError as error:
                raise DaemonError(
                    "This machine has no address that another could reach.",
                    hint="Connect it to the network, or start the daemon with --listen ADDRESS.",
                ) from error


def _halves(text: str) -> tuple[str, int]:
    if text.startswith("["):
        host, closed, port = text[1:].partition("]")
        colon, port = port[:1], port[1:]
        if not closed or colon not in ("", ":"):
            raise InputError(f"{text!r} is not an address to listen on.", hint=_HINT)
    elif text.count(":") == 1:
        host, colon, port = text.partition(":")
    else:
        host, colon, port = text, "", ""
    if not colon:
        return host, DEFAULT_PORT
    if not (port.isascii() and port.isdigit() and 1 <= int(port[:6]) <= _MAX_PORT):
        raise InputError(f"{port!r} is not a port.", hint=f"Ports are 1 to {_MAX_PORT}.")
    return host, int(port)


class ServerKey(msgspec.Struct, frozen=True):
    """The daemon's key pair for the network, Z85."""

    public: str
    secret: str


def server_key(folder: Path) -> ServerKey:
    """The key pair in `folder`, made if there is none yet.

    Raises:
        DaemonError: it is damaged, or others could have read it.
        OutputError: it cannot be written.
    """
    path = folder / KEY_NAME
    try:
        refuse_foreign(path)
    except FileNotFoundError:
        key = ServerKey(*(half.decode() for half in zmq.curve_keypair()))
        write_atomically(path, to_json(key), mode=_OWNER_ONLY)
        log.info("a key for the network was made")
        return key
    except OSError as error:
        raise OutputError.from_os(error, path) from error
    try:
        key = read_json(path, ServerKey)
        if not len(key.secret) == len(key.public) == _KEY_LENGTH:
            raise ValueError
        whole = zmq.curve_public(key.secret.encode()) == key.public.encode()
    except (InputError, ValueError, zmq.ZMQError):
        whole = False
    if not whole:
        raise DaemonError(
            f"The daemon's key for the network is damaged: {path}.",
            hint="Restore it, or delete it and pair every machine again.",
        )
    return key


def listen(router: zmq.Socket[bytes], address: ListenAddress, key: ServerKey) -> None:
    """Let paired machines in to `router` at `address` too, beside what it has bound before.

    Raises:
        InputError: it is not an address of this machine, or in use.
    """
    guard(router, key.secret.encode(), LAN_DOMAIN)
    bind(router, address.host, address.port)


def can_listen(address: ListenAddress | None) -> None:
    """Bind both ports that serving and pairing at `address` take, and let them go again.

    Raises:
        InputError: one cannot be bound.
    """
    if address is None:
        return
    with zmq.Context() as context:
        for port in (address.port, address.port + 1):
            with context.socket(zmq.ROUTER) as router:
                bind(router, address.host, port)


def bind(socket: zmq.Socket[bytes], host: str, port: int) -> None:
    """Bind `socket`, and say in words why it cannot be.

    Raises:
        InputError: it cannot.
    """
    socket.ipv6 = ":" in host
    try:
        socket.bind(endpoint(host, port))
    except zmq.ZMQError as error:
        if error.errno == errno.EADDRINUSE:
            raise InputError(
                f"Port {port} of {host} is taken.", hint="Choose another: --listen ADDRESS:PORT."
            ) from error
        if error.errno in (errno.EADDRNOTAVAIL, errno.ENODEV):
            raise InputError(f"{host} is not an address of this machine.", hint=_HINT) from error
        raise InputError(
            f"The daemon cannot listen on {host}, port {port}: {error.strerror}.", hint=_HINT
        ) from error


def public_bytes(key: ServerKey) -> bytes:
    """The 32 bytes of the public half."""
    return z85.decode(key.public.encode())
