"""Looking at a daemon from outside: its processes, its memory, and whether it still answers."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import zmq

from musiscene_core.protocol import connect
from musiscene_core.protocol.connection import read_connection
from tests.support.daemons import wait_until
from tests.support.trials.figures import Figure, spread

HAS_PROC = Path("/proc/self/statm").exists()
GROWTH_MB = 20.0


def resident_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def family(folder: Path) -> dict[int, int]:
    """Parent by process, of all living daemons and workers that have `folder` as home."""
    mark = f"MUSISCENE_HOME={folder}".encode()
    found: dict[int, int] = {}
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if b"musiscene_daemon" not in (place / "cmdline").read_bytes():
                continue
            if mark not in (place / "environ").read_bytes().split(b"\0"):
                continue
            state, parent = (place / "stat").read_text().rpartition(")")[2].split()[:2]
            if state != "Z":
                found[int(place.name)] = int(parent)
    return found


def workers_of(folder: Path, daemon: int) -> list[int]:
    return sorted(pid for pid, parent in family(folder).items() if parent == daemon)


def strays(folder: Path, daemon: int) -> set[int]:
    """Processes of this home that neither are the daemon nor descend from it."""
    parents = family(folder)

    def descends(pid: int) -> bool:
        while pid in parents and pid != daemon:
            pid = parents[pid]
        return pid == daemon

    return {pid for pid in parents if not descends(pid)}


def dealer_to_daemon(context: zmq.Context[zmq.Socket[bytes]], **options: int) -> zmq.Socket[bytes]:
    """A bare socket that is let in, with these socket options."""
    connection = read_connection()
    assert connection is not None
    dealer = context.socket(zmq.DEALER)
    dealer.linger = 0
    for name, value in options.items():
        setattr(dealer, name, value)
    dealer.curve_serverkey = connection.server_key.encode()
    dealer.curve_publickey = connection.client_public_key.encode()
    dealer.curve_secretkey = connection.client_secret_key.encode()
    dealer.connect(connection.endpoint)
    return dealer


class Pinger(threading.Thread):
    """Pings the running daemon all the while, over a connection of its own."""

    def __init__(self, every_s: float = 0.01) -> None:
        super().__init__(name="pinger")
        self._every_s = every_s
        self._over = threading.Event()
        self.took: list[float] = []
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            with connect(start=False) as client:
                while not self._over.wait(self._every_s):
                    began = time.perf_counter()
                    client.ping()
                    self.took.append(time.perf_counter() - began)
        except Exception as error:
            # Told by whoever joins this thread.
            self.failure = error

    def __enter__(self) -> Pinger:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()

    def figure(self, test: str) -> Figure:
        said = f"{len(self.took)} pings, {spread(self.took)}"
        return Figure(
            test=f"{test}: ping meanwhile",
            figure=f"{self.failure}" if self.failure else said,
            target="every one answered",
            ok=self.failure is None and bool(self.took),
        )


class Vitals:
    """A daemon's process, memory and descriptors, then and now."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._began_mb = resident_mb(pid)
        self._began_descriptors = descriptors(pid)

    def figures(self, test: str, pid: int) -> list[Figure]:
        """Compare with now, when the daemon is process `pid`; waits for descriptors to close."""
        survived = pid == self._pid
        alive = Figure(
            test=f"{test}: the daemon",
            figure="0 deaths" if survived else f"process {self._pid} is gone",
            target="0 deaths",
            ok=survived,
        )
        if not survived:
            return [alive]
        with suppress(AssertionError):
            wait_until(lambda: descriptors(pid) <= self._began_descriptors)
        grown, left = resident_mb(pid) - self._began_mb, descriptors(pid) - self._began_descriptors
        return [
            alive,
            Figure(
                test=f"{test}: memory",
                figure=f"{self._began_mb:.1f} MB {grown:+.1f} MB",
                target=f"+{GROWTH_MB:.0f} MB at most",
                ok=grown <= GROWTH_MB,
            ),
            Figure(
                test=f"{test}: descriptors",
                figure=f"{self._began_descriptors} {left:+d}",
                target="as before",
                ok=left <= 0,
            ),
        ]


@contextmanager
def processes(count: int) -> Iterator[ProcessPoolExecutor]:
    """Processes for what would else take this one's time from what it measures."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(count, mp_context=context) as pool:
        yield pool
