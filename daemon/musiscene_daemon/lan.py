"""The network side of the daemon: where it listens, who is paired, and the code that pairs.

Without an address nothing is bound; the list of paired machines can be read and shortened all the
same.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path

import zmq

from musiscene_core.errors import DaemonError
from musiscene_core.protocol.messages import (
    Done,
    ListPaired,
    OpenPairing,
    PairedList,
    PairingOpened,
    Reply,
    RevokePaired,
)
from musiscene_core.protocol.pairing import endpoint
from musiscene_daemon.allowed import FILE_NAME, AllowList
from musiscene_daemon.auth import LAN_DOMAIN, Gatekeeper
from musiscene_daemon.listening import ListenAddress, ServerKey, listen, server_key
from musiscene_daemon.pairing import CODE_S, Pairing

log = logging.getLogger(__name__)


class Lan:
    """What the local user asks about the network, and what comes from there to pair."""

    def __init__(self, folder: Path, address: ListenAddress | None) -> None:
        """Keep key and list in `folder`; listen at `address` once `open` is called."""
        self.allowed = AllowList(folder / FILE_NAME)
        self._folder = folder
        self._address = address
        self._key: ServerKey | None = None
        self._pairing: Pairing | None = None

    def open(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        router: zmq.Socket[bytes],
        poller: zmq.Poller,
        gatekeeper: Gatekeeper,
    ) -> None:
        """Let paired machines in to `router`, where there is an address.

        Raises:
            InputError: the address cannot be listened on.
            DaemonError: the key is damaged.
            OutputError: it cannot be written.
        """
        if self._address is None:
            return
        self._key = server_key(self._folder)
        self._pairing = Pairing(context, poller, gatekeeper, self.allowed)
        gatekeeper.open(LAN_DOMAIN, self._user)
        listen(router, self._address, self._key)
        log.info("listening on the network, port %d", self._address.port)
        if self._address.everywhere:
            log.warning("listening on every address of this machine")

    def answer(self, request: OpenPairing | ListPaired | RevokePaired) -> Reply:
        """The reply to `request`, which came from the local user.

        Raises:
            MusiSceneError: the daemon does not listen, or the list cannot be used.
        """
        match request:
            case OpenPairing():
                if self._address is None or self._key is None or self._pairing is None:
                    raise DaemonError(
                        "The daemon listens to this machine alone, so nothing can be paired.",
                        hint="Stop it, and start it with `musiscened --listen ADDRESS`.",
                    )
                code = self._pairing.open(self._address, self._key, time.monotonic())
                return PairingOpened(code=str(code), seconds=CODE_S)
            case ListPaired():
                where = endpoint(self._address.host, self._address.port) if self._address else ""
                return PairedList(clients=self.allowed.clients(), endpoint=where)
            case RevokePaired(name=name):
                self.allowed.revoke(name)
                log.info("a paired machine was revoked")
                return Done()

    def serve(self, ready: dict[object, int]) -> None:
        """Answer who has come to pair."""
        if self._pairing is not None:
            self._pairing.serve(ready, time.monotonic())

    def tick(self, now: float) -> float | None:
        """Do what is due; returns when to come back, None where nothing waits."""
        return self._pairing.tick(now) if self._pairing is not None else None

    def close(self) -> None:
        """Let nobody pair any more."""
        if self._pairing is not None:
            self._pairing.close()

    def _user(self, key: str) -> str:
        # The key itself: a name may be given to another machine once this one is revoked.
        return key if self.allowed.name_of(key) else ""
