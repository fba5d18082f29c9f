"""The connection file: where the daemon listens, and the keys that open it.

The daemon writes it, readable by its owner alone; whoever can read it may speak to the daemon.
A file that stays behind after a crash is harmless: nobody answers at its endpoint.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

import msgspec

from musiscene_core.codec import read_json, to_json, write_atomically
from musiscene_core.errors import DaemonError, InputError, OutputError
from musiscene_core.paths import private_folder, runtime_folder

FILE_NAME = "connection.json"
LOCK_NAME = "musiscened.lock"
_OWNER_ONLY = 0o600
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


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
    """

    endpoint: str
    protocol: int
    pid: int
    version: str
    server_key: str
    client_public_key: str
    client_secret_key: str


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
        _refuse_foreign(path)
        return read_json(path, Connection)
    except (FileNotFoundError, NotADirectoryError, InputError):
        return None


def remove_connection(pid: int) -> None:
    """Take the file away, unless another daemon than `pid` has written its own meanwhile."""
    connection = read_connection()
    if connection is not None and connection.pid == pid:
        connection_path().unlink(missing_ok=True)


def _refuse_foreign(path: Path) -> None:
    """Another user's file would hand the caller's scenes to another user's daemon."""
    status = path.lstat()
    if os.name != "posix":
        return
    if status.st_uid != os.getuid() or status.st_mode & _OTHERS or not stat.S_ISREG(status.st_mode):
        raise DaemonError(
            f"{path} is not this user's alone, so it is not trusted.",
            hint="Delete it and run the command again.",
        )
