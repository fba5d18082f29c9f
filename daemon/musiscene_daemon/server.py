"""The socket loop: one thread that listens to clients, the worker and the clock.

It never works and never waits for anyone: jobs run in the worker, replies and events go out
without blocking or not at all. What changes the job table is answered after the commit.
"""

from __future__ import annotations

import logging
import os
import socket as sockets
import sqlite3
import time
from contextlib import ExitStack
from types import TracebackType

import zmq

from musiscene_core import __version__
from musiscene_core.errors import DaemonError, OutputError
from musiscene_core.library import Catalogue
from musiscene_core.protocol.channel import (
    HANDSHAKE_TIMEOUT_MS,
    HEARTBEAT_INTERVAL_MS,
    HEARTBEAT_TIMEOUT_MS,
)
from musiscene_core.protocol.connection import (
    Connection,
    make_runtime_folder,
    remove_connection,
    write_connection,
)
from musiscene_core.protocol.lock import InstanceLock
from musiscene_core.protocol.messages import PROTOCOL_VERSION, Failure, JobEvent, Pong, Reply
from musiscene_core.protocol.wire import MAX_FRAME_BYTES, frames
from musiscene_daemon.auth import LOCAL_USER, Gatekeeper, guard
from musiscene_daemon.dispatch import Dispatcher, Peer
from musiscene_daemon.events import EventHub
from musiscene_daemon.jobs import Jobs
from musiscene_daemon.keeper import Keeper
from musiscene_daemon.metrics import Counters
from musiscene_daemon.settings import Settings
from musiscene_daemon.store import FILE_NAME, Store, explained
from musiscene_daemon.supervisor import Supervisor
from musiscene_daemon.takes import TakeLibrary

log = logging.getLogger(__name__)

ENDPOINT = "tcp://127.0.0.1:*"
LOCK_NAME = "jobs.lock"
"""In the data folder: two login sessions may see two runtime folders, but one data folder."""

_BATCH_MESSAGES = 64
_BATCH_BYTES = MAX_FRAME_BYTES
_LONGEST_WAIT_S = 30.0
_FAREWELL_MS = 200


class Server:
    """The daemon's one event loop, with everything it owns. Use it in a `with`."""

    def __init__(self, settings: Settings) -> None:
        """Open the job table and the library, resume, listen, and tell clients where.

        Raises:
            OutputError: a folder or the job table cannot be used.
        """
        self._settings = settings
        self._leaving = False
        self._closing = ExitStack()
        with self._closing:
            self._open()
            self._closing = self._closing.pop_all()

    def _open(self) -> None:
        closing, settings = self._closing, self._settings
        library = TakeLibrary(settings.data_folder)
        guard_data = InstanceLock(settings.data_folder / LOCK_NAME)
        closing.callback(guard_data.release)
        if not _taken(guard_data):
            raise DaemonError(
                f"Another daemon (process {guard_data.holder()}) uses the data folder.",
                hint="Stop it, then run the command again.",
            )
        self._store = Store(settings.data_folder / FILE_NAME)
        closing.callback(self._store.close)
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        closing.callback(self._context.term)
        self._worker = Supervisor(
            self._context, make_runtime_folder(), settings.engines_from, settings.limits
        )
        closing.callback(self._worker.stop)
        self._jobs = Jobs(self._store, library, self._worker, settings)
        try:
            self._jobs.resume()
        except sqlite3.Error as error:
            raise explained(error) from error
        closing.callback(self._jobs.stop)
        keeper = Keeper(library, Catalogue(library.root), settings)
        keeper.start()
        closing.callback(keeper.stop)
        self._counters = Counters()
        self._hub = EventHub(self._send_event)
        self._dispatcher = Dispatcher(
            self._jobs, self._hub, self._worker, library, self._counters, leave=self.leave
        )
        self._wake, self._waker = sockets.socketpair()
        for end in (self._wake, self._waker):
            end.setblocking(False)
            closing.callback(end.close)
        self._listen()

    def _listen(self) -> None:
        server_public, server_secret = zmq.curve_keypair()
        client_public, client_secret = zmq.curve_keypair()
        self._gatekeeper = Gatekeeper(self._context, {client_public: LOCAL_USER})
        self._closing.callback(self._gatekeeper.close)
        router = self._router = self._context.socket(zmq.ROUTER)
        self._closing.callback(router.close, _FAREWELL_MS)
        router.linger = 0
        router.router_mandatory = True
        router.maxmsgsize = MAX_FRAME_BYTES
        router.handshake_ivl = HANDSHAKE_TIMEOUT_MS
        router.heartbeat_ivl = HEARTBEAT_INTERVAL_MS
        router.heartbeat_timeout = HEARTBEAT_TIMEOUT_MS
        guard(router, server_secret)
        router.bind(ENDPOINT)
        self._poller = zmq.Poller()
        for source in (router, self._gatekeeper.socket, self._worker.inbox, self._wake):
            self._poller.register(source, zmq.POLLIN)
        self._closing.callback(remove_connection, os.getpid())
        write_connection(
            Connection(
                endpoint=router.getsockopt_string(zmq.LAST_ENDPOINT),
                protocol=PROTOCOL_VERSION,
                pid=os.getpid(),
                version=__version__,
                server_key=server_public.decode(),
                client_public_key=client_public.decode(),
                client_secret_key=client_secret.decode(),
            )
        )

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave nothing behind: no connection file, no worker, no job half done."""
        self._closing.close()

    @property
    def waker(self) -> int:
        """A file descriptor: a byte written to it wakes the loop. For signal handlers."""
        return self._waker.fileno()

    def leave(self) -> None:
        """End the loop soon. Safe in a signal handler."""
        self._leaving = True

    def run(self) -> None:
        """Serve until told to leave, or until nobody has wanted anything for long enough."""
        wanted_at = time.monotonic()
        log.info("listening, protocol %d, version %s", PROTOCOL_VERSION, __version__)
        while not self._leaving:
            now = time.monotonic()
            if self._jobs.at_work:
                wanted_at = now
            due = self._jobs.tick(now)
            self._tell_changes()
            idle_at = wanted_at + self._settings.idle_s
            if now >= idle_at:
                if self._jobs.idle:
                    log.info("idle for %g s, leaving", self._settings.idle_s)
                    return
                idle_at = now + _LONGEST_WAIT_S
            ready = self._poll(min(idle_at, due or idle_at, now + _LONGEST_WAIT_S) - now)
            if self._gatekeeper.socket in ready:
                self._gatekeeper.answer()
                self._counters.refused = self._gatekeeper.refused
            if self._worker.inbox in ready:
                heard_at = time.monotonic()
                for report in self._worker.reports(heard_at):
                    self._jobs.hear(report, heard_at)
            if self._router in ready:
                wanted_at = time.monotonic()
                self._serve()
            if self._wake.fileno() in ready:
                self._wake.recv(4096)

    def _poll(self, wait_s: float) -> dict[object, int]:
        return dict(self._poller.poll(max(0, int(wait_s * 1000) + 1)))

    def _serve(self) -> None:
        """Answer the requests that wait, in one commit."""
        replies: list[tuple[Peer, int, Reply, bool]] = []
        try:
            with self._store.batch():
                for peer, parts in self._waiting():
                    before = self._store.writes
                    number, reply = self._dispatcher.answer(peer, parts)
                    if isinstance(reply, Pong):
                        # Says nothing of the job table, so it need not wait for the commit.
                        self._reply(peer, number, reply)
                    else:
                        replies.append((peer, number, reply, self._store.writes != before))
        except sqlite3.Error as error:
            log.error("a batch could not be committed: %s", type(error).__name__)
            said = explained(error)
            failure = Failure(code=said.code, message=said.message, hint=said.hint)
            replies = [
                (peer, number, failure if wrote else reply, wrote)
                for peer, number, reply, wrote in replies
            ]
        for peer, number, reply, _ in replies:
            self._reply(peer, number, reply)

    def _reply(self, peer: Peer, number: int, reply: Reply) -> None:
        if self._send(peer.routing_id, frames(reply, request=number)) is None:
            self._counters.lost_replies += 1

    def _waiting(self) -> list[tuple[Peer, list[bytes]]]:
        found: list[tuple[Peer, list[bytes]]] = []
        size = 0
        while len(found) < _BATCH_MESSAGES and size < _BATCH_BYTES:
            try:
                routing_id, *parts = self._router.recv_multipart(zmq.DONTWAIT, copy=False)
            except zmq.Again:
                break
            # Names the key that was let in, which a routing id would not.
            user = str(parts[-1].get("User-Id")) if parts else ""
            body = [part.bytes for part in parts]
            size += sum(map(len, body))
            found.append((Peer(routing_id.bytes, user), body))
        return found

    def _tell_changes(self) -> None:
        for job in self._jobs.changes():
            self._hub.publish(job)

    def _send_event(self, routing_id: bytes, event: JobEvent) -> bool:
        sent = self._send(routing_id, frames(event, request=0))
        if sent is None:
            self._counters.lost_events += 1
        return sent is not False

    def _send(self, routing_id: bytes, parts: list[bytes]) -> bool | None:
        """Send without waiting; False where the client is gone, None where it does not read."""
        try:
            self._router.send_multipart([routing_id, *parts], zmq.DONTWAIT)
        except zmq.Again:
            log.debug("a slow client lost a message")
            return None
        except zmq.ZMQError:
            return False
        return True


def _taken(lock: InstanceLock) -> bool:
    try:
        return lock.acquire()
    except OSError as error:
        raise OutputError.from_os(error, LOCK_NAME) from error
