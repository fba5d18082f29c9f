"""kill -9 of the daemon or of its worker at random moments, while clients go on asking.

What clients were told is written down as they hear it, and held against the job table and the
library afterwards: nothing accepted may be missing, nothing may be published twice or in part.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import threading
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import wait
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from musiscene_core.errors import DaemonError
from musiscene_core.protocol import Client, connect
from musiscene_core.request import ScoreRequest
from tests.support.daemons import Home, home, request, wait_until
from tests.support.trials.figures import Figure, Say, spread
from tests.support.trials.shelf import Shelf
from tests.support.trials.watching import processes, strays, workers_of

Victim = Literal["daemon", "worker"]

_TALKERS = 3
_OPEN_EACH = 8
_AUDIT_EVERY = 10
_ORPHAN_S = 5.0
"""Longer than a worker just begun takes, on a busy machine, to find that its daemon is gone."""
_FIRST_REPLY_S = 2.0
_PROGRESS = "kills"
"""File in which a lane tells how far it is."""
_ENDED = ("done", "failed", "cancelled")


@dataclass
class Ledger:
    """What clients were told; filled by several threads.

    Attributes:
        accepted: ids of the jobs acknowledged.
        told: how jobs ended, as clients heard it.
        unwanted: jobs that a client asked to cancel, whether or not it was heard.
        wrong: answers that contradict earlier ones.
    """

    accepted: set[str] = field(default_factory=set)
    told: dict[str, str] = field(default_factory=dict)
    unwanted: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)


class Talker(threading.Thread):
    """One client that submits, asks, lists and cancels, whatever happens to the daemon."""

    def __init__(self, ledger: Ledger, over: threading.Event, seed: int) -> None:
        super().__init__(name=f"talker-{seed}")
        self._ledger = ledger
        self._over = over
        self._chance = random.Random(seed)
        self._wish: tuple[ScoreRequest, str] | None = None
        self._open: list[str] = []
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            while not self._over.is_set():
                with suppress(DaemonError), connect(start=False, timeout_s=5.0) as client:
                    while not self._over.is_set():
                        self._say_something(client)
                self._over.wait(0.02)
        except Exception as error:
            # Told by whoever joins this thread.
            self.failure = error

    def _say_something(self, client: Client) -> None:
        kind = self._chance.random()
        if self._wish is not None or (kind < 0.5 and len(self._open) < _OPEN_EACH):
            self._submit(client)
        elif kind < 0.6:
            client.jobs()
        elif kind < 0.65:
            client.status()
        elif self._open:
            job_id = self._chance.choice(self._open)
            if kind < 0.67:
                self._ledger.unwanted.add(job_id)
                client.cancel(job_id)
            elif (job := client.job(job_id)).ended:
                self._ledger.told[job_id] = job.state
                self._open.remove(job_id)
        self._over.wait(self._chance.uniform(0.0, 0.02))

    def _submit(self, client: Client) -> None:
        """Hand in a wish; one whose answer never came is handed in again under its key."""
        if self._wish is None:
            script = {"steps": self._chance.randint(1, 4), "step_s": 0.005}
            self._wish = (request(seed=self._chance.getrandbits(20), **script), uuid.uuid4().hex)
        wish = self._wish
        job_id = client.submit_score(*wish)
        self._wish = None
        self._ledger.accepted.add(job_id)
        self._open.append(job_id)
        if self._chance.random() < 0.1:
            again = client.submit_score(*wish)
            if again != job_id:
                self._ledger.wrong.append(f"one key named {job_id} and {again}")


@dataclass(frozen=True, kw_only=True)
class Toll:
    """What a lane of kills came to.

    Attributes:
        kills: processes killed.
        accepted: jobs acknowledged.
        states: how many of them ended how.
        lost: what should be there and is not, in words.
        twice: jobs published more than once.
        partial: results that are not whole.
        orphans: processes that outlived what they belong to.
        replies: seconds from a restart to the first reply, or from a kill to the next.
    """

    kills: int
    accepted: int
    states: dict[str, int]
    lost: tuple[str, ...]
    twice: tuple[str, ...]
    partial: tuple[str, ...]
    orphans: int
    replies: tuple[float, ...]


class Lane:
    """One daemon, its clients, and whoever kills it."""

    def __init__(self, place: Home, seed: int) -> None:
        self._place = place
        self._chance = random.Random(seed)
        self._over = threading.Event()
        self._ledger = Ledger()
        self._talkers = [Talker(self._ledger, self._over, seed + 1 + n) for n in range(_TALKERS)]
        self._ended: dict[str, tuple[str, int]] = {}
        self._shelf = Shelf(place.folder / "data/takes")
        self._daemon: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._struck = 0
        self._strays: dict[int, float] = {}
        self._orphans: set[int] = set()
        self._replies: list[float] = []

    def run(self, victim: Victim, kills: int) -> Toll:
        kill = self._kill_daemon if victim == "daemon" else self._kill_worker
        self._start()
        self._first_reply()
        for talker in self._talkers:
            talker.start()
        try:
            for number in range(kills):
                kill(number % _AUDIT_EVERY == 0)
                (self._place.folder / _PROGRESS).write_text(str(number + 1))
        finally:
            self._over.set()
            for talker in self._talkers:
                talker.join()
        for talker in self._talkers:
            if talker.failure is not None:
                raise talker.failure
        self._first_reply()
        wait_until(self._quiet, within_s=120.0)
        while self._look_for_orphans() and not self._orphans:
            time.sleep(0.1)
        return self._toll(kills)

    def close(self) -> None:
        """End the daemon for good, and what it may have left of its pipes."""
        if self._daemon is not None:
            self._daemon.kill()
            self._daemon.communicate()

    def _start(self) -> None:
        self._started_at = time.monotonic()
        self._daemon = self._place.spawn()

    def _first_reply(self) -> float:
        """Wait until the daemon answers; returns the seconds since it was started."""
        while True:
            with suppress(DaemonError), connect(start=False) as client:
                client.ping()
                return time.monotonic() - self._started_at
            assert self._daemon is not None
            if self._daemon.poll() is not None:
                raise AssertionError(f"it left: {self._daemon.communicate()[1].decode()}")
            time.sleep(0.005)

    def _kill_daemon(self, audit: bool) -> None:
        chance = self._chance
        if not audit and chance.random() < 0.1:
            # Before it has said a word.
            time.sleep(chance.uniform(0.0, 0.35))
        else:
            self._replies.append(self._first_reply())
            if audit:
                self._audit()
            if chance.random() < 0.6:
                self._await_worker()
            time.sleep(chance.uniform(0.0, 0.3))
        process = self._daemon
        assert process is not None
        process.kill()
        process.communicate()
        self._start()
        self._look_for_orphans()

    def _kill_worker(self, audit: bool) -> None:
        chance, daemon = self._chance, self._daemon
        assert daemon is not None
        if audit:
            self._audit()
        if chance.random() > 0.1:
            self._await_worker()
            time.sleep(chance.uniform(0.0, 0.4))
        wait_until(lambda: self._strike(daemon.pid), within_s=30.0)
        began = time.monotonic()
        with connect(start=False) as client:
            client.ping()
        self._replies.append(time.monotonic() - began)

    def _strike(self, daemon: int) -> bool:
        """Kill one of the daemon's workers; False where it has none just now."""
        workers = workers_of(self._place.folder, daemon)
        with suppress(ProcessLookupError, IndexError):
            victim = self._chance.choice(workers)
            os.kill(victim, signal.SIGKILL)
            self._struck = victim
            return True
        return False

    def _await_worker(self) -> None:
        """Wait until another worker than the one killed last is ready."""

        def ready() -> bool:
            status = client.status()
            return status.worker_ready and status.worker_pid != self._struck

        with connect(start=False) as client:
            wait_until(ready, within_s=30.0)

    def _look_for_orphans(self) -> bool:
        """Whether a process of an earlier daemon is still there; one that stays is an orphan."""
        assert self._daemon is not None
        now = time.monotonic()
        found = strays(self._place.folder, self._daemon.pid)
        self._strays = {pid: self._strays.get(pid, now) for pid in found}
        self._orphans |= {pid for pid, seen in self._strays.items() if now - seen > _ORPHAN_S}
        return bool(found)

    def _audit(self) -> bool:
        """Write down what has ended, while the daemon remembers it; whether all has.

        Only beside a daemon that answers: the last to close a table tidies its log away, which
        a daemon that was killed is to do itself.
        """
        table = self._place.folder / "data/jobs.sqlite3"
        rows = self._place.job_rows() if table.exists() else []
        for job_id, state, attempts in rows:
            before = self._ended.get(job_id, (state, attempts))
            if before != (state, attempts):
                self._ledger.wrong.append(f"{job_id} was {before}, then {(state, attempts)}")
            if state in _ENDED:
                self._ended[job_id] = (state, attempts)
        self._shelf.look()
        return all(state in _ENDED for _, state, _ in rows)

    def _quiet(self) -> bool:
        return self._audit() and not self._place.partials()

    def _toll(self, kills: int) -> Toll:
        ledger, ended = self._ledger, self._ended
        states = {job_id: state for job_id, (state, _) in ended.items()}
        done = {job_id for job_id, state in states.items() if state == "done"}
        cancelled = {job_id for job_id, state in states.items() if state == "cancelled"}
        published = set(self._shelf.jobs)
        lost = [
            *ledger.wrong,
            *(f"{job_id} was accepted and is unknown" for job_id in ledger.accepted - set(ended)),
            *(f"{job_id} is done without a result" for job_id in done - published),
            *(f"{job_id} has a result and is not done" for job_id in published - done),
            *(f"{job_id} was cancelled by nobody" for job_id in cancelled - ledger.unwanted),
            *(
                f"{job_id} failed after {attempts} attempts"
                for job_id, (state, attempts) in ended.items()
                if state == "failed" and attempts < 3
            ),
            *(
                f"{job_id} was told {told} and is {states.get(job_id)}"
                for job_id, told in ledger.told.items()
                if told != states.get(job_id)
            ),
        ]
        return Toll(
            kills=kills,
            accepted=len(ledger.accepted),
            states=dict(Counter(states.values())),
            lost=tuple(lost),
            twice=tuple(self._shelf.twice()),
            partial=tuple(self._shelf.partial()),
            orphans=len(self._orphans),
            replies=tuple(self._replies),
        )


def lane(folder: Path, victim: Victim, kills: int, seed: int) -> Toll:
    """Kill so often in a home of its own; leaves no process behind."""
    with home(folder) as place:
        run = Lane(place, seed)
        try:
            return run.run(victim, kills)
        finally:
            run.close()


def kills(folder: Path, victim: Victim, count: int, say: Say, *, seed: int = 1) -> list[Figure]:
    """Kill `count` times in all, in two lanes where it is many."""
    lanes = 2 if count >= 100 else 1
    shares = [count // lanes + (number < count % lanes) for number in range(lanes)]
    say(f"seeds {', '.join(str(seed + 100 * n) for n in range(lanes))}")
    with processes(lanes) as pool:
        running = [
            pool.submit(lane, folder / f"{victim}-{n}", victim, share, seed + 100 * n)
            for n, share in enumerate(shares)
        ]
        while wait(running, timeout=10.0).not_done:
            say(f"{sum(_count(folder / f'{victim}-{n}') for n in range(lanes)):,} of {count:,}")
        tolls = [each.result() for each in running]
    return _figures(f"kill -9 of the {victim} x {count:,}", victim, tolls)


def _count(lane_folder: Path) -> int:
    told = lane_folder / _PROGRESS
    return int(told.read_text() or 0) if told.exists() else 0


def _figures(test: str, victim: Victim, tolls: Sequence[Toll]) -> list[Figure]:
    accepted = sum(toll.accepted for toll in tolls)
    states: Counter[str] = sum((Counter(toll.states) for toll in tolls), Counter())
    lost = [words for toll in tolls for words in toll.lost]
    twice = [words for toll in tolls for words in toll.twice]
    partial = [words for toll in tolls for words in toll.partial]
    orphans = sum(toll.orphans for toll in tolls)
    replies = [seconds for toll in tolls for seconds in toll.replies]
    told = ", ".join(f"{count:,} {state}" for state, count in sorted(states.items()))
    first = "restart to first reply" if victim == "daemon" else "kill to next reply"
    return [
        _none(f"{test}: accepted jobs lost", lost, f" of {accepted:,} ({told})"),
        _none(f"{test}: published twice", twice, f" of {states['done']:,}"),
        _none(f"{test}: partial files in the library", partial),
        Figure(test=f"{test}: orphans", figure=f"{orphans}", target="0", ok=not orphans),
        Figure(
            test=f"{test}: {first}",
            figure=spread(replies),
            target=f"{_FIRST_REPLY_S:.0f} s",
            ok=max(replies, default=0.0) <= _FIRST_REPLY_S,
            timed=True,
        ),
    ]


def _none(test: str, found: Sequence[str], of: str = "") -> Figure:
    said = f"{len(found)}{of}" + "".join(f"; {words}" for words in found[:5])
    return Figure(test=test, figure=said, target="0", ok=not found)
