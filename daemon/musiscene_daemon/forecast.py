"""When each job will have ended, as far as anyone can say.

A running job by what such jobs took before and by its own pace so far; a waiting one by all that
begins before it on the same worker. Knows not how work is timed.
"""

from __future__ import annotations

import heapq

from musiscene_daemon.at_work import Current
from musiscene_daemon.attempts import Attempts
from musiscene_daemon.crew import Crew
from musiscene_daemon.estimates import Estimator
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
    """Foretells the ends of jobs, from the job table, what is at work, and the estimator."""

    def __init__(self, store: Store, estimator: Estimator, attempts: Attempts, crew: Crew) -> None:
        self._store = store
        self._estimator = estimator
        self._attempts = attempts
        self._crew = crew
        self._planned_at = (-1, -1)
        self._plan: dict[str, tuple[str, float]] = {}

    def eta_s(self, job: StoredJob, now: float) -> float | None:
        """Seconds until `job` has ended, the wait included; None where nobody can say."""
        if job.state == "running":
            current = self._attempts.of(job.id)
            return self._left(current, now) if current is not None else None
        if job.state != "queued":
            return None
        environment, own = self._planned().get(job.id, ("", None))
        current = self._attempts.within(environment)
        ahead = self._left(current, now) if current is not None else 0.0
        return ahead + own if ahead is not None and own is not None else None

    def _left(self, current: Current, now: float) -> float | None:
        if current.outcome is not None:
            return 0.0
        job = current.job
        predicted = self._estimator.seconds(job.kind, job.engine, job.length_s, job.wanted)
        return remaining(predicted, max(0.0, now - current.began_at), current.fraction)

    def _planned(self) -> dict[str, tuple[str, float]]:
        """The environment of each waiting job, and seconds to its end, were nothing running."""
        state = self._store.writes, self._crew.turns
        if self._planned_at == state:
            return self._plan
        self._planned_at, self._plan = state, {}
        if self._store.count("queued") <= MAX_PLANNED:
            for pool in dict.fromkeys(map(self._crew.pool_of, self._crew.members)):
                self._foretell(pool)
        return self._plan

    def _foretell(self, pool: tuple[str, ...]) -> None:
        totals = [(0.0, environment) for environment in pool]
        for job in self._store.queue(self._attempts.engines_of(pool[0])):
            took = self._estimator.seconds(job.kind, job.engine, job.length_s, job.wanted)
            if took is None:
                break
            total, environment = heapq.heappop(totals)
            total += took
            heapq.heappush(totals, (total, environment))
            self._plan[job.id] = environment, total
