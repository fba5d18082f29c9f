"""A worker frees its garbage while it has nothing to do, or has long had no time for it."""

from __future__ import annotations

import gc
import queue
import threading
import weakref
from collections.abc import Iterator

import pytest

from musiscene_daemon import garbage
from musiscene_daemon.garbage import Garbage


class Ring:
    """What only a look at all objects frees, once it is no young one any more."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    usual = gc.get_threshold()
    yield
    gc.set_threshold(*usual)


@pytest.fixture
def ring() -> weakref.ref[Ring]:
    one = Ring()
    gc.collect()
    return weakref.ref(one)


def test_old_garbage_stays_however_much_is_made(ring: weakref.ref[Ring]) -> None:
    Garbage()
    kept = [[] for _ in range(1_000_000)]
    assert ring() is not None
    gc.collect()
    assert ring() is None
    assert len(kept) == 1_000_000


def test_a_worker_without_a_job_frees_it(
    ring: weakref.ref[Ring], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(garbage, "IDLE_S", 0.01)
    jobs: queue.SimpleQueue[str] = queue.SimpleQueue()
    freed = threading.Event()
    weakref.finalize(ring(), freed.set)

    def send() -> None:
        freed.wait(30)
        jobs.put("score")

    sender = threading.Thread(target=send)
    sender.start()
    assert Garbage().next(jobs) == "score"
    sender.join()
    assert ring() is None


@pytest.mark.parametrize("overdue", [False, True])
def test_a_worker_with_job_after_job_frees_it_once_it_is_overdue(
    ring: weakref.ref[Ring], monkeypatch: pytest.MonkeyPatch, overdue: bool
) -> None:
    if overdue:
        monkeypatch.setattr(garbage, "_OVERDUE_S", -1.0)
    jobs: queue.SimpleQueue[str] = queue.SimpleQueue()
    jobs.put("score")
    assert Garbage().next(jobs) == "score"
    assert (ring() is None) == overdue
