"""When each job will have ended, as far as anyone can say.

A running job by what such jobs took before and by its own pace so far; a waiting one by all that
begins before it. Knows the queue's rule, not how work is timed.
"""

from __future__ import annotations

from musiscene_daemon.at_work import Current
from musiscene_daemon.estimates import Estimator
from musiscene_daemon.fairness import in_turn
from musiscene_daemon.store import Store, StoredJob

MAX_PLANNED = 256
"""Where more wait, no waiting job is foretold: it would cost time and mean little."""

_OVERDUE = 0.1
"""What is late by the past's measure needs at least this share of its time so far."""
_TELLING = 0.1
"""From this fraction on, a job's own pace says something by itself."""


def remaining(predicted: float | None, elapsed: float, fraction: float) -> float | None:
    """Seconds that a running job still needs, never negative.

    Args:
        predicted: what such jobs took before; None where nobody knows.
        elapsed: seconds since it began.
        fraction: how far it says it is, 0 to 1.
    """
    pace = elapsed * (1.0 - fraction) / fraction if fraction > 0.0 else 0.0
    if predicted is None:
        return max(0.0, pace) if fraction >= _TELLING else None
    by_past = max(predicted - elapsed, _OVERDUE * elapsed)
    # The further it is, the more its own pace counts.
    return max(0.0, (1.0 - fraction) * by_past + fraction * pace)


class Forecast:
    """Foretells the ends of jobs, from the job table and the estimator."""

    def __init__(self, store: Store, estimator: Estimator) -> None:
        self._store = store
        self._estimator = estimator
        self._planned_at = -1
        self._plan: dict[str, float] = {}

    def eta_s(self, job: StoredJob, current: Current | None, now: float) -> float | None:
        """Seconds until `job` has ended, the wait included; None where nobody can say."""
        if job.state == "running" and current is not None and current.job.id == job.id:
            return self._left(current, now)
        if job.state != "queued":
            return None
        ahead = self._left(current, now) if current is not None else 0.0
        own = self._planned().get(job.id)
        return ahead + own if ahead is not None and own is not None else None

    def _left(self, current: Current, now: float) -> float | None:
        if current.outcome is not None:
            return 0.0
        job = current.job
        predicted = self._estimator.seconds(job.kind, job.engine, job.length_s, job.wanted)
        return remaining(predicted, max(0.0, now - current.began_at), current.fraction)

    def _planned(self) -> dict[str, float]:
        """Seconds from now to each waiting job's end, were nothing running."""
        if self._planned_at == self._store.writes:
            return self._plan
        self._planned_at, self._plan = self._store.writes, {}
        if self._store.count("queued") > MAX_PLANNED:
            return self._plan
        total = 0.0
        for job in in_turn(self._store.queue(), self._store.history()):
            took = self._estimator.seconds(job.kind, job.engine, job.length_s, job.wanted)
            if took is None:
                break
            total += took
            self._plan[job.id] = total
        return self._plan
