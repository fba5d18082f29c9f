"""The daemon's loop without its socket and its disk thread: one turn when the test says so."""

from __future__ import annotations

from musiscene_daemon.jobs import Jobs
from musiscene_daemon.store import Store


def turn(jobs: Jobs, store: Store, now: float) -> None:
    """Do what is due at `now`, a loop's monotonic time, and put it on the disk."""
    jobs.watch(now)
    while (finished := jobs.finished(now)) is not None:
        jobs.publish(finished)
    with store.batch():
        jobs.advance(now)
    jobs.committed(now)
