"""Questions to the daemon: one message out, one back, as calls that return our nouns.

Client adds the work: handing it over, waiting for it, reading what came of it.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from types import TracebackType
from typing import TypeVar

from musiscene_core.errors import (
    DaemonError,
)
from musiscene_core.library.records import TakePage, TakeQuery, TakeRecord
from musiscene_core.protocol.admission import check, check_critic
from musiscene_core.protocol.channel import Channel
from musiscene_core.protocol.conversation import Conversation
from musiscene_core.protocol.licensing import check_licences
from musiscene_core.protocol.messages import (
    CancelJob,
    CancelJobs,
    DaemonStatus,
    DeleteTake,
    Done,
    Estimate,
    Estimated,
    GetJob,
    GetMetrics,
    GetModels,
    GetStatus,
    JobList,
    JobReply,
    JobsCancelled,
    ListJobs,
    ListPaired,
    ListTakes,
    MarkTake,
    Metrics,
    ModelList,
    OpenPairing,
    PairedList,
    PairingOpened,
    Ping,
    Pong,
    PurgeTakes,
    RevokePaired,
    TakeList,
    TakeReply,
    TakesDeleted,
    UnloadModel,
)
from musiscene_core.protocol.state import (
    CancelScope,
    CaptionerInfo,
    EngineInfo,
    JobInfo,
    JobKind,
    ModelInfo,
)
from musiscene_core.request import MusicWish

C = TypeVar("C", bound="Questions")

_WORKER_START_S = 30.0
_WORKER_POLL_S = 0.02


class Questions:
    """What can be asked of a daemon, in one conversation with it.

    Attributes:
        session: names the program: its jobs share a turn in the queue, whatever the connection.
    """

    def __init__(
        self, channel: Channel, reopen: Callable[[], Channel], *, timeout_s: float
    ) -> None:
        """Speak over `channel`; `reopen` gives another when the daemon of the first is gone.

        Args:
            channel: an open connection, greeted already.
            reopen: raises DaemonError where there is no daemon and none may be started.
            timeout_s: how long the daemon may take to answer.
        """
        self._talk = Conversation(channel, reopen, timeout_s=timeout_s)
        self.session = uuid.uuid4().hex

    def __enter__(self: C) -> C:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the conversation. Jobs go on."""
        self._talk.close()

    def ping(self) -> None:
        """Hear that the daemon is there."""
        self._talk.call(Ping(), Pong)

    def status(self) -> DaemonStatus:
        """The daemon as it stands."""
        return self._talk.call(GetStatus(), DaemonStatus)

    def metrics(self) -> str:
        """What the daemon counts, in Prometheus' text format."""
        return self._talk.call(GetMetrics(), Metrics).text

    def models(self) -> tuple[ModelInfo, ...]:
        """The models in memory, in the order of loading."""
        return self._talk.call(GetModels(), ModelList).models

    def unload(self, model: str) -> None:
        """Have a model unloaded: at once where it is idle, else when its work is done.

        Raises:
            EngineError: it is not in memory.
        """
        self._talk.call(UnloadModel(model=model), Done)

    def engines(self) -> tuple[EngineInfo, ...]:
        """What can score; waits for the daemon's worker where it has just begun.

        Raises:
            DaemonError: the worker does not start.
        """
        return self._status_when_ready().engines

    def captioners(self) -> tuple[CaptionerInfo, ...]:
        """What can put sound into words; waits as `engines` does.

        Raises:
            DaemonError: the worker does not start.
        """
        return self._status_when_ready().captioners

    def check(self, request: MusicWish) -> None:
        """Refuse now what scoring would refuse after all the spotting.

        Raises:
            EngineError: the engine or the critic is not there, or does not load.
            RequestError: the engine's licence or length does not fit, or the critic cannot hear it.
            DaemonError: the worker does not start.
        """
        status = self._status_when_ready(request.engine)
        if _may_come(request.engine, status):
            return
        check(request, status.engines, status.broken_engines)
        check_critic(request, status.engines, status.captioners, status.broken_engines)
        check_licences(request, status.engines, status.captioners, status.licence)

    def open_pairing(self) -> PairingOpened:
        """A code that lets one more machine in; an older one is worth nothing any more.

        Raises:
            DaemonError: the daemon does not listen on the network.
        """
        return self._talk.call(OpenPairing(), PairingOpened)

    def paired(self) -> PairedList:
        """The machines that may reach the daemon over the network.

        Raises:
            DaemonError: their list is damaged.
        """
        return self._talk.call(ListPaired(), PairedList)

    def revoke(self, name: str) -> None:
        """Keep the paired machine called `name` out, from its next request on.

        Raises:
            RequestError: there is none.
        """
        self._talk.call(RevokePaired(name=name), Done)

    def _status_when_ready(self, engine: str = "") -> DaemonStatus:
        """The status once `engine` is there, or no environment can have it any more."""
        deadline = time.monotonic() + _WORKER_START_S
        while True:
            status = self.status()
            late = time.monotonic() > deadline
            known = not engine or engine in [info.name for info in status.engines]
            starting = any(worker.starting for worker in status.workers)
            if status.worker_ready and (known or late or not starting):
                return status
            if engine and (known or _may_come(engine, status)):
                return status
            if late or not (starting or any(worker.ready for worker in status.workers)):
                raise _does_not_start(status)
            time.sleep(_WORKER_POLL_S)

    def estimate(
        self, kind: JobKind, length_s: float, *, engine: str = "", takes: int = 1
    ) -> float | None:
        """Seconds that a job would take once it begins; None until a few like it were done.

        Args:
            kind: what it would do.
            length_s: of its range, in seconds.
            engine: who would score; left out for spotting.
            takes: how many.
        """
        question = Estimate(kind=kind, length_s=length_s, engine=engine, takes=takes)
        return self._talk.call(question, Estimated).seconds

    def job(self, job_id: str) -> JobInfo:
        """One job as it stands.

        Raises:
            UnknownJobError: the daemon knows no such job.
        """
        return self._talk.call(GetJob(job_id=job_id), JobReply).job

    def jobs(self) -> tuple[JobInfo, ...]:
        """The jobs the daemon remembers, oldest first."""
        return self._talk.call(ListJobs(), JobList).jobs

    def cancel(self, job_id: str) -> JobInfo:
        """Cancel a job; a queued one ends at once, a running one within half a second or so.

        Raises:
            UnknownJobError: the daemon knows no such job.
        """
        return self._talk.call(CancelJob(job_id=job_id), JobReply).job

    def cancel_all(self, scope: CancelScope = "session") -> int:
        """Cancel many jobs; returns how many there were.

        Args:
            scope: "session": what this client sent; "mine": what this user sent from any program;
                "queued": of the latter, what waits.
        """
        return self._talk.call(CancelJobs(scope, self.session), JobsCancelled).count

    def takes(self, query: TakeQuery | None = None) -> TakePage:
        """The takes in the library that answer `query`, the youngest first.

        On the daemon's own machine, `musiscene_core.library.Catalogue` reads them without it.
        """
        return self._talk.call(ListTakes(query or TakeQuery()), TakeList).page

    def mark_take(
        self, take_id: str, *, favourite: bool | None = None, label: str | None = None
    ) -> TakeRecord:
        """Make a take a favourite or name it; None leaves that as it is.

        Raises:
            InputError: there is no such take.
        """
        request = MarkTake(take_id=take_id, favourite=favourite, label=label)
        return self._talk.call(request, TakeReply).take

    def delete_take(self, take_id: str, *, even_favourite: bool = False) -> int:
        """Delete a take; returns the bytes set free.

        Raises:
            InputError: there is no such take.
            RequestError: it is a favourite, or its job has not ended.
        """
        request = DeleteTake(take_id=take_id, even_favourite=even_favourite)
        return self._talk.call(request, TakesDeleted).bytes

    def purge_takes(self) -> tuple[int, int]:
        """Delete all takes but favourites; returns how many, and the bytes set free."""
        takes = freed = 0
        while True:
            gone = self._talk.call(PurgeTakes(), TakesDeleted)
            takes, freed = takes + gone.takes, freed + gone.bytes
            if not gone.more:
                return takes, freed

    def shutdown(self) -> None:
        """Tell the daemon to leave, and wait until it has let go of its socket.

        A running job goes back into the queue and begins anew at the next start.
        """
        self._talk.shutdown()


def _may_come(engine: str, status: DaemonStatus) -> bool:
    """Whether nobody offers `engine` while a worker that may have it waits for its place."""
    known = engine in [info.name for info in status.engines]
    return not known and any(worker.waits_for for worker in status.workers)


def _does_not_start(status: DaemonStatus) -> DaemonError:
    first = status.workers[0] if status.workers else None
    said = (first.waits_for or first.last_words.strip()) if first is not None else ""
    return DaemonError(
        "The daemon's worker does not start.",
        hint=said.splitlines()[-1] if said else "Its log says why: musiscened.log.",
    )
