"""A conversation that survives the daemon: asking, waiting for jobs, listening to all of them.

Where the daemon is gone it goes on with the next one, which is harmless because every submission
carries a key. Knows what a job is, not what is in one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from musiscene_core.errors import DaemonError
from musiscene_core.progress import Progress
from musiscene_core.protocol.channel import (
    Channel,
    ConnectionLostError,
    NoAnswerError,
    silent_daemon,
)
from musiscene_core.protocol.messages import (
    GetJob,
    JobEvent,
    JobReply,
    Request,
    Shutdown,
    Subscribe,
    Subscribed,
    Unsubscribe,
)
from musiscene_core.protocol.replies import changed, expected
from musiscene_core.protocol.state import GrowingText, JobInfo

R = TypeVar("R")
OnEta = Callable[[float | None], None]
"""Hears how many seconds are left; None where nobody can say."""
OnWriting = Callable[[tuple[GrowingText, ...]], None]
"""Hears the texts that a job writes, as far as they are; never of none."""

_RECONNECTS = 3
_SNAPSHOT_S = 1.0
"""How long to go without an event before asking how a job stands."""
_LOOK_S = 0.25
"""How long to listen before looking whether anybody still wants to hear."""
_WAITING = "Waiting to begin"


class Conversation:
    """With one daemon after the other, over a connection each. Not for several threads."""

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

    def close(self) -> None:
        """End it."""
        self._channel.close()

    def call(self, request: Request, kind: type[R]) -> R:
        """Ask, and ask the next daemon where this one is gone.

        Raises:
            DaemonError: there is none, or it is silent.
            MusiSceneError: it refuses.
        """
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

    def ended(
        self,
        job_id: str,
        on_progress: Progress,
        timeout: float | None,
        on_eta: OnEta | None,
        on_writing: OnWriting | None = None,
    ) -> JobInfo:
        """The job once it has ended. Subscribes, but believes only what a snapshot confirms.

        Raises:
            DaemonError: the daemon is gone or silent, or `timeout` seconds passed.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        job = self._subscribe(job_id)
        try:
            while not job.ended:
                if on_eta is not None:
                    on_eta(job.eta_s)
                if on_writing is not None and job.writing:
                    on_writing(job.writing)
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

    def changes(self, timeout_s: float | None, wanted: Callable[[], bool]) -> Iterator[JobInfo]:
        """Every change of every job; first the jobs that have not ended yet.

        Ends after `timeout_s` without a change, and soon after `wanted()` is false.
        """
        try:
            yield from self._changes(timeout_s, wanted)
        finally:
            self._channel.tell(Unsubscribe())

    def shutdown(self) -> None:
        """Tell the daemon to leave, and wait until it has let go of its socket."""
        try:
            self._channel.ask(Shutdown(), self._timeout_s)
            while self._channel.next_event(self._timeout_s) is not None:
                pass
        except ConnectionLostError:
            return
        except NoAnswerError:
            pass
        raise silent_daemon(self._channel.connection.pid, self._timeout_s)

    def _changes(self, timeout_s: float | None, wanted: Callable[[], bool]) -> Iterator[JobInfo]:
        seen: dict[str, JobInfo] = {}
        awaited = 0
        while True:
            if not awaited:
                snapshot = self.call(Subscribe(), Subscribed)
                yield from changed(snapshot.jobs, seen)
                awaited = snapshot.sequence + 1
            try:
                event = self._next_event(timeout_s, wanted)
            except ConnectionLostError:
                self._reconnect()
                awaited = 0
                continue
            if event is None:
                return
            if event.sequence < awaited:
                continue
            if event.sequence > awaited:
                awaited = 0
                continue
            awaited += 1
            seen[event.job.id] = event.job
            yield event.job

    def _next_event(self, timeout_s: float | None, wanted: Callable[[], bool]) -> JobEvent | None:
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while wanted():
            left = _LOOK_S if deadline is None else min(_LOOK_S, deadline - time.monotonic())
            event = self._channel.next_event(max(0.0, left))
            if event is not None or left <= 0:
                return event
        return None

    def _subscribe(self, job_id: str) -> JobInfo:
        return self.call(Subscribe(job_id=job_id), Subscribed).jobs[0]

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
        return self.call(GetJob(job_id=job_id), JobReply).job
