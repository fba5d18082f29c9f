"""The socket loop: one thread that listens to clients, the workers and the clock.

It never works and never waits for anyone: jobs run in the workers, the disk has a thread of its
own, replies and events go out without blocking or not at all.
"""

from __future__ import annotations

import logging
import math
import os
import socket as sockets
import sqlite3
import time
from contextlib import ExitStack
from types import TracebackType

import zmq

from musiscene_core import __version__
from musiscene_core.errors import DaemonError, OutputError
from musiscene_core.instance_lock import InstanceLock
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
from musiscene_core.protocol.messages import PROTOCOL_VERSION, JobEvent, Reply
from musiscene_core.protocol.wire import MAX_FRAME_BYTES, frames
from musiscene_daemon.auth import LOCAL_USER, Gatekeeper, guard
from musiscene_daemon.crew import Crew
from musiscene_daemon.disk import Disk
from musiscene_daemon.dispatch import Dispatcher, Peer
from musiscene_daemon.environments import find
from musiscene_daemon.events import EventHub
from musiscene_daemon.intake import Intake
from musiscene_daemon.jobs import Jobs
from musiscene_daemon.keeper import Keeper
from musiscene_daemon.lan import Lan
from musiscene_daemon.metrics import Counters
from musiscene_daemon.rights import Rights
from musiscene_daemon.roots import Roots
from musiscene_daemon.settings import Settings
from musiscene_daemon.store import FILE_NAME, Store, explained
from musiscene_daemon.takes import TakeLibrary

log = logging.getLogger(__name__)

ENDPOINT = "tcp://127.0.0.1:*"
LOCK_NAME = "jobs.lock"
"""In the data folder: two login sessions may see two runtime folders, but one data folder."""

_UNREAD_BYTES = 256 << 10
_TOLD_AT_ONCE = 16
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
        environments, unusable = find(settings.data_folder)
        self._crew = Crew(
            *(self._context, make_runtime_folder(), settings.engines_from, settings.limits),
            own_workers=settings.workers,
            environments=environments,
            unusable=unusable,
        )
        closing.callback(self._crew.stop)
        self._jobs = Jobs(self._store, library, self._crew, settings)
        try:
            self._jobs.resume()
        except sqlite3.Error as error:
            raise explained(error) from error
        closing.callback(self._jobs.stop)
        self._wake, self._waker = sockets.socketpair()
        for end in (self._wake, self._waker):
            end.setblocking(False)
            closing.callback(end.close)
        self._disk = Disk(self._awaken)
        closing.callback(self._disk.stop)
        keeper = Keeper(library, Catalogue(library.root), settings)
        keeper.start()
        closing.callback(keeper.stop)
        self._counters = Counters()
        self._hub = EventHub(self._send_event)
        self._lan = Lan(settings.data_folder, settings.listen)
        rights = Rights(self._lan.allowed.name_of, Roots(settings.roots))
        self._dispatcher = Dispatcher(
            *(self._jobs, self._hub, self._crew, library, self._counters, rights, self._lan),
            leave=self.leave,
        )
        self._listen()
        self._intake = Intake(
            *(self._router, self._dispatcher, self._jobs, self._store, self._disk),
            send=self._reply,
        )

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
        # Else the system lets a client that does not read hold megabytes of its own.
        router.sndbuf = _UNREAD_BYTES
        router.handshake_ivl = HANDSHAKE_TIMEOUT_MS
        router.heartbeat_ivl = HEARTBEAT_INTERVAL_MS
        router.heartbeat_timeout = HEARTBEAT_TIMEOUT_MS
        guard(router, server_secret)
        router.bind(ENDPOINT)
        local = router.getsockopt_string(zmq.LAST_ENDPOINT)
        self._poller = zmq.Poller()
        for source in (router, self._gatekeeper.socket, self._crew.inbox, self._wake):
            self._poller.register(source, zmq.POLLIN)
        self._closing.callback(self._lan.close)
        self._lan.open(self._context, router, self._poller, self._gatekeeper)
        self._closing.callback(remove_connection, os.getpid())
        write_connection(
            Connection(
                endpoint=local,
                protocol=PROTOCOL_VERSION,
                pid=os.getpid(),
                version=__version__,
                server_key=server_public.decode(),
                client_public_key=client_public.decode(),
                client_secret_key=client_secret.decode(),
                stays=math.isinf(self._settings.idle_s),
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
            if self._jobs.at_work or self._disk.busy:
                wanted_at = now
            due = self._jobs.watch(now)
            if not self._disk.busy:
                self._tell_changes()
                self._intake.work(now)
            pairing_due = self._lan.tick(now)
            idle_at = wanted_at + self._settings.idle_s
            if now >= idle_at:
                if not self._disk.busy and self._jobs.idle:
                    log.info("idle for %g s, leaving", self._settings.idle_s)
                    return
                idle_at = now + _LONGEST_WAIT_S
            due_at = min(idle_at, due or idle_at, pairing_due or idle_at, now + _LONGEST_WAIT_S)
            ready = self._poll(due_at - now)
            if self._gatekeeper.socket in ready:
                self._gatekeeper.answer()
                self._counters.refused = self._gatekeeper.refused
            if self._crew.inbox in ready:
                heard_at = time.monotonic()
                for environment, report in self._crew.reports(heard_at):
                    self._jobs.hear(environment, report, heard_at)
            if self._router in ready:
                wanted_at = time.monotonic()
                self._intake.read()
            self._lan.serve(ready)
            if self._wake.fileno() in ready:
                self._wake.recv(4096)
            self._disk.finish()
        self._disk.finish(wait=True)

    def _poll(self, wait_s: float) -> dict[object, int]:
        # What no room is left for waits in the socket.
        self._poller.modify(self._router, zmq.POLLIN if self._intake.room else 0)
        more = not self._disk.busy and (self._intake.waiting or self._jobs.changed)
        wait_ms = 0 if more or self._leaving else max(0, int(wait_s * 1000) + 1)
        return dict(self._poller.poll(wait_ms))

    def _awaken(self) -> None:
        try:
            self._waker.send(b"\0")
        except BlockingIOError:
            log.debug("the loop is being woken already")

    def _reply(self, peer: Peer, number: int, reply: Reply) -> None:
        if self._send(peer.routing_id, frames(reply, request=number)) is None:
            self._counters.lost_replies += 1

    def _tell_changes(self) -> None:
        if not self._hub.count:
            self._jobs.forget_changes()
        for job in self._jobs.changes(_TOLD_AT_ONCE):
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
