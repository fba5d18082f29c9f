"""One request in, one reply out. Whatever a client sends, the answer is a message."""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from musiscene_core import __version__
from musiscene_core.errors import DaemonError, MusiSceneError, UnknownJobError
from musiscene_core.intended_use import intended_use
from musiscene_core.protocol.messages import (
    PROTOCOL_VERSION,
    Accepted,
    CancelJob,
    CancelJobs,
    DaemonStatus,
    DeleteTake,
    Done,
    Estimate,
    Estimated,
    Failure,
    GetJob,
    GetMetrics,
    GetModels,
    GetStatus,
    Header,
    Hello,
    JobList,
    JobReply,
    JobsCancelled,
    ListJobs,
    ListPaired,
    ListTakes,
    Malformed,
    MarkTake,
    Metrics,
    ModelList,
    OpenPairing,
    Ping,
    Pong,
    PurgeTakes,
    Reply,
    Request,
    RevokePaired,
    Shutdown,
    Subscribe,
    Subscribed,
    UnloadModel,
    Unsubscribe,
    Welcome,
)
from musiscene_core.protocol.submissions import (
    Submission,
    SubmitCaption,
    SubmitCompose,
    SubmitConform,
    SubmitListen,
    SubmitScore,
    SubmitSpot,
)
from musiscene_core.protocol.wire import MalformedFrameError, decode, read_header
from musiscene_daemon.crew import Crew
from musiscene_daemon.events import EventHub
from musiscene_daemon.jobs import Jobs
from musiscene_daemon.lan import Lan
from musiscene_daemon.logs import where
from musiscene_daemon.metrics import Counters, prometheus
from musiscene_daemon.rights import Rights
from musiscene_daemon.store import explained
from musiscene_daemon.take_desk import TakeDesk
from musiscene_daemon.takes import TakeLibrary
from musiscene_daemon.wishes import Work

log = logging.getLogger(__name__)


class Peer(NamedTuple):
    """Who asks.

    Attributes:
        routing_id: where replies go.
        user: who the socket's authorisation says it is.
    """

    routing_id: bytes
    user: str


class Read(NamedTuple):
    """A message that was read.

    Attributes:
        number: the client's, of the request.
        request: what it asks; None where it could not be read.
        refusal: why not.
    """

    number: int
    request: Request | None
    refusal: Reply = Malformed("")


AT_ONCE = Ping, Hello, GetModels, UnloadModel
"""Requests that touch neither the job table nor the disk."""

UNHURRIED = ListTakes, MarkTake, DeleteTake, PurgeTakes
"""Requests that touch many files; answered on the disk's thread."""


class Dispatcher:
    """Knows which part of the daemon answers what."""

    def __init__(
        self,
        jobs: Jobs,
        hub: EventHub,
        crew: Crew,
        library: TakeLibrary,
        counters: Counters,
        rights: Rights,
        lan: Lan,
        *,
        leave: Callable[[], None],
    ) -> None:
        """Answer from these parts; `leave` makes the daemon end after its reply."""
        self._jobs = jobs
        self._hub = hub
        self._crew = crew
        self._library = library
        self._desk = TakeDesk(library, jobs)
        self._counters = counters
        self._rights = rights
        self._lan = lan
        self._leave = leave
        self._began = time.monotonic()

    def read(self, parts: Sequence[bytes]) -> Read:
        """The request in a message. Never raises."""
        header = Header(PROTOCOL_VERSION)
        self._counters.requests += 1
        try:
            header = read_header(parts)
            if header.protocol != PROTOCOL_VERSION:
                return Read(header.request, None, _other_version(header.protocol))
            request: Request = decode(parts[1], Request)
        except MalformedFrameError as error:
            self._counters.malformed += 1
            return Read(header.request, None, Malformed(str(error)))
        except MusiSceneError as error:
            return Read(header.request, None, _failure(error))
        return Read(header.request, request)

    def foresee(self, peer: Peer, request: Request) -> None:
        """Do what may not wait until the job table can be written."""
        try:
            self._rights.check(peer.user, request)
        except MusiSceneError:
            return
        if isinstance(request, CancelJob):
            owner = self._rights.owner(peer.user)
            self._jobs.stop_soon(request.job_id, time.monotonic(), owner)
        elif isinstance(request, CancelJobs):
            self._jobs.stop_all_soon(
                request.scope, time.monotonic(), owner=peer.user, session=request.session
            )

    def reply(self, peer: Peer, request: Request) -> Reply:
        """The reply to a request. Never raises."""
        try:
            return self._act(peer, request)
        except MusiSceneError as error:
            return _failure(error)
        except sqlite3.Error as error:
            log.error("a %s could not be noted: %s", type(request).__name__, where(error))
            return _failure(explained(error))
        except Exception as error:
            # A mistake of ours in one request must not take the others along.
            log.error("a %s failed: %s", type(request).__name__, where(error))
            log.debug("in full", exc_info=error)
            return Failure(
                code=DaemonError.code,
                message=f"The daemon made a mistake ({type(error).__name__}).",
                hint="Please report it with its log, musiscened.log.",
            )

    def _act(self, peer: Peer, request: Request) -> Reply:
        self._rights.check(peer.user, request)
        mine = self._rights.owner(peer.user)
        match request:
            case Ping():
                return Pong()
            case Hello():
                return Welcome(version=__version__, protocol=PROTOCOL_VERSION, pid=os.getpid())
            case GetStatus():
                return self._status()
            case GetMetrics():
                return Metrics(
                    prometheus(
                        self._status(), self._counters, self._jobs.by_state(), self._hub.count
                    )
                )
            case GetModels():
                return ModelList(self._crew.models)
            case UnloadModel(model=model):
                self._crew.unload(model)
                return Done()
            case SubmitConform():
                return self._submit(peer, request, self._desk.conform(request))
            case SubmitSpot(timeline=work):
                return self._submit(peer, request, work)
            case SubmitScore() | SubmitCompose() | SubmitCaption() | SubmitListen():
                return self._submit(peer, request, request.request)
            case GetJob(job_id=job_id):
                return JobReply(self._jobs.info(job_id, mine))
            case ListJobs():
                return JobList(self._jobs.latest(mine))
            case CancelJob(job_id=job_id):
                return JobReply(self._jobs.cancel(job_id, time.monotonic(), mine))
            case CancelJobs(scope=scope, session=session):
                now = time.monotonic()
                count = self._jobs.cancel_all(scope, now, owner=peer.user, session=session)
                return JobsCancelled(count)
            case Estimate(kind=kind, engine=engine, length_s=length_s, takes=takes):
                return Estimated(self._jobs.estimate(kind, engine, length_s, takes))
            case Subscribe(job_id=job_id):
                return self._subscribe(peer, job_id)
            case Unsubscribe(job_id=job_id):
                self._hub.unsubscribe(peer.routing_id, job_id)
                return Done()
            case ListTakes() | MarkTake() | DeleteTake() | PurgeTakes():
                return self._desk.answer(request)
            case OpenPairing() | ListPaired() | RevokePaired():
                return self._lan.answer(request)
            case Shutdown():
                self._leave()
                return Done()

    def _submit(self, peer: Peer, message: Submission, work: Work) -> Reply:
        job_id, new = self._jobs.submit(
            work,
            owner=peer.user,
            key=message.key,
            session=message.session,
            priority=message.priority,
        )
        return Accepted(job_id=job_id, new=new)

    def _subscribe(self, peer: Peer, job_id: str) -> Reply:
        mine = self._rights.owner(peer.user)
        jobs = (self._jobs.info(job_id, mine),) if job_id else self._jobs.latest(mine)
        hears = None if mine is None else partial(self._hears, mine)
        sequence = self._hub.subscribe(peer.routing_id, job_id, hears)
        if sequence is None:
            raise DaemonError("Too many programs are listening already.", hint="Close some.")
        return Subscribed(sequence=sequence, jobs=jobs)

    def _hears(self, user: str, job_id: str) -> bool:
        try:
            return self._rights.hears(user, self._jobs.owner(job_id))
        except UnknownJobError:
            return False

    def _status(self) -> DaemonStatus:
        self._crew.look()
        queued, running = self._jobs.counts()
        return DaemonStatus(
            version=__version__,
            protocol=PROTOCOL_VERSION,
            pid=os.getpid(),
            uptime_s=round(time.monotonic() - self._began, 3),
            jobs_queued=queued,
            jobs_running=running,
            engines=self._crew.engines,
            broken_engines=self._crew.broken,
            data_folder=str(self._library.root),
            worker_pid=self._crew.pid,
            worker_ready=self._crew.ready,
            malformed=self._counters.malformed,
            refused=self._counters.refused,
            lost_events=self._counters.lost_events,
            models=self._crew.models,
            workers=self._crew.workers,
            captioners=self._crew.captioners,
            licence=intended_use(),
        )


def _failure(error: MusiSceneError) -> Failure:
    return Failure(code=error.code, message=error.message, hint=error.hint)


def _other_version(theirs: int) -> Failure:
    return Failure(
        code="protocol",
        message=f"This program speaks protocol {theirs}, the daemon protocol {PROTOCOL_VERSION}.",
        hint="Stop the daemon with `musiscene daemon stop` and run the command again.",
    )
