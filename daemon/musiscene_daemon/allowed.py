"""The list of paired machines: whose keys open the door to the network.

A file of its owner alone, read anew whenever it changes, so that a machine taken off it is out
at once. A file that is damaged, or that others could have written, lets nobody in.
"""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path

import msgspec

from musiscene_core.codec import read_json, to_json, write_atomically
from musiscene_core.errors import DaemonError, InputError, MusiSceneError, RequestError
from musiscene_core.protocol.connection import is_name, refuse_foreign
from musiscene_core.protocol.state import PairedClient

log = logging.getLogger(__name__)

FILE_NAME = "paired.json"
MAX_CLIENTS = 64
_MAX_BYTES = 64 << 10
_KEY_LENGTH = 40
_OWNER_ONLY = 0o600


class _Paired(msgspec.Struct, frozen=True):
    clients: tuple[PairedClient, ...] = ()


class AllowList:
    """The paired machines. Any thread may ask; this process alone writes the file."""

    def __init__(self, path: Path) -> None:
        """Keep the list in the file at `path`; none there means none paired."""
        self._path = path
        self._guard = threading.Lock()
        self._seen: tuple[int, ...] | None = ()
        self._clients: dict[str, PairedClient] = {}
        self._damage: DaemonError | None = None

    def name_of(self, key: str) -> str:
        """The machine with this public key (Z85); empty where it is not paired."""
        client = self._look().get(key)
        return client.name if client is not None else ""

    def clients(self) -> tuple[PairedClient, ...]:
        """The paired machines, in the order of pairing.

        Raises:
            DaemonError: the file cannot be used.
        """
        clients = self._look()
        if self._damage is not None:
            raise self._damage
        return tuple(clients.values())

    def add(self, client: PairedClient) -> None:
        """Let `client` in from now on; on the disk when this returns.

        Raises:
            RequestError: the name is taken or no name, or there are too many.
            DaemonError: the file cannot be used.
            OutputError: it cannot be written.
        """
        clients = self.clients()
        if not is_name(client.name):
            raise RequestError(
                "A machine's name has up to 64 letters, digits, dots, dashes and underscores."
            )
        if any(known.name == client.name for known in clients):
            raise RequestError(
                f"A machine called {client.name!r} is paired already.",
                hint="Give another with --name, or revoke that one on the daemon's machine.",
            )
        if len(clients) >= MAX_CLIENTS:
            raise RequestError(
                f"{MAX_CLIENTS} machines are paired already.",
                hint="Revoke some on the daemon's machine: musiscene pair --revoke NAME.",
            )
        self._write((*clients, client))

    def revoke(self, name: str) -> None:
        """Keep the machine called `name` out from now on; on the disk when this returns.

        Raises:
            RequestError: there is none.
            DaemonError: the file cannot be used.
            OutputError: it cannot be written.
        """
        clients = self.clients()
        kept = tuple(client for client in clients if client.name != name)
        if len(kept) == len(clients):
            raise RequestError(
                f"No machine called {name[:80]!r} is paired.",
                hint="`musiscene pair --list` lists them.",
            )
        self._write(kept)

    def _write(self, clients: tuple[PairedClient, ...]) -> None:
        write_atomically(self._path, to_json(_Paired(clients)), mode=_OWNER_ONLY)

    def _look(self) -> dict[str, PairedClient]:
        """The machines by key; reads the file if it is not the one read last."""
        with self._guard:
            seen = self._signature()
            if seen == self._seen:
                return self._clients
            self._seen, self._clients, self._damage = seen, {}, None
            if seen is None:
                return self._clients
            try:
                self._clients = self._read()
            except MusiSceneError:
                self._damage = DaemonError(
                    f"The list of paired machines is damaged, so none is let in: {self._path}.",
                    hint="Restore it, or delete it and pair the machines again.",
                )
                log.error("the list of paired machines cannot be used; none is let in")
            return self._clients

    def _signature(self) -> tuple[int, ...] | None:
        try:
            found = os.lstat(self._path)
        except OSError:
            return None
        return (
            *(found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns),
            *(found.st_mode, found.st_uid),
        )

    def _read(self) -> dict[str, PairedClient]:
        try:
            refuse_foreign(self._path)
            if self._path.stat().st_size > _MAX_BYTES:
                raise InputError("too large")
        except OSError as error:
            raise InputError("unreadable") from error
        clients = read_json(self._path, _Paired).clients
        for client in clients:
            if not is_name(client.name) or len(client.key) != _KEY_LENGTH:
                raise InputError("not a machine")
        by_key = {client.key: client for client in clients}
        if not len(by_key) == len({client.name for client in clients}) == len(clients):
            raise InputError("a name or a key twice")
        return by_key
