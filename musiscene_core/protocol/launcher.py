"""Finding the daemon, starting it where there is none, and stopping it whatever it speaks.

The lock decides which of two daemons started at once stays, so starting one too many does no
harm. Knows nothing of the daemon's inside: it starts the module by name.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import IO

from packaging.version import InvalidVersion, Version

from musiscene_core import __version__
from musiscene_core.errors import DaemonError, OutputError, from_code
from musiscene_core.instance_lock import InstanceLock
from musiscene_core.protocol.channel import (
    Channel,
    ConnectionLostError,
    NoAnswerError,
    silent_daemon,
)
from musiscene_core.protocol.client import Client
from musiscene_core.protocol.connection import (
    DAEMON_VARIABLE,
    Connection,
    lock_path,
    make_runtime_folder,
    read_connection,
    read_paired,
    remove_untrusted,
    untrusted,
)
from musiscene_core.protocol.messages import (
    DaemonStatus,
    Failure,
    GetStatus,
    Hello,
    Malformed,
    Welcome,
)

ALREADY_RUNNING = 3
"""Exit code of a daemon that found another one running."""

DAEMON_MODULE = "musiscene_daemon"
TIMEOUT_S = 10.0
_POLL_S = 0.01
_VISIT_S = 3.0
_VISIT_POLL_S = 0.2
_TERMINATE_S = 3.0
_KEPT_ERROR_BYTES = 4096


def connect(
    *,
    start: bool = True,
    timeout_s: float = TIMEOUT_S,
    client: str = "musiscene",
    daemon_args: Sequence[str] = (),
    daemon: str | None = None,
) -> Client:
    """Reach the daemon; one that an upgrade left behind makes way once it has nothing to do.

    Args:
        start: start one where none runs.
        timeout_s: how long the daemon may take to start, and to answer each request.
        client: what to call ourselves.
        daemon_args: command line options for a daemon started here.
        daemon: the name of a paired daemon on another machine, which is never started from here;
            empty for this machine's own; None for the one that MUSISCENE_DAEMON names.

    Raises:
        DaemonError: none runs and `start` is false, it does not start, or does not answer.
        InputError: there is no such paired daemon.
        ProtocolMismatchError: the running daemon speaks another version.
    """
    name = os.environ.get(DAEMON_VARIABLE, "") if daemon is None else daemon

    def reopen() -> Channel:
        if name:
            return _Visit(client, timeout_s, name).run()
        return _Search(client, timeout_s, daemon_args if start else None).run()

    return Client(reopen(), reopen, timeout_s=timeout_s)


def stop(*, timeout_s: float = TIMEOUT_S) -> bool:
    """Make this machine's daemon leave: politely, or by force if it is too old, too new or frozen.

    Returns:
        Whether one was running.

    Raises:
        DaemonError: it does not leave.
    """
    if not _running():
        _clear_untrusted()
        return False
    try:
        with connect(start=False, timeout_s=timeout_s, daemon="") as daemon:
            daemon.shutdown()
    except DaemonError:
        _terminate(InstanceLock(lock_path()).holder())
    deadline = time.monotonic() + timeout_s
    while _running():
        if time.monotonic() > deadline:
            raise DaemonError(
                "The daemon does not leave.",
                hint=f"End its process ({InstanceLock(lock_path()).holder()}) by hand.",
            )
        time.sleep(_POLL_S)
    _clear_untrusted()
    return True


def _greet(connection: Connection, name: str, timeout_s: float) -> Channel | None:
    """A channel on which the daemon greeted `name`; None where nobody answers."""
    try:
        channel = Channel(connection)
    except ConnectionLostError:
        return None
    try:
        reply = channel.ask(Hello(client=name, version=__version__), timeout_s)
    except (ConnectionLostError, NoAnswerError):
        channel.close()
        return None
    except BaseException:
        channel.close()
        raise
    if isinstance(reply, Welcome):
        return channel
    channel.close()
    if isinstance(reply, Failure):
        raise from_code(reply.code, reply.message, reply.hint)
    reason = reply.reason if isinstance(reply, Malformed) else type(reply).__name__
    raise DaemonError(f"The daemon does not return the greeting: {reason}.")


class _Visit:
    """One attempt to reach a paired daemon on another machine, which may just be restarting."""

    def __init__(self, name: str, timeout_s: float, daemon: str) -> None:
        self._name = name
        self._timeout_s = timeout_s
        self._daemon = daemon

    def run(self) -> Channel:
        connection = read_paired(self._daemon)
        deadline = time.monotonic() + min(self._timeout_s, _VISIT_S)
        while True:
            channel = _greet(connection, self._name, self._timeout_s / 2)
            if channel is not None:
                return channel
            if time.monotonic() > deadline:
                raise DaemonError(
                    f"The daemon {self._daemon!r} ({connection.endpoint}) cannot be reached, or "
                    "no longer knows this machine.",
                    hint="See that it runs there with --listen, and that `musiscene pair --list` "
                    "there names this machine; else pair it again.",
                )
            time.sleep(_VISIT_POLL_S)


class _Search:
    """One attempt to reach this machine's daemon, until it answers or time is up."""

    def __init__(self, name: str, timeout_s: float, start_args: Sequence[str] | None) -> None:
        self._name = name
        self._timeout_s = timeout_s
        self._start_args = start_args
        self._deadline = time.monotonic() + timeout_s

    def run(self) -> Channel:
        started: _Starting | None = None
        replaced = False
        if self._start_args is not None:
            _clear_untrusted()
        try:
            while True:
                channel = self._greet()
                if channel is not None:
                    # Once: a daemon that comes back as old as it was is somebody's wish.
                    if self._start_args is None or replaced or not self._made_way(channel):
                        return channel
                    replaced = True
                if self._start_args is None:
                    if not _running():
                        raise DaemonError(
                            "The daemon is not running.",
                            hint="Start it with `musiscene daemon start`.",
                        )
                elif started is None:
                    started = _Starting(self._start_args)
                elif started.left():
                    started = None
                if time.monotonic() > self._deadline:
                    raise self._too_late()
                time.sleep(_POLL_S)
        finally:
            if started is not None:
                started.detach()

    def _greet(self) -> Channel | None:
        connection = read_connection()
        # Half the time at most, so that a stale file leaves time to start a daemon.
        if connection is None:
            return None
        return _greet(connection, self._name, self._timeout_s / 2)

    def _made_way(self, channel: Channel) -> bool:
        """Whether the daemon of an older MusiScene has left, since it had nothing to do.

        One that was told to stay, as a service or for other machines, is its owner's to end.
        """
        connection = channel.connection
        if connection.stays or not _older(connection.version):
            return False
        try:
            status = channel.ask(GetStatus(), self._timeout_s / 2)
            if not isinstance(status, DaemonStatus) or status.jobs_running or status.jobs_queued:
                return False
            channel.close()
            return stop(timeout_s=self._timeout_s / 2)
        except NoAnswerError:
            return False
        except ConnectionLostError:
            channel.close()
            return True

    def _too_late(self) -> DaemonError:
        if _running():
            return silent_daemon(InstanceLock(lock_path()).holder(), self._timeout_s)
        return DaemonError(
            f"The daemon has not started within {self._timeout_s:g} s.",
            hint="The machine may be busy; try again.",
        )


class _Starting:
    """A daemon process of its own session, whose last words are kept until it greets."""

    def __init__(self, args: Sequence[str]) -> None:
        try:
            # A folder of ours: the user's could hold a file that hides a module.
            folder = make_runtime_folder()
        except OutputError as error:
            raise DaemonError(
                f"The daemon cannot be started: {error.message}",
                hint="Mend that, or put MusiScene's files elsewhere with MUSISCENE_HOME.",
            ) from error
        self._words: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by detach
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", DAEMON_MODULE, *args],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._words,
                creationflags=_creation_flags(),
                start_new_session=True,
            )
        except OSError as error:
            self._words.close()
            raise DaemonError(f"The daemon cannot be started: {error.strerror}.") from error

    def left(self) -> bool:
        """Whether it has ended because another one runs.

        Raises:
            DaemonError: it ended for another reason.
        """
        code = self._process.poll()
        if code is None:
            return False
        self._words.seek(0)
        said = self._words.read()[-_KEPT_ERROR_BYTES:].decode(errors="replace").strip()
        self._words.close()
        if code in (0, ALREADY_RUNNING):
            return True
        raise DaemonError(
            f"The daemon does not start: {said.splitlines()[-1] if said else f'exit code {code}'}"
        )

    def detach(self) -> None:
        """Let it live on, without a zombie should it end before us."""
        self._words.close()
        if self._process.poll() is None:
            threading.Thread(target=self._process.wait, daemon=True, name="reaper").start()


def _creation_flags() -> int:
    if sys.platform == "win32":
        return subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
    return 0


def _older(version: str) -> bool:
    """Whether a daemon of that version came before this MusiScene."""
    try:
        return Version(version) < Version(__version__)
    except InvalidVersion:
        return False


def _running() -> bool:
    """Whether a daemon holds the lock."""
    return InstanceLock(lock_path()).taken()


def _clear_untrusted() -> None:
    """Where no daemon runs, take away a connection file that others could have read or written."""
    lock = InstanceLock(lock_path())
    # What cannot be opened is said when a daemon is started.
    with suppress(OSError):
        if untrusted() and lock.acquire():
            try:
                remove_untrusted()
            finally:
                lock.release()


def _terminate(pid: int) -> None:
    """End process `pid`, which holds the lock; by force where asking does not help."""
    if pid <= 0:
        return
    with suppress(OSError):
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + _TERMINATE_S
        while _running():
            if time.monotonic() > deadline:
                os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))
                return
            time.sleep(_POLL_S)
