"""A job at work, and how it ended, until the disk knows it too."""

from __future__ import annotations

from pathlib import Path

import msgspec

from musiscene_core.protocol.state import (
    GrowingText,
    JobError,
    JobInfo,
    JobState,
)
from musiscene_daemon.store import StoredJob
from musiscene_daemon.worker_link import RunJob


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How a job at work ended.

    Attributes:
        state: what it is now; queued where it begins anew.
        error: why it failed.
        takes: what it made.
        found: whether it found them made already.
        forgiven: whether the attempt does not count: its end was not the job's own fault.
    """

    state: JobState
    error: JobError | None = None
    takes: tuple[str, ...] = ()
    found: bool = False
    forgiven: bool = False


class Current:
    """A job at work: what of it need not survive a crash.

    Attributes:
        job: as it was when this attempt began.
        command: what its worker is told.
        environment: whose worker does it.
        partial: where the attempt builds its result.
        begun: whether the disk knows of the attempt, and therefore the worker.
        stage: what it is doing.
        fraction: how far it is, 0 to 1.
        writing: the texts it wrote at last.
        began_at: when this attempt began.
        ended_at: when its worker said how it ended.
        slept: whether time went by meanwhile in which nobody worked.
        heard_at: when its worker last said anything.
        kill_at: when its worker is to be killed; None while it is wanted.
        foretold: whether it was told to stop before its cancelling was noted.
        silent: whether its worker was killed for saying nothing.
        outcome: how it ended; None while it runs.
        place: where its result was published; empty until then.
        note_at: when to note the outcome on the disk.
        noted: whether that was done, but for the commit.
        noting: whether noting it failed before.
        discarded: whether what it half made is being deleted.
    """

    def __init__(
        self, job: StoredJob, command: RunJob, environment: str, partial: Path, now: float
    ) -> None:
        self.job = job
        self.command = command
        self.environment = environment
        self.partial = partial
        self.begun = False
        self.stage = ""
        self.fraction = 0.0
        self.writing: tuple[GrowingText, ...] = ()
        self.began_at = self.ended_at = now
        self.slept = False
        self.heard_at = now
        self.kill_at: float | None = None
        self.foretold = False
        self.silent = False
        self.outcome: Outcome | None = None
        self.place = ""
        self.note_at = now
        self.noted = False
        self.noting = False
        self.discarded = False

    @property
    def wanted(self) -> bool:
        """Whether it could still be cancelled, and was not yet."""
        if self.outcome is not None:
            return self.outcome.state == "queued"
        return self.kill_at is None

    @property
    def stoppable(self) -> bool:
        """Whether it will not end in another way than cancelled once it was told to."""
        return self.outcome is None or self.outcome.state in ("queued", "cancelled")


def as_info(
    job: StoredJob, current: Current | None, root: Path, eta_s: float | None, waits_for: str = ""
) -> JobInfo:
    """What a client hears of `job`, whose result lies below `root`."""
    at_work = current if job.state == "running" else None
    fraction = 1.0 if job.state == "done" else 0.0
    return JobInfo(
        id=job.id,
        kind=job.kind,
        state=job.state,
        cue=job.cue,
        created=job.created,
        stage=at_work.stage if at_work is not None else waits_for,
        fraction=at_work.fraction if at_work is not None else fraction,
        attempts=job.attempts,
        cancelling=job.cancelling,
        error=job.error,
        folder=str(root / job.folder) if job.folder else "",
        takes=job.takes,
        priority=job.priority,
        eta_s=eta_s,
        writing=at_work.writing if at_work is not None else (),
    )


def manner(exit_code: int) -> str:
    """How a worker ended, for the user."""
    if exit_code < 0:
        return f"The last time it was ended by signal {-exit_code}."
    return f"The last time it ended with code {exit_code}."


def crashed(reason: str, attempts: int, *, hint: str = "") -> JobError:
    """The error of a job whose process died under it every time."""
    return JobError(
        code="job_failed",
        message=f"The job's process ended before it was done, {attempts} times. {reason}",
        hint=hint or "Mark a shorter range, or report it with the daemon's log, musiscened.log.",
    )
