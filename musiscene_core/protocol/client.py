"""Client: the daemon's work as calls that return our nouns and raise our errors.

Survives a daemon that dies: it connects to the next one (and starts it, where allowed) and asks
again, which is harmless because every submission carries a key. One client per thread.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from musiscene_core.brief import SceneBrief
from musiscene_core.codec import read_json
from musiscene_core.errors import (
    CancelledError,
    DaemonError,
    JobFailedError,
    MusiSceneError,
    from_code,
)
from musiscene_core.library.records import TakePage, TakeQuery, TakeRecord
from musiscene_core.progress import Progress, silent
from musiscene_core.protocol.admission import check
from musiscene_core.protocol.channel import (
    Channel,
    ConnectionLostError,
    NoAnswerError,
    silent_daemon,
)
from musiscene_core.protocol.messages import (
    Accepted,
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
    ListTakes,
    MarkTake,
    Metrics,
    ModelList,
    Ping,
    Pong,
    PurgeTakes,
    Request,
    Shutdown,
    SubmitScore,
    SubmitSpot,
    Subscribe,
    Subscribed,
    TakeList,
    TakeReply,
    TakesDeleted,
    UnloadModel,
    Unsubscribe,
)
from musiscene_core.protocol.replies import changed, expected
from musiscene_core.protocol.result import JobResult
from musiscene_core.protocol.state import (
    CancelScope,
    EngineInfo,
    JobInfo,
    JobKind,
    ModelInfo,
    Priority,
)
from musiscene_core.request import ScoreRequest
from musiscene_core.take import Take
from musiscene_core.timeline import TimelineRange

R = TypeVar("R")
OnEta = Callable[[float | None], None]
"""Hears how many seconds are left; None where nobody can say."""

_RECONNECTS = 3
_SNAPSHOT_S = 1.0
"""How long to go without an event before asking how a job stands."""
_LONG_S = 3600.0
_WAITING = "Waiting to begin"
_WORKER_START_S = 30.0
_WORKER_POLL_S = 0.02


class Client:
    """A conversation with the daemon. Made by `connect`; close it, or use it in a `with`."""

    def __init__(
        self, channel: Channel, reopen: Callable[[], Channel], *, timeout_s: float
    ) -> None:
        """Speak over `channel`; `reopen` gives another when the daemon of the first is gone.

        Args:
            channel: an open connection, greeted already.
            reopen: raises DaemonError where there is no daemon and none may be started.
            timeout_s: how long the daemon may take to answer.
        """
        self._channel = channel
        self._reopen = reopen
        self._timeout_s = timeout_s
        # Its own turn in the queue, kept when the daemon changes under it.
        self._session = uuid.uuid4().hex

    def __enter__(self) -> Client:
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
        self._channel.close()

    def ping(self) -> None:
        """Hear that the daemon is there."""
        self._call(Ping(), Pong)

    def status(self) -> DaemonStatus:
        """The daemon as it stands."""
        return self._call(GetStatus(), DaemonStatus)

    def metrics(self) -> str:
        """What the daemon counts, in Prometheus' text format."""
        return self._call(GetMetrics(), Metrics).text

    def models(self) -> tuple[ModelInfo, ...]:
        """The models in memory, in the order of loading."""
        return self._call(GetModels(), ModelList).models

    def unload(self, model: str) -> None:
        """Have a model unloaded: at once where it is idle, else when its work is done.

        Raises:
            EngineError: it is not in memory.
        """
        self._call(UnloadModel(model=model), Done)

    def engines(self) -> tuple[EngineInfo, ...]:
        """What can score; waits for the daemon's worker where it has just begun.

        Raises:
            DaemonError: the worker does not start.
        """
        return self._status_when_ready().engines

    def check(self, request: ScoreRequest) -> None:
        """Refuse now what scoring would refuse after all the spotting.

        Raises:
            EngineError: the engine is not there, or does not load.
            RequestError: its licence or its length does not fit.
            DaemonError: the worker does not start.
        """
        status = self._status_when_ready()
        check(request, status.engines, status.broken_engines)

    def _status_when_ready(self) -> DaemonStatus:
        deadline = time.monotonic() + _WORKER_START_S
        while True:
            status = self.status()
            if status.worker_ready:
                return status
            if time.monotonic() > deadline:
                raise DaemonError(
                    "The daemon's worker does not start.", hint="Its log says why: musiscened.log."
                )
            time.sleep(_WORKER_POLL_S)

    def submit_spot(
        self,
        timeline: TimelineRange,
        key: str | None = None,
        *,
        priority: Priority = "interactive",
    ) -> str:
        """Hand over a range to spot; returns the job's id once it can no longer be lost.

        Args:
            timeline: the range.
            key: your own name for this wish: submitted again, it gives the same job again.
            priority: interactive begins before batch.
        """
        wish = SubmitSpot(timeline, key or _new_key(), priority, self._session)
        return self._call(wish, Accepted).job_id

    def submit_score(
        self,
        request: ScoreRequest,
        key: str | None = None,
        *,
        priority: Priority = "interactive",
    ) -> str:
        """Hand over a request to score; returns the job's id once it can no longer be lost.

        Args:
            request: what is wanted.
            key: your own name for this wish: submitted again, it gives the same job again.
            priority: interactive begins before batch.

        Raises:
            EngineError: there is no such engine.
            RequestError: the engine cannot do what is asked.
        """
        wish = SubmitScore(request, key or _new_key(), priority, self._session)
        return self._call(wish, Accepted).job_id

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
        return self._call(question, Estimated).seconds

    def job(self, job_id: str) -> JobInfo:
        """One job as it stands.

        Raises:
            UnknownJobError: the daemon knows no such job.
        """
        return self._call(GetJob(job_id=job_id), JobReply).job

    def jobs(self) -> tuple[JobInfo, ...]:
        """The jobs the daemon remembers, oldest first."""
        return self._call(ListJobs(), JobList).jobs

    def cancel(self, job_id: str) -> JobInfo:
        """Cancel a job; a queued one ends at once, a running one within half a second or so.

        Raises:
            UnknownJobError: the daemon knows no such job.
        """
        return self._call(CancelJob(job_id=job_id), JobReply).job

    def cancel_all(self, scope: CancelScope = "session") -> int:
        """Cancel many jobs; returns how many there were.

        Args:
            scope: "session": what this client sent; "mine": what this user sent from any program;
                "queued": of the latter, what waits.
        """
        return self._call(CancelJobs(scope, self._session), JobsCancelled).count

    def takes(self, query: TakeQuery | None = None) -> TakePage:
        """The takes in the library that answer `query`, the youngest first.

        On the daemon's own machine, `musiscene_core.library.Catalogue` reads them without it.
        """
        return self._call(ListTakes(query or TakeQuery()), TakeList).page

    def mark_take(
        self, take_id: str, *, favourite: bool | None = None, label: str | None = None
    ) -> TakeRecord:
        """Make a take a favourite or name it; None leaves that as it is.

        Raises:
            InputError: there is no such take.
        """
        request = MarkTake(take_id=take_id, favourite=favourite, label=label)
        return self._call(request, TakeReply).take

    def delete_take(self, take_id: str, *, even_favourite: bool = False) -> int:
        """Delete a take; returns the bytes set free.

        Raises:
            InputError: there is no such take.
            RequestError: it is a favourite, or its job has not ended.
        """
        request = DeleteTake(take_id=take_id, even_favourite=even_favourite)
        return self._call(request, TakesDeleted).bytes

    def purge_takes(self) -> tuple[int, int]:
        """Delete all takes but favourites; returns how many, and the bytes set free."""
        takes = freed = 0
        while True:
            gone = self._call(PurgeTakes(), TakesDeleted)
            takes, freed = takes + gone.takes, freed + gone.bytes
            if not gone.more:
                return takes, freed

    def wait(
        self,
        job_id: str,
        on_progress: Progress = silent,
        timeout: float | None = None,
        *,
        on_eta: OnEta | None = None,
    ) -> JobResult:
        """Wait for a job to end.

        Args:
            job_id: the job.
            on_progress: hears of each stage; what it raises ends the wait, not the job.
            timeout: seconds; None waits for ever.
            on_eta: hears how many seconds are left, before each sign of progress.

        Raises:
            CancelledError: the job was cancelled.
            DaemonError: the daemon is gone or silent, or `timeout` passed.
            MusiSceneError: the job failed, with its own error.
        """
        job = self._ended(job_id, on_progress, timeout, on_eta)
        if job.state == "done":
            takes = tuple(str(Path(job.folder, take)) for take in job.takes)
            return JobResult(job_id=job.id, folder=job.folder, takes=takes)
        if job.state == "cancelled":
            raise CancelledError("The job was cancelled.")
        if job.error is None:
            raise JobFailedError("The job failed.", hint="The daemon's log may say why.")
        raise from_code(job.error.code, job.error.message, job.error.hint)

    def spot(
        self,
        timeline: TimelineRange,
        on_progress: Progress = silent,
        *,
        on_eta: OnEta | None = None,
    ) -> SceneBrief:
        """Spot a range and read the brief. Interrupted, it cancels the job."""
        result = self._finish(lambda key: self.submit_spot(timeline, key), on_progress, on_eta)
        return read_json(Path(result.folder, "brief.json"), SceneBrief)

    def score(
        self,
        request: ScoreRequest,
        on_progress: Progress = silent,
        *,
        on_eta: OnEta | None = None,
    ) -> list[tuple[Take, Path]]:
        """Score a request; each take with its folder in the library. Interrupted, it cancels."""
        result = self._finish(lambda key: self.submit_score(request, key), on_progress, on_eta)
        folders = [Path(folder) for folder in result.takes]
        return [(read_json(folder / "take.json", Take), folder) for folder in folders]

    def watch(self, timeout_s: float | None = None) -> Iterator[JobInfo]:
        """Every change of every job, as it happens; first the jobs that have not ended yet.

        Changes may be lost under load; what is told last of a job is how it stands.

        Args:
            timeout_s: end after so long without a change; None goes on for ever.
        """
        try:
            yield from self._changes(timeout_s)
        finally:
            self._channel.tell(Unsubscribe())

    def shutdown(self) -> None:
        """Tell the daemon to leave, and wait until it has let go of its socket.

        A running job goes back into the queue and begins anew at the next start.
        """
        try:
            self._channel.ask(Shutdown(), self._timeout_s)
            while self._channel.next_event(self._timeout_s) is not None:
                pass
        except ConnectionLostError:
            return
        except NoAnswerError:
            pass
        raise silent_daemon(self._channel.connection.pid, self._timeout_s)

    def _changes(self, timeout_s: float | None) -> Iterator[JobInfo]:
        seen: dict[str, JobInfo] = {}
        expected = 0
        while True:
            if not expected:
                snapshot = self._call(Subscribe(), Subscribed)
                yield from changed(snapshot.jobs, seen)
                expected = snapshot.sequence + 1
            try:
                event = self._channel.next_event(_LONG_S if timeout_s is None else timeout_s)
            except ConnectionLostError:
                self._reconnect()
                expected = 0
                continue
            if event is None and timeout_s is not None:
                return
            if event is None or event.sequence < expected:
                continue
            if event.sequence > expected:
                expected = 0
                continue
            expected += 1
            seen[event.job.id] = event.job
            yield event.job

    def _finish(
        self, submit: Callable[[str], str], on_progress: Progress, on_eta: OnEta | None
    ) -> JobResult:
        key = _new_key()
        try:
            return self.wait(submit(key), on_progress, on_eta=on_eta)
        except (KeyboardInterrupt, CancelledError):
            # The key finds the job again, even where the interrupt came before its id did.
            with suppress(MusiSceneError):
                self.cancel(submit(key))
            raise

    def _ended(
        self, job_id: str, on_progress: Progress, timeout: float | None, on_eta: OnEta | None
    ) -> JobInfo:
        """The job once it has ended. Subscribes, but believes only what a snapshot confirms."""
        deadline = None if timeout is None else time.monotonic() + timeout
        job = self._subscribe(job_id)
        try:
            while not job.ended:
                if on_eta is not None:
                    on_eta(job.eta_s)
                on_progress(job.stage or _WAITING, job.fraction)
                left = _SNAPSHOT_S if deadline is None else deadline - time.monotonic()
                if left <= 0:
                    raise DaemonError(
                        f"The job has not ended within {timeout:g} s.",
                        hint="It goes on; ask for it again, or cancel it.",
                    )
                job = self._change(job_id, min(left, _SNAPSHOT_S))
            return job
        finally:
            self._channel.tell(Unsubscribe(job_id=job_id))

    def _subscribe(self, job_id: str) -> JobInfo:
        return self._call(Subscribe(job_id=job_id), Subscribed).jobs[0]

    def _reconnect(self) -> None:
        self._channel.close()
        self._channel = self._reopen()

    def _change(self, job_id: str, wait_s: float) -> JobInfo:
        """The job after its next event, or after `wait_s` without one."""
        try:
            event = self._channel.next_event(wait_s)
        except ConnectionLostError:
            self._reconnect()
            return self._subscribe(job_id)
        if event is not None and event.job.id == job_id:
            return event.job
        return self.job(job_id)

    def _call(self, request: Request, kind: type[R]) -> R:
        """Ask, and ask the next daemon where this one is gone."""
        for _ in range(_RECONNECTS):
            try:
                return expected(self._channel.ask(request, self._timeout_s), kind)
            except ConnectionLostError:
                self._reconnect()
            except NoAnswerError:
                pid = self._channel.connection.pid
                raise silent_daemon(pid, self._timeout_s) from None
        raise DaemonError(
            "The daemon leaves as soon as it is asked.", hint="Its log says why: musiscened.log."
        )


def _new_key() -> str:
    return uuid.uuid4().hex
