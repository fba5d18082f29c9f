"""How soon the daemon answers, beside bare libzmq on the same machine and in the same run.

    python -m tests.benchmarks.daemon_speed

Prints: start to first reply; ping idle, while a job saturates the cores, and of two bare sockets;
time from cancel to cancelled of a job that ignores it; memory and CPU at rest.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import zmq

from musiscene_core.protocol import Client
from musiscene_core.request import ScoreRequest
from tests.support.daemons import Home, home, request
from tests.support.scenes import brief_of

_PINGS = 3000
_REST_S = 5.0


def percentiles(call: Callable[[], object], count: int = _PINGS) -> str:
    """p50 and p99 of `count` calls, in milliseconds."""
    took = []
    for _ in range(count):
        began = time.perf_counter()
        call()
        took.append(time.perf_counter() - began)
    took.sort()
    p50, p99 = took[count // 2] * 1000, took[int(count * 0.99)] * 1000
    return f"p50 {p50:.3f} ms, p99 {p99:.3f} ms"


def bare_round_trips() -> str:
    """ROUTER and DEALER with CURVE on the loopback address, a thread each."""
    context = zmq.Context()
    public, secret = zmq.curve_keypair()
    router, dealer = context.socket(zmq.ROUTER), context.socket(zmq.DEALER)
    router.curve_server, router.curve_secretkey, router.curve_publickey = True, secret, public
    dealer.curve_serverkey = public
    dealer.curve_publickey, dealer.curve_secretkey = zmq.curve_keypair()
    dealer.connect(f"tcp://127.0.0.1:{router.bind_to_random_port('tcp://127.0.0.1')}")

    def echo() -> None:
        while (message := router.recv_multipart())[1]:
            router.send_multipart(message)

    server = threading.Thread(target=echo)
    server.start()

    def round_trip() -> None:
        dealer.send(b"x" * 64)
        dealer.recv()

    figures = percentiles(round_trip)
    dealer.send(b"")
    server.join()
    context.destroy(linger=0)
    return figures


def busy_pings(client: Client) -> str:
    """Pings while the composer renders."""
    wish = ScoreRequest(brief=brief_of(240.0, cuts=tuple(range(8, 232, 8)), arousal=0.6))
    job = client.submit_score(wish)
    while client.job(job).stage != "Playing the instruments":
        time.sleep(0.01)
    figures = percentiles(client.ping, 1500)
    still = client.job(job).state == "running"
    client.cancel(job)
    return figures if still else f"{figures} (the job ended meanwhile)"


def stuck_cancel(client: Client) -> float:
    """Seconds from cancel to cancelled of a job that never looks up."""
    job = client.submit_score(request(fault="stuck"))
    while client.job(job).stage != "Playing":
        time.sleep(0.005)
    began = time.perf_counter()
    client.cancel(job)
    while client.job(job).state != "cancelled":
        time.sleep(0.002)
    return time.perf_counter() - began


def at_rest(pid: int) -> str:
    """Resident memory, and share of one core over five idle seconds."""

    def ticks() -> int:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    before = ticks()
    time.sleep(_REST_S)
    share = (ticks() - before) / os.sysconf("SC_CLK_TCK") / _REST_S
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return f"{pages * os.sysconf('SC_PAGE_SIZE') / 1e6:.0f} MB, {share:.2%} of a core"


def measure(place: Home) -> None:
    """Print every figure."""
    began = time.perf_counter()
    with place.connect() as client:
        client.ping()
        print(f"start to first reply   {time.perf_counter() - began:.2f} s")
        client.engines()
        print(f"bare libzmq            {bare_round_trips()}")
        print(f"ping, idle             {percentiles(client.ping)}")
        print(f"ping, while rendering  {busy_pings(client)}")
        print(f"cancel of a stuck job  {stuck_cancel(client):.2f} s")
        if sys.platform == "linux":
            print(f"at rest                {at_rest(client.status().pid)}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder, home(Path(folder)) as place:
        measure(place)
