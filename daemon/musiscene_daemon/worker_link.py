"""What the daemon and its worker say to each other over the worker's pipes.

A message is four bytes of length, then msgpack. When either end dies the pipe closes, and the
other end sees it.
"""

from __future__ import annotations

import struct
from typing import IO, Any, TypeAlias

import msgspec

from musiscene_core.protocol.state import (
    BrokenEngine,
    CaptionerInfo,
    EngineInfo,
    GrowingText,
    JobKind,
    ModelInfo,
)

MAX_MESSAGE_BYTES = 16 << 20
NOT_REACHED = 3
"""Exit code of what stands in for a worker elsewhere, where it is not to be had; its last words
say why."""
_LENGTH = struct.Struct(">I")


class SentFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that went through the share.

    Attributes:
        path: what it is known by: where it lies at the sender's, or its name in a result.
        sha256: of what is in it, in hex.
        bytes: its size.
        changed_ns: when it was last changed, Unix time; 0 for one of a result.
        within: the folder that it belongs to and is known by; empty for one by itself.
    """

    path: str
    sha256: str
    bytes: int
    changed_ns: int = 0
    within: str = ""


class RunJob(msgspec.Struct, frozen=True, kw_only=True, tag="run"):
    """Begin a job.

    Attributes:
        job_id: names it in reports.
        kind: what to do.
        payload: msgpack of what wishes.PAYLOADS says.
        folder: where to build the result; made by the worker.
        earlier: results of jobs of the same content, which may do.
        sent: what the payload names, for a worker that gets it through a share.
    """

    job_id: str
    kind: JobKind
    payload: bytes
    folder: str
    earlier: tuple[str, ...] = ()
    sent: tuple[SentFile, ...] = ()


class StopJob(msgspec.Struct, frozen=True, tag="stop"):
    """Stop a job at its next sign of progress."""

    job_id: str


class ForgetModel(msgspec.Struct, frozen=True, tag="forget"):
    """Unload a model once nobody works with it."""

    model: str


class LookAgain(msgspec.Struct, frozen=True, tag="look"):
    """Say anew what engines and captioners offer: models came or went."""


class WorkerReady(msgspec.Struct, frozen=True, tag="ready"):
    """The worker has started, with these engines and captioners."""

    engines: tuple[EngineInfo, ...]
    broken: tuple[BrokenEngine, ...]
    captioners: tuple[CaptionerInfo, ...] = ()


class WorkerWaits(msgspec.Struct, frozen=True, tag="waits"):
    """The worker cannot start yet, for a reason that may pass: a cluster has no room for it."""

    reason: str


class LoadingEngine(msgspec.Struct, frozen=True, tag="loading"):
    """An engine or a captioner is about to be loaded, which the worker may not survive."""

    name: str


class OffersNow(msgspec.Struct, frozen=True, tag="offers"):
    """What engines and captioners say of themselves now: after work, or after LookAgain.

    Attributes:
        engines: all of them.
        captioners: likewise.
        looked: whether they were looked at again because somebody asked.
    """

    engines: tuple[EngineInfo, ...]
    captioners: tuple[CaptionerInfo, ...]
    looked: bool = False


class WorkerAlive(msgspec.Struct, frozen=True, tag="alive"):
    """A sign of life while a job runs."""


class ModelsHeld(msgspec.Struct, frozen=True, tag="models"):
    """What is in the worker's memory now."""

    models: tuple[ModelInfo, ...]


class JobProgressed(msgspec.Struct, frozen=True, tag="progressed"):
    """How far a job is, and the texts it wrote at last."""

    job_id: str
    stage: str
    fraction: float
    writing: tuple[GrowingText, ...] = ()


class JobFinished(msgspec.Struct, frozen=True, tag="finished"):
    """A job's result lies in its folder, on the disk.

    Attributes:
        job_id: the job.
        takes: its subfolders, one a take, in order.
        found: whether they were made before, by another job.
        parcel: where in the share its result lies, from a worker that delivers through one.
        sent: what is in it.
    """

    job_id: str
    takes: tuple[str, ...]
    found: bool = False
    parcel: str = ""
    sent: tuple[SentFile, ...] = ()


class JobStopped(msgspec.Struct, frozen=True, tag="stopped"):
    """A job stopped because it was told to."""

    job_id: str


class JobBroke(msgspec.Struct, frozen=True, kw_only=True, tag="broke"):
    """A job failed.

    Attributes:
        job_id: the job.
        code: of one of our errors.
        message: what is wrong.
        hint: what to do next.
        where: for the log: the calls that led to a mistake of ours; empty for a user's error.
        leaving: whether the worker ends with it, because the job cannot be stopped otherwise.
    """

    job_id: str
    code: str
    message: str
    hint: str = ""
    where: str = ""
    leaving: bool = False


class WorkerGone(msgspec.Struct, frozen=True, tag="gone"):
    """The worker ended; said by the daemon's own end of the pipe.

    Attributes:
        exit_code: negative for the signal that ended it.
        last_words: the end of what it wrote to its standard error.
    """

    exit_code: int
    last_words: str


Command: TypeAlias = RunJob | StopJob | ForgetModel | LookAgain
Report: TypeAlias = (
    WorkerReady
    | WorkerWaits
    | LoadingEngine
    | OffersNow
    | WorkerAlive
    | ModelsHeld
    | JobProgressed
    | JobFinished
    | JobStopped
    | JobBroke
    | WorkerGone
)


def write_message(pipe: IO[bytes], message: msgspec.Struct) -> None:
    """Write one message and flush it."""
    data = msgspec.msgpack.encode(message)
    pipe.write(_LENGTH.pack(len(data)) + data)
    pipe.flush()


def read_message(pipe: IO[bytes], kind: Any) -> Any:
    """Read one message of `kind`; None where the other end is gone.

    Raises:
        ValueError: the other end does not keep to the rules.
    """
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    if length > MAX_MESSAGE_BYTES:
        raise ValueError(f"a message of {length} bytes")
    data = pipe.read(length)
    if len(data) < length:
        return None
    return msgspec.msgpack.decode(data, type=kind)
