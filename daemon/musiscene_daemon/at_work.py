"""The job at work, and how it ended, until the disk knows it too."""

from __future__ import annotations

from pathlib import Path

import msgspec

from musiscene_core.protocol.state import (
    JobError,
    JobInfo,
    JobState,
)
from musiscene_daemon.store import StoredJob


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How the job at work ended."""

    state: JobState
    error: JobError | None = None
    takes: tuple[str, ...] = ()


class Current:
    """The job at work: what of it need not survive a crash.

    Attributes:
        job: as it was when this attempt began.
        partial: where the attempt builds its result.
        stage: what it is doing.
        fraction: how far it is, 0 to 1.
        began_at: when this attempt began.
        ended_at: when its worker said how it ended.
        slept: whether time went by meanwhile in which nobody worked.
        heard_at: when its worker last said anything.
        kill_at: when its worker is to be killed; None while it is wanted.
        silent: whether its worker was killed for saying nothing.
        outcome: how it ended; None while it runs.
        note_at: when to note that on the disk.
        noting: whether noting it failed before.
        discarded: whether what it half made is being deleted.
    """

    def __init__(self, job: StoredJob, partial: Path, now: float) -> None:
        self.job = job
        self.partial = partial
        self.stage = ""
        self.fraction = 0.0
        self.began_at = self.ended_at = now
        self.slept = False
        self.heard_at = now
        self.kill_at: float | None = None
        self.silent = False
        self.outcome: Outcome | None = None
        self.note_at = now
        self.noting = False
        self.discarded = False

    @property
    def wanted(self) -> bool:
        """Whether it could still be cancelled, and was not yet."""
        if self.outcome is not None:
            return self.outcome.state == "queued"
        return self.kill_at is None


def as_info(job: StoredJob, current: Current | None, root: Path, eta_s: float | None) -> JobInfo:
    """What a client hears of `job`, whose result lies below `root`."""
    at_work = None
    if current is not None and current.job.id == job.id and job.state == "running":
        at_work = current
    fraction = 1.0 if job.state == "done" else 0.0
    return JobInfo(
        id=job.id,
        kind=job.kind,
        state=job.state,
        cue=job.cue,
        created=job.created,
        stage=at_work.stage if at_work is not None else "",
        fraction=at_work.fraction if at_work is not None else fraction,
        attempts=job.attempts,
        cancelling=job.cancelling,
        error=job.error,
        folder=str(root / job.folder) if job.folder else "",
        takes=job.takes,
        priority=job.priority,
        eta_s=eta_s,
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
