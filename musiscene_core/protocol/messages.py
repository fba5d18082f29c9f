"""What clients and the daemon say to each other: one struct a message.

A conversation is request, reply, and, once subscribed, events. Every message travels behind a
`Header` that carries the protocol version, so that two versions can refuse each other in words:
the shapes of `Header`, `Failure` and `Malformed` never change. Unknown fields are ignored, so a
field with a default may be added without a new version.

Knows nothing of sockets or bytes.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from musiscene_core.cue import StemRole
from musiscene_core.request import ScoreRequest
from musiscene_core.timeline import TimelineRange

PROTOCOL_VERSION = 1
"""Raised whenever an older reader would misunderstand a newer writer."""

JobKind = Literal["spot", "score"]
JobState = Literal["queued", "running", "done", "failed", "cancelled"]
ENDED: frozenset[JobState] = frozenset({"done", "failed", "cancelled"})
MAX_KEY_LENGTH = 128


class Header(msgspec.Struct, frozen=True, array_like=True):
    """What stands before every message; frozen for all versions.

    Attributes:
        protocol: the sender's PROTOCOL_VERSION.
        request: the client's number for a request and its reply; 0 for events.
    """

    protocol: int
    request: int = 0


class JobError(msgspec.Struct, frozen=True):
    """Why a job failed: the parts of one of our errors."""

    code: str
    message: str
    hint: str = ""


class JobInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A job as it stands.

    Attributes:
        id: names it in requests.
        kind: what it does.
        state: where it is in its life; the last three in JobState are final.
        cue: the cue it is about.
        created: Unix time of submission, in seconds.
        stage: what it is doing, in the user's words; empty unless running.
        fraction: how far it is, 0 to 1.
        attempts: how often it was begun.
        cancelling: whether it was told to stop but still runs.
        error: why it failed; None otherwise.
        folder: absolute path of its result; empty until done.
        takes: subfolders of `folder`, one a take, in order; empty for other kinds.
    """

    id: str
    kind: JobKind
    state: JobState
    cue: str
    created: float
    stage: str = ""
    fraction: float = 0.0
    attempts: int = 0
    cancelling: bool = False
    error: JobError | None = None
    folder: str = ""
    takes: tuple[str, ...] = ()

    @property
    def ended(self) -> bool:
        """Whether nothing will happen to it any more."""
        return self.state in ENDED


class EngineInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What an engine is and can do.

    Attributes:
        name: what a ScoreRequest calls it.
        version: changes when the same request would give other bytes.
        description: a sentence for the user.
        max_length_s: longest range it scores, in seconds.
        stems: the stems it delivers; empty where it makes a mix alone.
        hit_points: whether it meets them.
        licence: of the music it makes: SPDX name, or the model's own.
        commercial_use: whether that licence allows it.
        reference_audio: whether the temp track can steer it.
        memory_bytes: what it needs in memory while at work; 0 where nothing to speak of.
    """

    name: str
    version: str
    description: str
    max_length_s: float
    stems: tuple[StemRole, ...]
    hit_points: bool
    licence: str
    commercial_use: bool
    reference_audio: bool = False
    memory_bytes: int = 0


class BrokenEngine(msgspec.Struct, frozen=True):
    """An engine that is installed but does not load, and why."""

    name: str
    reason: str


class DaemonStatus(msgspec.Struct, frozen=True, kw_only=True, tag="status"):
    """The daemon as it stands.

    Attributes:
        version: of the package it runs.
        protocol: its PROTOCOL_VERSION.
        pid: its process.
        uptime_s: seconds since it began.
        jobs_queued: jobs that wait.
        jobs_running: jobs at work.
        engines: what can score; empty until the worker has started.
        broken_engines: installed engines that do not load.
        data_folder: where takes and jobs are kept.
        worker_pid: the process at work or waiting for work; 0 while there is none.
        worker_ready: whether it has started.
        malformed: messages refused because they could not be read.
    """

    version: str
    protocol: int
    pid: int
    uptime_s: float
    jobs_queued: int
    jobs_running: int
    engines: tuple[EngineInfo, ...]
    data_folder: str
    broken_engines: tuple[BrokenEngine, ...] = ()
    worker_pid: int = 0
    worker_ready: bool = False
    malformed: int = 0


class Hello(msgspec.Struct, frozen=True, tag="hello"):
    """Opens a conversation; answered by Welcome.

    Attributes:
        client: what the client calls itself.
        version: of the client's package.
    """

    client: str = ""
    version: str = ""


class Ping(msgspec.Struct, frozen=True, tag="ping"):
    """Asks whether anyone is there; answered by Pong."""


class GetStatus(msgspec.Struct, frozen=True, tag="get_status"):
    """Asks for DaemonStatus."""


class SubmitSpot(msgspec.Struct, frozen=True, tag="submit_spot"):
    """Asks to spot a range; answered by Accepted once the job can no longer be lost.

    Attributes:
        timeline: the range.
        key: the client's own name for this wish: sent again, it gives the same job again.
    """

    timeline: TimelineRange
    key: str


class SubmitScore(msgspec.Struct, frozen=True, tag="submit_score"):
    """Asks to score a request; answered by Accepted once the job can no longer be lost.

    Attributes:
        request: what is wanted.
        key: the client's own name for this wish: sent again, it gives the same job again.
    """

    request: ScoreRequest
    key: str


class GetJob(msgspec.Struct, frozen=True, tag="get_job"):
    """Asks for one JobReply."""

    job_id: str


class ListJobs(msgspec.Struct, frozen=True, tag="list_jobs"):
    """Asks for JobList."""


class CancelJob(msgspec.Struct, frozen=True, tag="cancel_job"):
    """Asks to cancel a job; answered by JobReply. A job that has ended stays as it is."""

    job_id: str


class Subscribe(msgspec.Struct, frozen=True, tag="subscribe"):
    """Asks for a JobEvent whenever a job changes; answered by Subscribed.

    Attributes:
        job_id: the one job to hear of; empty for all.
    """

    job_id: str = ""


class Unsubscribe(msgspec.Struct, frozen=True, tag="unsubscribe"):
    """Ends the subscription to `job_id` (empty: the one to all); answered by Done."""

    job_id: str = ""


class Shutdown(msgspec.Struct, frozen=True, tag="shutdown"):
    """Asks the daemon to leave; answered by Done. A running job begins anew at the next start."""


class Welcome(msgspec.Struct, frozen=True, tag="welcome"):
    """The daemon greets: its package version, protocol version and process."""

    version: str
    protocol: int
    pid: int


class Pong(msgspec.Struct, frozen=True, tag="pong"):
    """The daemon is there."""


class Done(msgspec.Struct, frozen=True, tag="done"):
    """It was done; there is nothing more to say."""


class Accepted(msgspec.Struct, frozen=True, tag="accepted"):
    """A job is on the disk.

    Attributes:
        job_id: its name from now on.
        new: False where the key had named a job before.
    """

    job_id: str
    new: bool


class JobReply(msgspec.Struct, frozen=True, tag="job"):
    """One job as it stands."""

    job: JobInfo


class JobList(msgspec.Struct, frozen=True, tag="jobs"):
    """The jobs the daemon remembers, oldest first."""

    jobs: tuple[JobInfo, ...]


class Subscribed(msgspec.Struct, frozen=True, tag="subscribed"):
    """Events follow; this is how things stand before the first.

    Attributes:
        sequence: number of the last event meant for this subscriber; the next is one higher.
        jobs: the job subscribed to, or all that are remembered.
    """

    sequence: int
    jobs: tuple[JobInfo, ...]


class Failure(msgspec.Struct, frozen=True, tag="failure"):
    """The request is refused: the parts of one of our errors; frozen for all versions."""

    code: str
    message: str
    hint: str = ""


class Malformed(msgspec.Struct, frozen=True, tag="malformed"):
    """The request could not be read; frozen for all versions."""

    reason: str


class JobEvent(msgspec.Struct, frozen=True, tag="job_event"):
    """A subscribed job changed. A hint: events may be lost, a snapshot is the truth.

    Attributes:
        sequence: counts the events meant for this subscriber; a gap means lost ones.
        job: the job as it stands.
    """

    sequence: int
    job: JobInfo


Request: TypeAlias = (
    Hello
    | Ping
    | GetStatus
    | SubmitSpot
    | SubmitScore
    | GetJob
    | ListJobs
    | CancelJob
    | Subscribe
    | Unsubscribe
    | Shutdown
)
Reply: TypeAlias = (
    Welcome
    | Pong
    | Done
    | DaemonStatus
    | Accepted
    | JobReply
    | JobList
    | Subscribed
    | Failure
    | Malformed
)
FromDaemon: TypeAlias = Reply | JobEvent
