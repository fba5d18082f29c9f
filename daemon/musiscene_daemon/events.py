"""Who wants to hear of which job. Events are hints: a slow subscriber loses some, and sees it."""

from __future__ import annotations

from collections.abc import Callable

from musiscene_core.protocol.messages import JobEvent
from musiscene_core.protocol.state import JobInfo

MAX_SUBSCRIBERS = 1024
MAX_JOBS_EACH = 256

Hears = Callable[[str], bool]
"""Whether a subscriber may hear of the job with this id now."""

Send = Callable[[bytes, JobEvent], bool]
"""Sends an event to a routing id without waiting; False where that client is gone."""


class _Subscriber:
    def __init__(self) -> None:
        self.jobs: set[str] = set()
        self.sequence = 0
        self.hears: Hears | None = None


class EventHub:
    """The subscriptions, by routing id; the empty job id stands for all jobs."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._subscribers: dict[bytes, _Subscriber] = {}

    @property
    def count(self) -> int:
        """How many programs listen."""
        return len(self._subscribers)

    def subscribe(self, routing_id: bytes, job_id: str, hears: Hears | None = None) -> int | None:
        """Add a subscription; returns its last sequence number, None where there are too many.

        Asked for each event, `hears` can keep jobs from this subscriber.
        """
        known = self._subscribers.get(routing_id)
        if known is None:
            if len(self._subscribers) >= MAX_SUBSCRIBERS:
                return None
            known = self._subscribers[routing_id] = _Subscriber()
        if len(known.jobs) >= MAX_JOBS_EACH and job_id not in known.jobs:
            return None
        known.jobs.add(job_id)
        known.hears = hears
        return known.sequence

    def unsubscribe(self, routing_id: bytes, job_id: str) -> None:
        """End one subscription."""
        known = self._subscribers.get(routing_id)
        if known is not None:
            known.jobs.discard(job_id)
            if not known.jobs:
                del self._subscribers[routing_id]

    def publish(self, job: JobInfo) -> None:
        """Tell the subscribers of `job` how it stands; forget those that are gone."""
        for routing_id, known in list(self._subscribers.items()):
            wanted = "" in known.jobs or job.id in known.jobs
            if wanted and (known.hears is None or known.hears(job.id)):
                known.sequence += 1
                if not self._send(routing_id, JobEvent(known.sequence, job)):
                    del self._subscribers[routing_id]
                elif job.ended:
                    self._forget(routing_id, known, job.id)

    def _forget(self, routing_id: bytes, known: _Subscriber, job_id: str) -> None:
        known.jobs.discard(job_id)
        if not known.jobs:
            del self._subscribers[routing_id]
