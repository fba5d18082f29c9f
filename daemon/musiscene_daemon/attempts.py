"""The attempts under way: at most one in each environment, from its turn to its noted end.

An attempt that ends by its worker's death goes back and gives its turn back; cancelling kills the
worker where a job does not stop within the grace. What is written here shares the batch that is
open, and nothing is told to a worker before that batch is on the disk. Durations are measured on
the loop's monotonic time. Knows the workers only by what they report, and clients not at all.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterator

import msgspec

from musiscene_core.errors import MusiSceneError
from musiscene_core.protocol.state import JobError, JobState
from musiscene_daemon.at_work import Current, Outcome, crashed, manner
from musiscene_daemon.crew import Crew
from musiscene_daemon.environments import MAIN
from musiscene_daemon.estimates import Estimator
from musiscene_daemon.retention import Retention
from musiscene_daemon.settings import Settings
from musiscene_daemon.store import Store, StoredJob
from musiscene_daemon.takes import TakeLibrary
from musiscene_daemon.wishes import MUSICAL
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

_RETRY_NOTING_S = 0.5
_ASLEEP_S = 5.0
_EARLIER_RESULTS = 3


class Attempts:
    """The jobs at work. For the thread of the job table."""

    def __init__(
        self,
        store: Store,
        library: TakeLibrary,
        crew: Crew,
        settings: Settings,
        *,
        estimator: Estimator,
        retention: Retention,
        changed: Callable[[str], None],
    ) -> None:
        """Begin and end jobs of `store`; `changed` hears of each job that is not as it was."""
        self._store = store
        self._library = library
        self._crew = crew
        self._settings = settings
        self._estimator = estimator
        self._retention = retention
        self._changed = changed
        self._current: dict[str, Current] = {}
        self._begin_at: dict[str, float] = {}
        self._scanned: tuple[object, ...] = ()
        self._ticked_at: float | None = None

    def __iter__(self) -> Iterator[Current]:
        """All of them."""
        return iter(tuple(self._current.values()))

    def __len__(self) -> int:
        return len(self._current)

    def of(self, job_id: str) -> Current | None:
        """The attempt at the job called `job_id`, if it is at work."""
        return next((one for one in self if one.job.id == job_id), None)

    def within(self, environment: str) -> Current | None:
        """The attempt in an environment."""
        return self._current.get(environment)

    def hear(self, environment: str, report: Report, now: float) -> None:
        """Take in what the worker of an environment says."""
        current = self._current.get(environment)
        if current is None or not current.begun:
            return
        current.heard_at = now
        if isinstance(report, WorkerGone):
            self._worker_died(current, report, now)
            return
        if current.outcome is not None or getattr(report, "job_id", None) != current.job.id:
            return
        if isinstance(report, JobProgressed):
            current.stage, current.fraction = report.stage, report.fraction
            current.writing = report.writing
            self._changed(current.job.id)
        elif isinstance(report, JobFinished) and current.kill_at is None:
            current.outcome = Outcome(state="done", takes=report.takes, found=report.found)
            current.ended_at = now
        elif isinstance(report, JobFinished | JobStopped):
            current.outcome = Outcome(state="cancelled")
        elif isinstance(report, JobBroke):
            if report.where:
                log.error("job %s: %s", current.job.id, report.where)
            error = JobError(code=report.code, message=report.message, hint=report.hint)
            state: JobState = "failed" if current.kill_at is None else "cancelled"
            current.outcome = Outcome(state=state, error=error if state == "failed" else None)

    def cancel(self, current: Current, now: float) -> None:
        """Have an attempt stop, at once or within the grace."""
        if current.outcome is not None:
            if current.outcome.state == "queued" and not current.noted:
                current.outcome = Outcome(state="cancelled")
        elif current.kill_at is None:
            current.kill_at = now + self._settings.cancel_grace_s
            if current.begun:
                self._crew.members[current.environment].send(StopJob(current.job.id))
            self._changed(current.job.id)

    def watch(self, now: float) -> float | None:
        """Kill the workers that are to be killed; returns when to come back. Touches no table."""
        slept = self._ticked_at is not None and now - self._ticked_at > _ASLEEP_S
        self._ticked_at = now
        due: list[float] = [at for at in self._begin_at.values() if at > now]
        for current in self:
            if current.outcome is not None:
                # What is due already is done in this turn, or waits for the disk.
                if current.note_at > now:
                    due.append(current.note_at)
                continue
            if slept:
                # The machine slept, or this process was stopped: the worker had no say meanwhile.
                current.heard_at = now
                current.slept = True
            if current.begun:
                self._watch(current, now)
                due += self._due(current)
        return min(due, default=None)

    def _due(self, current: Current) -> Iterator[float]:
        if not current.silent:
            yield current.heard_at + self._settings.silence_s
        if current.kill_at is not None:
            yield current.kill_at

    def finished(self, now: float) -> Current | None:
        """An attempt whose result is to be published next."""
        for current in self:
            done = current.outcome is not None and current.outcome.state == "done"
            if done and not current.place and now >= current.note_at:
                return current
        return None

    def publish(self, current: Current) -> None:
        """Publish a finished result. May run on any thread: it touches no table."""
        job = current.job
        place = self._library.place(job.kind, job.cue, job.id)
        try:
            self._library.publish(current.partial, place)
        except MusiSceneError as error:
            said = JobError(code=error.code, message=error.message, hint=error.hint)
            current.outcome = Outcome(state="failed", error=said)
        else:
            current.place = place

    def note_ends(self, now: float) -> None:
        """Write how attempts ended, in the open batch."""
        for current in self:
            outcome = current.outcome
            if outcome is None or current.noted or now < current.note_at:
                continue
            if outcome.state == "done" and not current.place:
                continue
            if outcome.state != "done" and not current.discarded:
                # Before noting, which needs room on the disk that this may be filling.
                self._library.discard([current.partial])
                current.discarded = True
            try:
                self._note(current, outcome)
            except sqlite3.Error as error:
                self._refused(current, error)
            current.noted = True

    def begin(self, now: float) -> None:
        """Begin the jobs whose turn it is, in the open batch."""
        idle = [
            name
            for name, member in self._crew.members.items()
            if name not in self._current
            and now >= self._begin_at.get(name, 0.0)
            and (member.ready or self._crew.given_up(name))
        ]
        if not idle or self._scanned == (self._store.writes, self._crew.turns, idle):
            return
        try:
            for name in idle:
                self._begin_in(name, now)
        except sqlite3.Error as error:
            log.error("the job table cannot be written: %s", type(error).__name__)
            self._begin_at = dict.fromkeys(self._crew.members, now + _RETRY_NOTING_S)
        else:
            self._scanned = self._store.writes, self._crew.turns, idle

    def committed(self, now: float, error: sqlite3.Error | None) -> None:
        """The batch is on the disk; or none of it, for the reason in `error`."""
        for name, current in tuple(self._current.items()):
            if current.noted:
                if error is not None:
                    self._refused(current, error)
                    current.noted, current.note_at = False, now + _RETRY_NOTING_S
                else:
                    self._ended(current)
            elif not current.begun and current.outcome is None:
                if error is None:
                    self._send(current)
                else:
                    del self._current[name]
                    self._begin_at[name] = now + _RETRY_NOTING_S

    def stop(self) -> None:
        """Note the ends, and put what runs back into the queue: its end is not its own fault."""
        for current in self:
            if current.outcome is not None and current.outcome.state == "done":
                if not current.place:
                    self.publish(current)
            elif current.outcome is None:
                current.outcome = _unbegun(current)
            try:
                self._note(current, current.outcome)
            except sqlite3.Error:
                log.error("job %s: its end cannot be noted; the next start will", current.job.id)
        self._current.clear()

    def _watch(self, current: Current, now: float) -> None:
        member = self._crew.members[current.environment]
        if current.kill_at is not None and now >= current.kill_at:
            log.info("job %s: did not stop in time", current.job.id)
            member.kill()
            current.kill_at = now + self._settings.cancel_grace_s
        elif not current.silent and now - current.heard_at > self._settings.silence_s:
            log.warning("job %s: its worker has fallen silent", current.job.id)
            current.silent = True
            member.kill()

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
            wait_s = delays[min(job.attempts, len(delays)) - 1]
            self._begin_at[current.environment] = now + wait_s
            log.warning("job %s: its worker ended; it begins anew", job.id)

    def _begin_in(self, environment: str, now: float) -> None:
        member = self._crew.members[environment]
        engines = self.engines_of(environment)
        if member.ready:
            job = self._store.next_queued(engines)
            if job is not None:
                self._begin(job, environment, now)
            return
        words = f"Its last words: {member.last_words}" if member.last_words else ""
        whose = "The daemon's worker" if environment == MAIN else f"The worker of {environment!r}"
        error = JobError(code="job_failed", message=f"{whose} does not start.", hint=words)
        for job_id in self._store.end_waiting("failed", engines=engines, error=error):
            self._changed(job_id)

    def engines_of(self, environment: str) -> tuple[str, ...] | None:
        """The engines named by jobs that belong to an environment; None stands for all."""
        if self._crew.is_one_pool:
            return None
        home = self._crew.members[environment].environment.home
        named = self._store.engines()
        return tuple(name for name in named if self._crew.home_of(name) == home)

    def _begin(self, job: StoredJob, environment: str, now: float) -> None:
        self._store.begin(job.id)
        begun = msgspec.structs.replace(job, state="running", attempts=job.attempts + 1)
        partial = self._library.partial(job.id, begun.attempts)
        engine = self._crew.offer(job.engine) if job.kind == "score" else None
        earlier: tuple[str, ...] = ()
        if engine is not None and engine.repeatable:
            like = self._store.like(job, _EARLIER_RESULTS)
            earlier = tuple(str(self._library.root / folder) for folder in like)
        command = RunJob(
            job_id=job.id,
            kind=job.kind,
            payload=self._store.payload(job.id),
            folder=str(partial),
            earlier=earlier,
        )
        self._current[environment] = Current(begun, command, environment, partial, now)

    def _send(self, current: Current) -> None:
        job = current.job
        member = self._crew.members[current.environment]
        if current.kill_at is not None or not member.ready:
            # Cancelled, or its worker gone, before it was told.
            current.outcome = _unbegun(current)
        else:
            current.begun = True
            member.send(current.command)
            log.info("job %s: attempt %d begins", job.id, job.attempts)
        self._changed(job.id)

    def _note(self, current: Current, outcome: Outcome) -> None:
        job = current.job
        if outcome.state == "queued":
            self._store.requeue(job.id, forgive=outcome.forgiven)
            return
        self._store.end(
            *(job.id, outcome.state),
            error=outcome.error,
            folder=current.place,
            takes=outcome.takes,
        )
        # What slept took longer than such work takes, and what was found less.
        told = outcome.state == "done" and not current.slept and not outcome.found
        if told and job.length_s > 0:
            self._store.learn(job, current.ended_at - current.began_at)
        self._retention.forget_old()

    def _ended(self, current: Current) -> None:
        job, outcome = current.job, current.outcome
        del self._current[current.environment]
        self._changed(job.id)
        self._estimator.forget(job.kind, job.engine)
        if current.place and job.kind not in MUSICAL:
            self._retention.trim_briefs()
        log.info("job %s: %s", job.id, outcome.state if outcome is not None else "")

    def _refused(self, current: Current, error: sqlite3.Error) -> None:
        level = logging.DEBUG if current.noting else logging.ERROR
        reason = type(error).__name__
        log.log(level, "job %s: its end cannot be noted: %s", current.job.id, reason)
        current.noting = True


def _unbegun(current: Current) -> Outcome:
    if current.kill_at is not None:
        return Outcome(state="cancelled")
    return Outcome(state="queued", forgiven=True)
