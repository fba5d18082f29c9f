"""The daemon: whether its files are this user's alone, sockets work, and it answers in time."""

from __future__ import annotations

import os
import socket
import stat
import sys
from collections.abc import Iterator

from musiscene_core import __version__
from musiscene_core.errors import DaemonError, ProtocolMismatchError
from musiscene_core.instance_lock import InstanceLock
from musiscene_core.paths import data_folder, runtime_folder
from musiscene_core.protocol import DaemonStatus, connect
from musiscene_core.protocol.connection import (
    NEW_KEYS,
    PAIR_AGAIN,
    connection_path,
    lock_path,
    read_connection,
    refuse_foreign,
)
from musiscene_core.protocol.launcher import ALREADY_RUNNING, DAEMON_MODULE
from musiscene_plugins.doctor.asking import ask
from musiscene_plugins.doctor.finding import Fact, Finding, broken, fine, note

_ANSWER_S = 6.0
_CHECK_S = 15.0
_LOOPBACK_S = 3.0
_LOOPBACK = "127.0.0.1"
_STOP = "`musiscene daemon stop` ends it; the next command starts a new one."


def rights() -> Iterator[Finding]:
    """Whether anybody else could read or write what opens the daemon."""
    topic = "connection file"
    folder, path = runtime_folder(), connection_path()
    paired = sorted((data_folder() / "daemons").glob("*.json"))
    for file, fix in ((path, NEW_KEYS), *((file, PAIR_AGAIN) for file in paired)):
        try:
            refuse_foreign(file, fix)
        except DaemonError as error:
            yield broken(topic, error.message, error.hint, file=str(file))
            return
        except OSError:
            continue
    try:
        mode = stat.S_IMODE(folder.stat().st_mode)
    except OSError:
        yield fine(topic, "There is none: the daemon makes it, for this user alone.")
        return
    if os.name == "posix" and mode & 0o077:
        yield note(
            *(topic, f"Others can look into {folder} (rights {mode:o})."),
            "The daemon closes it when it starts: `musiscene daemon stop`, then start it.",
        )
    else:
        yield fine(topic, f"{path} is this user's alone.", there=path.exists())


def sockets() -> Iterator[Finding]:
    """Whether programs on this machine can talk to each other over TCP."""
    topic = "local sockets"
    try:
        with socket.socket() as listening:
            listening.settimeout(_LOOPBACK_S)
            listening.bind((_LOOPBACK, 0))
            listening.listen(1)
            port = listening.getsockname()[1]
            with socket.create_connection((_LOOPBACK, port), _LOOPBACK_S) as asking:
                answering, _ = listening.accept()
                with answering:
                    asking.sendall(b"MusiScene")
                    answering.settimeout(_LOOPBACK_S)
                    heard = answering.recv(16)
    except OSError as error:
        yield broken(
            *(topic, f"Programs cannot talk to each other at {_LOOPBACK}: {error}."),
            "A firewall or security program forbids it: allow local connections for Python.",
        )
        return
    if heard != b"MusiScene":
        yield broken(topic, "Something changes what is said locally.", "Look for a local proxy.")
        return
    yield fine(topic, f"Programs can talk to each other at {_LOOPBACK}.")


def daemon() -> Iterator[Finding]:
    """Whether it runs and answers, and what of it does not load."""
    holder = _holder()
    if not holder:
        yield _could_start()
        return
    try:
        with connect(start=False, timeout_s=_ANSWER_S, client="doctor", daemon="") as client:
            status = client.status()
    except ProtocolMismatchError as error:
        yield broken("daemon", error.message, f"{error.hint} {_STOP}".strip(), pid=holder)
        return
    except DaemonError as error:
        yield broken(
            *("daemon", f"Process {holder} runs but does not answer: {error.message}"),
            _STOP,
            pid=holder,
        )
        return
    yield from _about(status)


def _could_start() -> Finding:
    """Whether a daemon would start; asked of the daemon's own program, which binds its ports."""
    tried = ask([sys.executable, "-m", DAEMON_MODULE, "--check"], _CHECK_S)
    if tried.code in (0, ALREADY_RUNNING):
        return fine("daemon", "It is not running; it starts when it is needed.", running=False)
    return broken(
        *("daemon", f"It is not running and does not start: {tried.problem}"),
        "Put that right; the next command starts it. MUSISCENE_... variables are read anew then.",
        running=False,
    )


def endpoint() -> str:
    """Where it says it listens; empty where that is not known."""
    try:
        known = read_connection()
    except DaemonError:
        return ""
    return known.endpoint if known is not None else ""


def _about(status: DaemonStatus) -> Iterator[Finding]:
    text = (
        f"It answers at {endpoint()}: version {status.version}, {status.jobs_running} jobs at work,"
        f" {status.jobs_queued} waiting."
    )
    facts: dict[str, Fact] = {"running": True, "pid": status.pid, "version": status.version}
    if status.version == __version__:
        yield fine("daemon", text, **facts)
    else:
        yield note("daemon", f"{text} This command is {__version__}.", _STOP, **facts)
    for one in status.broken_engines:
        yield broken(
            *(f"engine {one.name}", f"It does not load: {one.reason.rstrip('.')}."),
            "Install it again, or take it away.",
        )
    for worker in status.workers:
        if worker.waits_for:
            yield note(f"worker {worker.name}", f"It waits: {worker.waits_for}")
        elif not worker.ready and not worker.starting:
            yield broken(
                f"worker {worker.name}",
                f"It does not start; its last words: {worker.last_words.strip() or 'none'}",
                f"`musiscene setup {worker.name} --repair` mends an environment of ours.",
            )


def _holder() -> int:
    """The process of the daemon that runs; 0 where none does."""
    lock = InstanceLock(lock_path())
    try:
        return (lock.holder() or -1) if lock.taken() else 0
    except OSError:
        return 0
