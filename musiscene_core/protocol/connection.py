"""Connection files: where a daemon listens, and the keys that open it.

The daemon of this machine writes its own, readable by its owner alone; whoever can read it may
speak to the daemon. A file that stays behind after a crash is harmless: nobody answers at its
endpoint, and one that others could read then is taken away before the next daemon starts. Daemons
of other machines, once paired, have a file each, by name.
"""

from __future__ import annotations

import os
import re
import stat
from contextlib import suppress
from pathlib import Path

import msgspec

from musiscene_core.codec import read_json, to_json, write_atomically
from musiscene_core.errors import DaemonError, InputError, MusiSceneError, OutputError
from musiscene_core.paths import data_folder, private_folder, runtime_folder

FILE_NAME = "connection.json"
LOCK_NAME = "musiscened.lock"
DAEMON_VARIABLE = "MUSISCENE_DAEMON"
"""Names the paired daemon to use instead of this machine's own."""
_OWNER_ONLY = 0o600
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_NAME_HINT = "A name has up to 64 letters, digits, dots, dashes and underscores."
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
NEW_KEYS = "Run `musiscene daemon stop`, then the command again: new keys are made."
PAIR_AGAIN = "Delete it and pair the machines again: others may know what is in it."


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """How to reach a daemon.

    Attributes:
        endpoint: for example "tcp://127.0.0.1:40001".
        protocol: its PROTOCOL_VERSION.
        pid: its process.
        version: of the package it runs.
        server_key: the daemon's public CURVE key, Z85.
        client_public_key: the key the daemon lets in, Z85.
        client_secret_key: its secret half, Z85.
        stays: whether it stays while idle, as a service and where other machines come in.
    """

    endpoint: str
    protocol: int
    pid: int
    version: str
    server_key: str
    client_public_key: str
    client_secret_key: str
    stays: bool = False


def is_name(text: str) -> bool:
    """Whether `text` can name a machine or its daemon; such a name is safe as a file name."""
    return _NAME.fullmatch(text) is not None


def connection_path() -> Path:
    """Where the connection file lies."""
    return runtime_folder() / FILE_NAME


def lock_path() -> Path:
    """The file whose lock the one daemon holds."""
    return runtime_folder() / LOCK_NAME


def make_runtime_folder() -> Path:
    """The runtime folder, made and closed to everyone else.

    Raises:
        OutputError: it cannot be made, or belongs to someone else.
    """
    folder = runtime_folder()
    try:
        return private_folder(folder)
    except OSError as error:
        raise OutputError.from_os(error, folder) from error


def write_connection(connection: Connection) -> None:
    """Publish `connection` atomically, readable by its owner alone.

    Raises:
        OutputError: the runtime folder cannot be written.
    """
    make_runtime_folder()
    write_atomically(connection_path(), to_json(connection), mode=_OWNER_ONLY)


def read_connection() -> Connection | None:
    """The connection file's content; None where there is none, or none that can be understood.

    Raises:
        DaemonError: someone else could have written it.
    """
    path = connection_path()
    try:
        refuse_foreign(path, NEW_KEYS)
        return read_json(path, Connection)
    except (FileNotFoundError, NotADirectoryError, InputError):
        return None


def remove_connection(pid: int) -> None:
    """Take the file away, unless another daemon than `pid` has written its own meanwhile."""
    try:
        connection = read_connection()
    except DaemonError:
        remove_untrusted()
        return
    if connection is not None and connection.pid == pid:
        connection_path().unlink(missing_ok=True)


def untrusted() -> bool:
    """Whether there is a file that others could have read or written."""
    try:
        refuse_foreign(connection_path())
    except DaemonError:
        return True
    except OSError:
        return False
    return False


def remove_untrusted() -> None:
    """Take away a file that is not trusted; for who holds the lock, so that no daemon has it."""
    if untrusted():
        # Another's file in a folder that is not ours stays; reading it says so.
        with suppress(OSError):
            connection_path().unlink()


def read_paired(name: str) -> Connection:
    """How to reach the paired daemon called `name`.

    Raises:
        InputError: there is none, or its file is damaged.
        DaemonError: someone else could have written it.
    """
    path = _paired_path(name)
    try:
        refuse_foreign(path, PAIR_AGAIN)
    except OSError as error:
        raise InputError(
            f"No daemon called {name!r} is paired with this machine.",
            hint="Run `musiscene pair` on its machine, and `musiscene pair CODE` here.",
        ) from error
    return read_json(path, Connection)


def write_paired(name: str, connection: Connection) -> str:
    """Keep how to reach a paired daemon, readable by its owner alone; returns its name here.

    That is `name`, or `name-2` and so on where another daemon has it.

    Raises:
        OutputError: it cannot be written.
    """
    number, chosen = 1, name
    while _other_daemon(chosen, connection):
        number += 1
        chosen = f"{name}-{number}"
    path = _paired_path(chosen)
    try:
        private_folder(path.parent)
    except OSError as error:
        raise OutputError.from_os(error, path) from error
    write_atomically(path, to_json(connection), mode=_OWNER_ONLY)
    return chosen


def _other_daemon(name: str, connection: Connection) -> bool:
    if not _paired_path(name).exists():
        return False
    try:
        return read_paired(name).server_key != connection.server_key
    except MusiSceneError:
        return True


def _paired_path(name: str) -> Path:
    if not is_name(name):
        raise InputError(f"{name[:80]!r} is no daemon's name.", hint=_NAME_HINT)
    return data_folder() / "daemons" / f"{name}.json"


def refuse_foreign(path: Path, hint: str = PAIR_AGAIN) -> None:
    """Refuse a file that another user could have written, or can read.

    Args:
        path: of the file.
        hint: what to do where it is refused.

    Raises:
        DaemonError: it is such a file.
        OSError: it is not there.
    """
    status = path.lstat()
    if os.name != "posix":
        return
    if status.st_uid != os.getuid() or status.st_mode & _OTHERS or not stat.S_ISREG(status.st_mode):
        raise DaemonError(
            f"{path} is not this user's alone, so it is not trusted.",
            hint=hint,
        )
