"""Reading what the daemon answered: the message asked for, or the error it stands for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from musiscene_core.errors import DaemonError, from_code
from musiscene_core.protocol.messages import Failure, Malformed, Reply
from musiscene_core.protocol.state import JobInfo

R = TypeVar("R")


def expected(reply: Reply, kind: type[R]) -> R:
    """`reply`, where it is of the kind asked for; else the error it stands for."""
    if isinstance(reply, kind):
        return reply
    if isinstance(reply, Failure):
        raise from_code(reply.code, reply.message, reply.hint)
    if isinstance(reply, Malformed):
        raise DaemonError(
            f"The daemon cannot read the request: {reply.reason}.",
            hint="Stop it with `musiscene daemon stop` and run the command again.",
        )
    raise DaemonError(f"The daemon answered with {type(reply).__name__}, not {kind.__name__}.")


def changed(jobs: tuple[JobInfo, ...], seen: dict[str, JobInfo]) -> Iterator[JobInfo]:
    """The jobs that stand otherwise than `seen` says, which learns of them.

    Of a job never seen before, having ended is no news at the first look.
    """
    first = not seen
    for job in jobs:
        news = seen.get(job.id) != job and not (first and job.ended)
        seen[job.id] = job
        if news:
            yield job
