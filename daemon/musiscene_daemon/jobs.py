"""Jobs: the life of every job, and the one that is at work now.

                 begin                 finished
    queued ----------------> running -----------> done
      | ^                     | | |    failed
      | +---------------------+ | +-------------> failed
      |   crashed, attempts     |
      | cancel        < 3       | cancel
      +--------> cancelled <----+

Every step is on the disk before anyone hears of it. Whose turn it is, fairness.py says. An
attempt that ends by its worker's death goes back and gives its turn back; cancelling kills the
worker where a job does not stop within the grace. Durations are measured on the loop's monotonic
time; the wall clock only dates jobs. Knows the worker only by what it reports, and clients not at
all.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
import sqlite3
import time
from collections.abc import Callable
from typing import get_args

import msgspec

from musiscene_core.errors import DaemonError, MusiSceneError, RequestError, UnknownJobError
from musiscene_core.protocol.admission import check
from musiscene_core.protocol.messages import MAX_KEY_LENGTH
from musiscene_core.protocol.state import (
    CancelScope,
    JobError,
    JobInfo,
    JobKind,
    JobState,
    Priority,
)
from musiscene_core.request import MAX_TAKES, ScoreRequest
from musiscene_core.timeline import TimelineRange
from musiscene_daemon.at_work import Current, Outcome, as_info, crashed, manner
from musiscene_daemon.estimates import Estimator
from musiscene_daemon.forecast import Forecast
from musiscene_daemon.retention import Retention
from musiscene_daemon.settings import Settings
from musiscene_daemon.store import Store, StoredJob
from musiscene_daemon.supervisor import Supervisor
from musiscene_daemon.takes import TakeLibrary
from musiscene_daemon.worker_link import (
    JobBroke,
    JobFinished,
    JobProgressed,
    JobStopped,
    Report,
    RunJob,
    StopJob,
    WorkerGone,
)

log = logging.getLogger(__name__)

LISTED_JOBS = 500
"""As many as surely fit into one message."""

_MAX_CUE = 200
_RETRY_NOTING_S = 0.5
_ASLEEP_S = 5.0
_MAX_FAILED_STARTS = 3


class Jobs:
    """All jobs. For one thread, which must call `tick` when it says so."""

    def __init__(
        self,
        store: Store,
        library: TakeLibrary,
        worker: Supervisor,
        settings: Settings,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Keep jobs in `store`; `clock` gives Unix time in seconds."""
        self._store = store
        self._library = library
        self._worker = worker
        self._settings = settings
        self._clock = clock
        self._estimator = Estimator(store.past)
        self._forecast = Forecast(store, self._estimator)
        self._retention = Retention(store, library.root / "briefs", settings, clock)
        self._now = 0.0
        self._current: Current | None = None
        self._begin_at = 0.0
        self._may_wait = True
        self._ticked_at: float | None = None
        self._changed: dict[str, None] = {}

    def resume(self) -> None:
        """Take up what the last daemon left, and clean away what it half made.

        Raises:
            sqlite3.Error: the job table cannot be written.
        """
        for job in self._store.running():
            place = self._library.place(job.kind, job.cue, job.id)
            if job.cancelling:
                self._store.end(job.id, "cancelled")
            elif self._library.published(place):
                takes = self._library.takes(place)
                self._store.end(job.id, "done", folder=place, takes=takes)
            elif job.attempts >= self._settings.max_attempts:
                error = crashed("The daemon itself ended each time.", job.attempts)
                self._store.end(job.id, "failed", error=error)
            else:
                self._store.requeue(job.id)
        self._retention.forget_old()
        self._retention.trim_briefs()
        self._library.discard(self._library.leftovers())

    def submit(
        self,
        work: TimelineRange | ScoreRequest,
        *,
        owner: str,
        key: str,
        session: str = "",
        priority: Priority = "interactive",
    ) -> tuple[str, bool]:
        """Accept work; returns the job's id and whether it is new. On the disk once committed.

        Args:
            work: what to spot or score.
            owner: whose it is.
            key: the owner's name for it; a known one gives the known job, as it was sent first.
            session: which of the owner's programs sent it; only for whose turn it is.
            priority: whether somebody waits for it.

        Raises:
            RequestError: the key is unusable, or names other work; the engine cannot do it.
            EngineError: there is no such engine.
            DaemonError: too many jobs wait.
            sqlite3.Error: it could not be noted.
        """
        if not 0 < len(key) <= MAX_KEY_LENGTH:
            raise RequestError(f"A job's key must have 1 to {MAX_KEY_LENGTH} characters.")
        if len(session) > MAX_KEY_LENGTH:
            raise RequestError(f"A session's name must have at most {MAX_KEY_LENGTH} characters.")
        payload = msgspec.msgpack.encode(work)
        digest = hashlib.sha256(payload).digest()
        known = self._store.by_key(owner, key)
        if known is not None:
            if known.digest != digest:
                raise RequestError(
                    "This key already names another job.", hint="Use a new key for each job."
                )
            return known.id, False
        if isinstance(work, ScoreRequest):
            if self._worker.engines:
                check(work, self._worker.engines, self._worker.broken)
            timeline, engine, wanted = work.brief.timeline, work.engine, work.takes
        else:
            timeline, engine, wanted = work, "", 0
        kind: JobKind = "score" if isinstance(work, ScoreRequest) else "spot"
        if self._store.count("queued") >= self._settings.max_queued:
            raise DaemonError("Too many jobs wait already.", hint="Wait for some of them to end.")
        if self._store.count_waiting(owner, session) >= self._settings.max_queued_each:
            raise DaemonError(
                "This program has too many jobs waiting already.",
                hint="Wait for some of them to end, or cancel some.",
            )
        job = StoredJob(
            id=secrets.token_hex(6),
            owner=owner,
            key=key,
            kind=kind,
            cue=timeline.cue[:_MAX_CUE],
            created=self._clock(),
            digest=digest,
            session=session,
            priority=priority,
            engine=engine,
            length_s=timeline.record.length / float(timeline.rate.fps),
            wanted=wanted,
        )
        self._store.add(job, payload)
        self._may_wait = True
        self._note_change(job.id)
        log.info("job %s: %s, accepted", job.id, kind)
        return job.id, True

    def cancel(self, job_id: str, now: float) -> JobInfo:
        """Cancel a job. One that runs ends within the grace; one that has ended stays so.

        Raises:
            UnknownJobError: there is none.
            sqlite3.Error: it could not be noted.
        """
        job = self._get(job_id)
        current = self._current
        if job.state == "queued":
            self._store.end(job_id, "cancelled")
            self._note_change(job_id)
        elif current is not None and current.job.id == job_id:
            self._store.mark_cancelling(job_id)
            self._stop_current(current, now)
        return self.info(job_id)

    def cancel_all(self, scope: CancelScope, now: float, *, owner: str, session: str = "") -> int:
        """Cancel the jobs of `owner` that `scope` says; returns how many still could be.

        Raises:
            sqlite3.Error: it could not be noted.
        """
        only = session if scope == "session" else None
        ended = self._store.end_waiting("cancelled", owner=owner, session=only)
        for job_id in ended:
            self._note_change(job_id)
        current = self._current
        if scope == "queued" or current is None or current.job.owner != owner:
            return len(ended)
        if only not in (None, current.job.session) or not current.wanted:
            return len(ended)
        self._store.mark_cancelling(current.job.id)
        self._stop_current(current, now)
        return len(ended) + 1

    def estimate(self, kind: JobKind, engine: str, length_s: float, takes: int) -> float | None:
        """Seconds that a job would take once it begins; None where too few were done.

        Raises:
            RequestError: there can be no such job.
        """
        if not (0 < length_s < float("inf") and 1 <= takes <= MAX_TAKES):
            raise RequestError(f"A job has a length above 0 s and 1 to {MAX_TAKES} takes.")
        return self._estimator.seconds(kind, engine if kind == "score" else "", length_s, takes)

    def info(self, job_id: str) -> JobInfo:
        """One job as it stands.

        Raises:
            UnknownJobError: there is none.
        """
        return self._info(self._get(job_id))

    def latest(self) -> tuple[JobInfo, ...]:
        """The jobs that are remembered, oldest first."""
        return tuple(self._info(job) for job in self._store.latest(LISTED_JOBS))

    def counts(self) -> tuple[int, int]:
        """How many jobs wait, and how many run."""
        return self._store.count("queued"), self._store.count("running")

    def by_state(self) -> dict[str, int]:
        """How many of the remembered jobs are in each state."""
        return {state: self._store.count(state) for state in get_args(JobState)}

    @property
    def at_work(self) -> bool:
        """Whether a job runs."""
        return self._current is not None

    @property
    def idle(self) -> bool:
        """Whether nothing runs or waits."""
        return self._current is None and self.counts() == (0, 0)

    def changes(self) -> list[JobInfo]:
        """The jobs that changed since the last call, each as it stands now."""
        changed = [self._store.by_id(job_id) for job_id in self._changed]
        self._changed.clear()
        return [self._info(job) for job in changed if job is not None]

    def hear(self, report: Report, now: float) -> None:
        """Take in what the worker says."""
        self._now = now
        current = self._current
        if current is None:
            return
        current.heard_at = now
        if isinstance(report, WorkerGone):
            self._worker_died(current, report, now)
            return
        if current.outcome is not None or getattr(report, "job_id", None) != current.job.id:
            return
        if isinstance(report, JobProgressed):
            current.stage, current.fraction = report.stage, report.fraction
            self._note_change(current.job.id)
        elif isinstance(report, JobFinished) and current.kill_at is None:
            current.outcome = Outcome(state="done", takes=report.takes)
            current.ended_at = now
        elif isinstance(report, JobFinished | JobStopped):
            current.outcome = Outcome(state="cancelled")
        elif isinstance(report, JobBroke):
            if report.where:
                log.error("job %s: %s", current.job.id, report.where)
            error = JobError(code=report.code, message=report.message, hint=report.hint)
            state: JobState = "failed" if current.kill_at is None else "cancelled"
            current.outcome = Outcome(state=state, error=error if state == "failed" else None)

    def tick(self, now: float) -> float | None:
        """Do what is due; returns when to come back at the latest, None where nothing waits."""
        current = self._current
        slept = self._ticked_at is not None and now - self._ticked_at > _ASLEEP_S
        self._ticked_at = self._now = now
        self._retention.forget_trimmed()
        if current is not None and current.outcome is not None and now >= current.note_at:
            self._note_outcome(current, now)
        elif current is not None and current.outcome is None:
            if slept:
                # The machine slept, or this process was stopped: the worker had no say meanwhile.
                current.heard_at = now
                current.slept = True
            self._watch(current, now)
        worker_due = self._worker.tick(now)
        if self._current is None:
            self._begin_next(now)
        return _earliest(worker_due, self._due())

    def stop(self) -> None:
        """Put the running job back into the queue: its end is not its own fault."""
        current, self._current = self._current, None
        if current is None or current.outcome is not None:
            return
        try:
            if current.kill_at is None:
                self._store.requeue(current.job.id, forgive=True)
            else:
                self._store.end(current.job.id, "cancelled")
        except sqlite3.Error:
            log.error("job %s: could not be put back; the next start will", current.job.id)

    def _stop_current(self, current: Current, now: float) -> None:
        if current.outcome is not None:
            if current.outcome.state == "queued":
                current.outcome = Outcome(state="cancelled")
        elif current.kill_at is None:
            current.kill_at = now + self._settings.cancel_grace_s
            self._worker.send(StopJob(current.job.id))
            self._note_change(current.job.id)

    def _watch(self, current: Current, now: float) -> None:
        if current.kill_at is not None and now >= current.kill_at:
            log.info("job %s: did not stop in time", current.job.id)
            self._worker.kill()
            current.kill_at = now + self._settings.cancel_grace_s
        elif not current.silent and now - current.heard_at > self._settings.silence_s:
            log.warning("job %s: its worker has fallen silent", current.job.id)
            current.silent = True
            self._worker.kill()

    def _worker_died(self, current: Current, report: WorkerGone, now: float) -> None:
        if current.outcome is not None:
            return
        job = current.job
        if current.kill_at is not None:
            current.outcome = Outcome(state="cancelled")
        elif job.attempts >= self._settings.max_attempts:
            reason = manner(report.exit_code)
            words = f"Its last words: {report.last_words}" if report.last_words else ""
            current.outcome = Outcome(
                state="failed", error=crashed(reason, job.attempts, hint=words)
            )
        else:
            current.outcome = Outcome(state="queued")
            delays = self._settings.retry_delays_s
            self._begin_at = now + delays[min(job.attempts, len(delays)) - 1]
            log.warning("job %s: its worker ended; it begins anew", job.id)

    def _begin_next(self, now: float) -> None:
        if now < self._begin_at or not self._may_wait:
            return
        try:
            if self._worker.ready:
                job = self._store.next_queued()
                self._may_wait = job is not None
                if job is not None:
                    self._begin(job, now)
            elif self._worker.failed_starts >= _MAX_FAILED_STARTS:
                self._give_up()
        except sqlite3.Error as error:
            log.error("the job table cannot be written: %s", type(error).__name__)
            self._begin_at = now + _RETRY_NOTING_S

    def _begin(self, job: StoredJob, now: float) -> None:
        self._store.begin(job.id)
        begun = msgspec.structs.replace(job, state="running", attempts=job.attempts + 1)
        partial = self._library.partial(job.id, begun.attempts)
        self._current = Current(begun, partial, now)
        payload = self._store.payload(job.id)
        self._worker.send(
            RunJob(job_id=job.id, kind=job.kind, payload=payload, folder=str(partial))
        )
        self._note_change(job.id)
        log.info("job %s: attempt %d begins", job.id, begun.attempts)

    def _give_up(self) -> None:
        """Fail the waiting jobs: no worker starts, so none would ever run."""
        words = self._worker.last_words
        error = JobError(
            code="job_failed",
            message="The daemon's worker does not start.",
            hint=f"Its last words: {words}" if words else "",
        )
        for job_id in self._store.end_waiting("failed", error=error):
            self._note_change(job_id)

    def _note_outcome(self, current: Current, now: float) -> None:
        """Publish and note how the job ended; tried again later where the disk refuses."""
        job, outcome = current.job, current.outcome
        if outcome is None:
            return
        place = ""
        if outcome.state != "done" and not current.discarded:
            # Before noting, which needs room on the disk that this may be filling.
            self._library.discard([current.partial])
            current.discarded = True
        try:
            if outcome.state == "done":
                place = self._library.place(job.kind, job.cue, job.id)
                self._library.publish(current.partial, place)
            if outcome.state == "queued":
                self._store.requeue(job.id)
                self._may_wait = True
            else:
                self._note_end(current, outcome, place)
        except MusiSceneError as error:
            said = JobError(code=error.code, message=error.message, hint=error.hint)
            current.outcome = Outcome(state="failed", error=said)
            return
        except sqlite3.Error as error:
            level = logging.DEBUG if current.noting else logging.ERROR
            log.log(level, "job %s: its end cannot be noted: %s", job.id, type(error).__name__)
            current.noting = True
            current.note_at = now + _RETRY_NOTING_S
            return
        self._current = None
        self._note_change(job.id)
        log.info("job %s: %s", job.id, outcome.state)

    def _note_end(self, current: Current, outcome: Outcome, place: str) -> None:
        job = current.job
        with self._store.batch():
            self._store.end(
                job.id, outcome.state, error=outcome.error, folder=place, takes=outcome.takes
            )
            # What slept took longer than such work takes.
            if outcome.state == "done" and not current.slept and job.length_s > 0:
                self._store.learn(job, current.ended_at - current.began_at)
            self._retention.forget_old()
        self._estimator.forget(job.kind, job.engine)
        if place and job.kind == "spot":
            self._retention.trim_briefs()

    def _due(self) -> float | None:
        current = self._current
        if current is None:
            return self._begin_at if self._begin_at > (self._ticked_at or 0.0) else None
        if current.outcome is not None:
            return current.note_at
        silence = current.heard_at + self._settings.silence_s
        return _earliest(current.kill_at, silence)

    def _get(self, job_id: str) -> StoredJob:
        job = self._store.by_id(job_id)
        if job is None:
            raise UnknownJobError(
                f"There is no job {job_id[:40]!r}.", hint="`musiscene jobs` lists them."
            )
        return job

    def _info(self, job: StoredJob) -> JobInfo:
        eta_s = self._forecast.eta_s(job, self._current, self._now)
        return as_info(job, self._current, self._library.root, eta_s)

    def _note_change(self, job_id: str) -> None:
        self._changed[job_id] = None


def _earliest(*times: float | None) -> float | None:
    known = [time for time in times if time is not None]
    return min(known) if known else None
