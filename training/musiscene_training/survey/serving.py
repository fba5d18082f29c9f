"""Holding a survey: the socket it listens on, who may come in, and the addresses to open."""

from __future__ import annotations

import errno
import ipaddress
import secrets
import socket
from collections.abc import Callable
from pathlib import Path

import uvicorn

from musiscene_core.errors import InputError
from musiscene_training.survey.pages import build_app
from musiscene_training.survey.plan import Survey
from musiscene_training.survey.store import Store

_NO_HOST = "192.0.2.1"
"""Set aside for documentation (RFC 5737): nothing is ever sent there."""


def hold(
    survey: Survey, folder: Path, host: str, port: int, said: Callable[[str, bool], None]
) -> None:
    """Serve the survey in `folder` until Ctrl-C.

    Args:
        survey: what was prepared there.
        folder: with its media; ratings go there too.
        host: the address to listen on.
        port: 0 for any free one.
        said: hears the address to open, and whether others of the network can open it.

    Raises:
        InputError: the address is not this machine's, or the port is taken.
        OutputError: ratings cannot be written.
    """
    with _bound(host, port) as listening:
        store = Store(folder)
        lan = not _is_loopback(host)
        access = store.kept("access", secrets.token_urlsafe(12)) if lan else ""
        app = build_app(survey, folder, store, access)
        server = uvicorn.Server(
            uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off", ws="none")
        )
        shown = _reachable(host) if lan else host
        shown = f"[{shown}]" if ":" in shown else shown
        address = f"http://{shown}:{listening.getsockname()[1]}/"
        said(f"{address}?access={access}" if lan else address, lan)
        server.run(sockets=[listening])


def _bound(host: str, port: int) -> socket.socket:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(found[0], socket.SOCK_STREAM)
        try:
            if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):
                # On Windows SO_REUSEADDR would share the port with whoever has it.
                listening.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
            else:
                listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(found[4])
            listening.listen(128)
        except BaseException:
            listening.close()
            raise
        return listening
    except OSError as error:
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            taken = "is in use" if error.errno == errno.EADDRINUSE else "may not be used"
            raise InputError(
                f"Port {port} of {host} {taken}.",
                hint="Choose another with --port, or --port 0 for any that is free.",
            ) from error
        raise InputError(
            f"{host} is not an address of this machine: {error.strerror}.",
            hint="Give one of its addresses, or 0.0.0.0 for all.",
        ) from error


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _reachable(host: str) -> str:
    """What another machine would call this one."""
    if host not in ("0.0.0.0", "::", ""):
        return host
    try:
        # Choosing a route sends nothing.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect((_NO_HOST, 9))
            return str(probe.getsockname()[0])
    except OSError:
        return socket.gethostname()
