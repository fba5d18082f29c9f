"""Jobs: the life of every job, as clients see it.

                 begin                 finished
    queued ----------------> running -----------> done
      | ^                     | | |    failed
      | +---------------------+ | +-------------> failed
      |   crashed, attempts     |
      | cancel        < 3       | cancel
      +--------> cancelled <----+

Every step is on the disk before anyone hears of it. Whose turn it is, fairness.py says; what is
at work, attempts.py. The wall clock only dates jobs. Knows clients only as names of owners.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
import sqlite3
import time
from collections.abc import Callable
from itertools import islice
from typing import get_args

import msgspec

from musiscene_core.errors import DaemonError, RequestError, UnknownJobError
from musiscene_core.protocol.messages import MAX_KEY_LENGTH
from musiscene_core.protocol.state import (
    CancelScope,
    JobInfo,
    JobKind,
    JobState,
    Priority,
)
from musiscene_core.request import MAX_TAKES
from musiscene_daemon.at_work import Current, as_info, crashed
from musiscene_daemon.attempts import Attempts
from musiscene_daemon.crew import Crew
from musiscene_daemon.estimates import Estimator
from musiscene_daemon.forecast import Forecast
from musiscene_daemon.retention import Retention
from musiscene_daemon.settings import Settings
from musiscene_daemon.store import Store, StoredJob
from musiscene_daemon.takes import TakeLibrary
from musiscene_daemon.wishes import ENGAGED, Work, admit, describe
from musiscene_daemon.worker_link import Report

log = logging.getLogger(__name__)

LISTED_JOBS = 500
"""As many as surely fit into one message."""

_MAX_CUE = 200


class Jobs:
    """All jobs, for one thread.

    Each turn it calls `watch`, whatever the disk does. While the disk is free: `changes`; then
    `publish`, which may run on another thread, for what has `finished`; then `advance` in an
    open batch of the job table; and `committed` after that batch.
    """

    def __init__(
        self,
        store: Store,
        library: TakeLibrary,
        crew: Crew,
        settings: Settings,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Keep jobs in `store`; `clock` gives Unix time in seconds."""
        self._store = store
        self._library = library
        self._crew = crew
        self._settings = settings
        self._clock = clock
        self._estimator = Estimator(store.past)
        self._retention = Retention(store, library.root / "briefs", settings, clock)
        self._attempts = Attempts(
            *(store, library, crew, settings),
            estimator=self._estimator,
            retention=self._retention,
            changed=self._note_change,
        )
        self._forecast = Forecast(store, self._estimator, self._attempts, crew)
        self._now = 0.0
        self._changed: dict[str, None] = {}

    def resume(self) -> None:
        """Take up what the last daemon left, and clean away what it half made.

        Raises:
            sqlite3.Error: the job table cannot be written.
        """
        for job in self._store.running():
            place = self._library.place(job.kind, job.cue, job.id)
            if self._library.published(place):
                # It was done, even if cancelling came too late.
                takes = self._library.takes(place)
                self._store.end(job.id, "done", folder=place, takes=takes)
            elif job.cancelling:
                self._store.end(job.id, "cancelled")
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
        work: Work,
        *,
        owner: str,
        key: str,
        session: str = "",
        priority: Priority = "interactive",
    ) -> tuple[str, bool]:
        """Accept work; returns the job's id and whether it is new. On the disk once committed.

        Args:
            work: what to do.
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
        wish = describe(work)
        self._crew.look()
        all_said = self._crew.settled and not self._crew.expects(wish.engine)
        said = all_said or self._crew.offers(wish.engine)
        if said and not self._crew.looking:
            admit(work, self._crew.engines, self._crew.captioners, self._crew.broken)
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
            kind=wish.kind,
            cue=wish.cue[:_MAX_CUE],
            created=self._clock(),
            digest=digest,
            session=session,
            priority=priority,
            engine=wish.engine,
            length_s=wish.length_s,
            wanted=wish.wanted,
        )
        self._store.add(job, payload)
        self._note_change(job.id)
        log.info("job %s: %s, accepted", job.id, job.kind)
        return job.id, True

    def cancel(self, job_id: str, now: float, owner: str | None = None) -> JobInfo:
        """Cancel a job. One that runs ends within the grace; one that has ended stays so.

        Where `owner` is given, other owners' jobs are as if they were not there.

        Raises:
            UnknownJobError: there is none.
            sqlite3.Error: it could not be noted.
        """
        job = self._get(job_id, owner)
        current = self._attempts.of(job_id)
        if job.state == "queued":
            self._store.end(job_id, "cancelled")
            self._note_change(job_id)
        elif current is not None and current.stoppable:
            self._store.mark_cancelling(job_id)
            self._attempts.cancel(current, now)
        return self.info(job_id)

    def stop_soon(self, job_id: str, now: float, owner: str | None = None) -> None:
        """Stop a running job that is about to be cancelled; touches no table."""
        current = self._attempts.of(job_id)
        if current is not None and owner in (None, current.job.owner):
            self._attempts.cancel(current, now)

    def cancel_all(self, scope: CancelScope, now: float, *, owner: str, session: str = "") -> int:
        """Cancel the jobs of `owner` that `scope` says; returns how many still could be.

        Raises:
            sqlite3.Error: it could not be noted.
        """
        only = session if scope == "session" else None
        ended = self._store.end_waiting("cancelled", owner=owner, session=only)
        for job_id in ended:
            self._note_change(job_id)
        running = 0
        for current in self._concerned(scope, owner, session):
            if (current.wanted or current.foretold) and current.job.id not in ended:
                current.foretold = False
                self._store.mark_cancelling(current.job.id)
                self._attempts.cancel(current, now)
                running += 1
        return len(ended) + running

    def stop_all_soon(
        self, scope: CancelScope, now: float, *, owner: str, session: str = ""
    ) -> None:
        """Stop the running jobs that are about to be cancelled; touches no table."""
        for current in self._concerned(scope, owner, session):
            if current.wanted:
                current.foretold = True
                self._attempts.cancel(current, now)

    def _concerned(self, scope: CancelScope, owner: str, session: str) -> list[Current]:
        return [
            current
            for current in self._attempts
            if scope != "queued"
            and current.job.owner == owner
            and (scope != "session" or current.job.session == session)
        ]

    def estimate(self, kind: JobKind, engine: str, length_s: float, takes: int) -> float | None:
        """Seconds that a job would take once it begins; None where too few were done.

        Raises:
            RequestError: there can be no such job.
        """
        if not (0 < length_s < float("inf") and 1 <= takes <= MAX_TAKES):
            raise RequestError(f"A job has a length above 0 s and 1 to {MAX_TAKES} takes.")
        return self._estimator.seconds(kind, engine if kind in ENGAGED else "", length_s, takes)

    def info(self, job_id: str, owner: str | None = None) -> JobInfo:
        """One job as it stands; where `owner` is given, others' are as if they were not there.

        Raises:
            UnknownJobError: there is none.
        """
        return self._info(self._get(job_id, owner))

    def owner(self, job_id: str) -> str:
        """Whose the job is.

        Raises:
            UnknownJobError: there is none.
        """
        return self._get(job_id).owner

    def latest(self, owner: str | None = None) -> tuple[JobInfo, ...]:
        """The jobs that are remembered, of `owner` where given, oldest first."""
        return tuple(self._info(job) for job in self._store.latest(LISTED_JOBS, owner))

    def counts(self) -> tuple[int, int]:
        """How many jobs wait, and how many run."""
        return self._store.count("queued"), self._store.count("running")

    def by_state(self) -> dict[str, int]:
        """How many of the remembered jobs are in each state."""
        return {state: self._store.count(state) for state in get_args(JobState)}

    @property
    def at_work(self) -> bool:
        """Whether a job runs."""
        return len(self._attempts) > 0

    @property
    def idle(self) -> bool:
        """Whether nothing runs or waits."""
        return not self.at_work and self.counts() == (0, 0)

    @property
    def changed(self) -> bool:
        """Whether `changes` has something to tell."""
        return bool(self._changed)

    def changes(self, at_most: int) -> list[JobInfo]:
        """Jobs that changed since they were last told of, each as it stands now."""
        ids = list(islice(self._changed, at_most))
        for job_id in ids:
            del self._changed[job_id]
        changed = [self._store.by_id(job_id) for job_id in ids]
        return [self._info(job) for job in changed if job is not None]

    def forget_changes(self) -> None:
        """There is nobody to tell."""
        self._changed.clear()

    def hear(self, environment: str, report: Report, now: float) -> None:
        """Take in what the worker of an environment says; touches no table."""
        self._now = now
        self._attempts.hear(environment, report, now)

    def watch(self, now: float) -> float | None:
        """Look after the workers, which touches no table; returns when to come back."""
        self._now = now
        due = self._attempts.watch(now), self._crew.tick(now)
        return min((at for at in due if at is not None), default=None)

    def finished(self, now: float) -> Current | None:
        """An attempt whose result is to be published before `advance` can note its end."""
        return self._attempts.finished(now)

    def publish(self, current: Current) -> None:
        """Publish a finished result. May run on any thread: it touches no table."""
        self._attempts.publish(current)

    def advance(self, now: float) -> None:
        """Note what has ended and begin what is next, in the open batch."""
        self._retention.forget_trimmed()
        self._attempts.note_ends(now)
        self._attempts.begin(now)

    def committed(self, now: float, error: sqlite3.Error | None = None) -> None:
        """The batch is on the disk; or none of it, for the reason in `error`."""
        self._attempts.committed(now, error)

    def stop(self) -> None:
        """Put what runs back into the queue: its end is not its own fault."""
        self._attempts.stop()

    def _get(self, job_id: str, owner: str | None = None) -> StoredJob:
        job = self._store.by_id(job_id)
        if job is None or owner not in (None, job.owner):
            raise UnknownJobError(
                f"There is no job {job_id[:40]!r}.", hint="`musiscene jobs` lists them."
            )
        return job

    def _info(self, job: StoredJob) -> JobInfo:
        eta_s = self._forecast.eta_s(job, self._now)
        waits_for = self._crew.waits_for(job.engine) if job.state == "queued" else ""
        eta_s = None if waits_for else eta_s
        return as_info(job, self._attempts.of(job.id), self._library.root, eta_s, waits_for)

    def _note_change(self, job_id: str) -> None:
        self._changed[job_id] = None
