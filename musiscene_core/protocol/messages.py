"""What clients and the daemon say to each other: one struct a message.

A conversation is request, reply, and, once subscribed, events. Every message travels behind a
`Header` that carries the protocol version, so that two versions can refuse each other in words:
the shapes of `Header`, `Failure` and `Malformed` never change. Unknown fields are ignored, so a
field with a default may be added without a new version.

Knows nothing of sockets or bytes.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from musiscene_core.library.records import TakePage, TakeQuery, TakeRecord
from musiscene_core.protocol.state import (
    BrokenEngine,
    CancelScope,
    CaptionerInfo,
    EngineInfo,
    JobInfo,
    JobKind,
    ModelInfo,
    PairedClient,
    WorkerInfo,
)
from musiscene_core.protocol.submissions import (
    SubmitCaption,
    SubmitCompose,
    SubmitConform,
    SubmitListen,
    SubmitScore,
    SubmitSpot,
)
from musiscene_core.request import LicenceNeed

PROTOCOL_VERSION = 1
"""Raised whenever an older reader would misunderstand a newer writer."""

MAX_KEY_LENGTH = 128


class Header(msgspec.Struct, frozen=True, array_like=True):
    """What stands before every message; frozen for all versions.

    Attributes:
        protocol: the sender's PROTOCOL_VERSION.
        request: the client's number for a request and its reply; 0 for events.
    """

    protocol: int
    request: int = 0


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
        broken_engines: installed engines and captioners that do not load.
        data_folder: where takes and jobs are kept.
        worker_pid: the process at work or waiting for work; 0 while there is none.
        worker_ready: whether it has started.
        malformed: messages refused because they could not be read.
        refused: connections not let in.
        lost_events: events not sent because a client did not read.
        models: the models in memory.
        workers: each worker, the daemon's own environment's first.
        captioners: what can put sound into words; empty until the worker has started.
        licence: what everything that is made here is for.
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
    refused: int = 0
    lost_events: int = 0
    models: tuple[ModelInfo, ...] = ()
    workers: tuple[WorkerInfo, ...] = ()
    captioners: tuple[CaptionerInfo, ...] = ()
    licence: LicenceNeed = "any"


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


class GetMetrics(msgspec.Struct, frozen=True, tag="get_metrics"):
    """Asks for Metrics."""


class GetModels(msgspec.Struct, frozen=True, tag="get_models"):
    """Asks for ModelList."""


class UnloadModel(msgspec.Struct, frozen=True, tag="unload_model"):
    """Asks to unload a model; answered by Done. It goes once nobody works with it."""

    model: str


class GetJob(msgspec.Struct, frozen=True, tag="get_job"):
    """Asks for one JobReply."""

    job_id: str


class ListJobs(msgspec.Struct, frozen=True, tag="list_jobs"):
    """Asks for JobList."""


class CancelJob(msgspec.Struct, frozen=True, tag="cancel_job"):
    """Asks to cancel a job; answered by JobReply. A job that has ended stays as it is."""

    job_id: str


class CancelJobs(msgspec.Struct, frozen=True, tag="cancel_jobs"):
    """Asks to cancel many jobs, of the asking owner only; answered by JobsCancelled.

    Attributes:
        scope: the jobs of one `session`, all of mine, or all of mine that wait.
        session: which, for the first scope.
    """

    scope: CancelScope
    session: str = ""


class Estimate(msgspec.Struct, frozen=True, kw_only=True, tag="estimate"):
    """Asks how long a job would take once it begins; answered by Estimated.

    Attributes:
        kind: what it would do.
        length_s: of its range, in seconds.
        engine: who would score; empty where nothing is scored.
        takes: how many; 1 where nothing is scored.
    """

    kind: JobKind
    length_s: float
    engine: str = ""
    takes: int = 1


class Subscribe(msgspec.Struct, frozen=True, tag="subscribe"):
    """Asks for a JobEvent whenever a job changes; answered by Subscribed.

    Attributes:
        job_id: the one job to hear of; empty for all.
    """

    job_id: str = ""


class Unsubscribe(msgspec.Struct, frozen=True, tag="unsubscribe"):
    """Ends the subscription to `job_id` (empty: the one to all); answered by Done."""

    job_id: str = ""


class ListTakes(msgspec.Struct, frozen=True, tag="list_takes"):
    """Asks for TakeList. A take made just now may be missing for a moment."""

    query: TakeQuery = TakeQuery()


class MarkTake(msgspec.Struct, frozen=True, kw_only=True, tag="mark_take"):
    """Asks to make a take a favourite or to name it; answered by TakeReply.

    Attributes:
        take_id: the take, or the beginning of its id.
        favourite: None leaves it as it is.
        label: empty takes it off; None leaves it as it is.
    """

    take_id: str
    favourite: bool | None = None
    label: str | None = None


class DeleteTake(msgspec.Struct, frozen=True, kw_only=True, tag="delete_take"):
    """Asks to delete a take; answered by TakesDeleted.

    Attributes:
        take_id: the take, or the beginning of its id.
        even_favourite: else a favourite is refused.
    """

    take_id: str
    even_favourite: bool = False


class PurgeTakes(msgspec.Struct, frozen=True, tag="purge_takes"):
    """Asks to delete takes that are no favourites; answered by TakesDeleted.

    To be asked again while it says that there are more.
    """


class OpenPairing(msgspec.Struct, frozen=True, tag="open_pairing"):
    """Asks to let one more machine in; answered by PairingOpened. An older code dies."""


class ListPaired(msgspec.Struct, frozen=True, tag="list_paired"):
    """Asks for PairedList."""


class RevokePaired(msgspec.Struct, frozen=True, tag="revoke_paired"):
    """Asks to keep a paired machine out from now on; answered by Done."""

    name: str


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


class Metrics(msgspec.Struct, frozen=True, tag="metrics"):
    """What the daemon counts, in Prometheus' text format."""

    text: str


class ModelList(msgspec.Struct, frozen=True, tag="models"):
    """The models in memory, in the order of loading."""

    models: tuple[ModelInfo, ...]


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


class JobsCancelled(msgspec.Struct, frozen=True, tag="jobs_cancelled"):
    """So many jobs were cancelled, or told to stop; asked again, none is left."""

    count: int


class Estimated(msgspec.Struct, frozen=True, tag="estimated"):
    """How long such a job takes, learnt from earlier ones; None where too few were done."""

    seconds: float | None


class TakeList(msgspec.Struct, frozen=True, tag="takes"):
    """The takes asked for."""

    page: TakePage


class TakeReply(msgspec.Struct, frozen=True, tag="take"):
    """One take as the library lists it now."""

    take: TakeRecord


class TakesDeleted(msgspec.Struct, frozen=True, kw_only=True, tag="takes_deleted"):
    """Takes are gone.

    Attributes:
        takes: how many.
        bytes: what that sets free.
        more: whether there are more to delete.
    """

    takes: int
    bytes: int
    more: bool = False


class PairingOpened(msgspec.Struct, frozen=True, kw_only=True, tag="pairing_opened"):
    """A machine may be paired.

    Attributes:
        code: to be typed there.
        seconds: for how long.
    """

    code: str
    seconds: float


class PairedList(msgspec.Struct, frozen=True, kw_only=True, tag="paired_list"):
    """The paired machines.

    Attributes:
        clients: in the order of pairing.
        endpoint: where the daemon listens on the network; empty where it does not.
    """

    clients: tuple[PairedClient, ...]
    endpoint: str = ""


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
    | GetMetrics
    | GetModels
    | UnloadModel
    | SubmitSpot
    | SubmitScore
    | SubmitCompose
    | SubmitCaption
    | SubmitConform
    | SubmitListen
    | GetJob
    | ListJobs
    | CancelJob
    | CancelJobs
    | Estimate
    | Subscribe
    | Unsubscribe
    | ListTakes
    | MarkTake
    | DeleteTake
    | PurgeTakes
    | OpenPairing
    | ListPaired
    | RevokePaired
    | Shutdown
)
Reply: TypeAlias = (
    Welcome
    | Pong
    | Done
    | DaemonStatus
    | Metrics
    | ModelList
    | Accepted
    | JobReply
    | JobList
    | TakeList
    | TakeReply
    | TakesDeleted
    | JobsCancelled
    | Estimated
    | PairingOpened
    | PairedList
    | Subscribed
    | Failure
    | Malformed
)
FromDaemon: TypeAlias = Reply | JobEvent
