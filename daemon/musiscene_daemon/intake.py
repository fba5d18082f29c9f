"""Requests, from the socket to their replies: answered at once, or in batches of one commit each.

What touches neither the job table nor the disk is answered the moment it is read. The rest waits
in order while the disk is at work, and becomes the next batch: the busier the disk, the larger
the batch. Replies of a batch leave after its commit, and nobody hears of a state that is not on
the disk. Knows no request's meaning.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import NamedTuple

import zmq

from musiscene_core.protocol.messages import Failure, Reply, Request
from musiscene_core.protocol.wire import MAX_FRAME_BYTES
from musiscene_daemon.disk import Disk
from musiscene_daemon.dispatch import AT_ONCE, UNHURRIED, Dispatcher, Peer
from musiscene_daemon.jobs import Jobs
from musiscene_daemon.store import Store, explained

log = logging.getLogger(__name__)

_BATCH_MESSAGES = 64
_BATCH_BYTES = MAX_FRAME_BYTES
_READ_AT_ONCE = 64
"""Reading is cheap beside answering, and the socket takes clients in turn: a ping may come last."""

_MAX_WAITING = 1024
_MAX_WAITING_BYTES = 4 * MAX_FRAME_BYTES
_SMALL_BYTES = 4096
"""Larger messages are decoded when their turn comes: it takes time, and no ping is among them."""


class _Waiting(NamedTuple):
    """A request that waits; decoded where it is small."""

    peer: Peer
    parts: list[bytes]
    number: int = 0
    request: Request | None = None

    @property
    def size(self) -> int:
        return sum(map(len, self.parts))


class _Answered(NamedTuple):
    """A request with its reply, which must not leave before the commit."""

    asked: _Waiting
    number: int
    reply: Reply
    wrote: bool


class Intake:
    """The requests between socket and disk. For the socket's thread."""

    def __init__(
        self,
        router: zmq.Socket[bytes],
        dispatcher: Dispatcher,
        jobs: Jobs,
        store: Store,
        disk: Disk,
        *,
        send: Callable[[Peer, int, Reply], None],
    ) -> None:
        """Read from `router`; `send` sends a reply to the peer's request of that number."""
        self._router = router
        self._dispatcher = dispatcher
        self._jobs = jobs
        self._store = store
        self._disk = disk
        self._send = send
        self._waiting: deque[_Waiting] = deque()
        self._waiting_bytes = 0

    @property
    def waiting(self) -> bool:
        """Whether requests wait for the disk."""
        return bool(self._waiting)

    @property
    def room(self) -> bool:
        """Whether more may be read; where not, they wait in the socket."""
        return len(self._waiting) < _MAX_WAITING and self._waiting_bytes < _MAX_WAITING_BYTES

    def read(self) -> None:
        """Read what has arrived, some at a time, and answer what needs no disk."""
        for _ in range(_READ_AT_ONCE):
            if not self.room:
                return
            try:
                routing_id, *parts = self._router.recv_multipart(zmq.DONTWAIT, copy=False)
            except zmq.Again:
                return
            # Names the key that was let in, which a routing id would not.
            user = str(parts[-1].get("User-Id")) if parts else ""
            self._take(Peer(routing_id.bytes, user), [part.bytes for part in parts])

    def work(self, now: float) -> None:
        """Do what is due and answer what waits, in one commit. Only while the disk is free."""
        finished = self._jobs.finished(now)
        if finished is not None:
            self._disk.begin(partial(self._jobs.publish, finished), Future.result)
            return
        self._store.open_batch()
        self._jobs.advance(now)
        answered = self._answer_batch()
        if self._store.uncommitted:
            self._disk.begin(self._store.commit, partial(self._committed, answered))
            return
        self._store.commit()
        self._send_all(answered)
        if self._waiting and isinstance(self._waiting[0].request, UNHURRIED):
            self._work_on_disk(self._next())

    def _take(self, peer: Peer, parts: list[bytes]) -> None:
        asked = _Waiting(peer, parts)
        if sum(map(len, parts)) <= _SMALL_BYTES:
            number, request, refusal = self._dispatcher.read(parts)
            if request is None:
                self._send(peer, number, refusal)
                return
            if isinstance(request, AT_ONCE):
                self._send(peer, number, self._dispatcher.reply(peer, request))
                return
            self._dispatcher.foresee(peer, request)
            asked = _Waiting(peer, parts, number, request)
        self._waiting.append(asked)
        self._waiting_bytes += asked.size

    def _next(self) -> _Waiting:
        asked = self._waiting.popleft()
        self._waiting_bytes -= asked.size
        return asked

    def _answer_batch(self) -> list[_Answered]:
        answered: list[_Answered] = []
        size = 0
        while self._waiting and len(answered) < _BATCH_MESSAGES and size < _BATCH_BYTES:
            if isinstance(self._waiting[0].request, UNHURRIED):
                break
            asked = self._next()
            size += asked.size
            answered.append(self._answer(asked))
            # Whoever pings meanwhile does not wait for the batch.
            self.read()
        return answered

    def _answer(self, asked: _Waiting) -> _Answered:
        number, request = asked.number, asked.request
        before = self._store.writes
        if request is None:
            number, request, refusal = self._dispatcher.read(asked.parts)
            if request is None:
                return _Answered(asked, number, refusal, wrote=False)
        reply = self._dispatcher.reply(asked.peer, request)
        return _Answered(asked, number, reply, wrote=self._store.writes != before)

    def _work_on_disk(self, asked: _Waiting) -> None:
        """Answer a request on the disk's thread: it touches many files."""

        def then(done: Future[Reply]) -> None:
            self._send(asked.peer, asked.number, done.result())

        if asked.request is not None:
            self._disk.begin(partial(self._dispatcher.reply, asked.peer, asked.request), then)

    def _committed(self, answered: list[_Answered], done: Future[None]) -> None:
        error = done.exception()
        if error is not None and not isinstance(error, sqlite3.Error):
            raise error
        self._jobs.committed(time.monotonic(), error)
        if error is not None:
            log.error("a batch could not be committed: %s", type(error).__name__)
            answered = self._undone(answered, error)
        self._send_all(answered)

    def _send_all(self, answered: list[_Answered]) -> None:
        for one in answered:
            self._send(one.asked.peer, one.number, one.reply)
            # Whoever pings meanwhile does not wait for all of them.
            self.read()

    def _undone(self, answered: list[_Answered], error: sqlite3.Error) -> list[_Answered]:
        """What may be said after a batch that was not kept; the rest is asked once more."""
        said = explained(error)
        failure = Failure(code=said.code, message=said.message, hint=said.hint)
        first = next((at for at, one in enumerate(answered) if one.wrote), 0)
        kept = [one._replace(reply=failure) if one.wrote else one for one in answered]
        again = [one for one in kept[first:] if not isinstance(one.reply, Failure)]
        for one in reversed(again):
            self._waiting.appendleft(one.asked)
            self._waiting_bytes += one.asked.size
        return [one for one in kept if one not in again]
