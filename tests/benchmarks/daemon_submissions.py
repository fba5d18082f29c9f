"""How soon jobs are acknowledged when many clients send at once, and whether ping still answers.

    python tests/benchmarks/daemon_submissions.py [--clients 50] [--jobs 1000]

Prints the acknowledgement and ping latencies, idle and under the flood, and the commits it took.
The folder of TMPDIR is the disk that is measured.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.support.daemons import Home, home, request


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


PING = """
import json, sys, time
from musiscene_core.protocol import connect
with connect(start=False) as client:
    took, end = [], None
    while end is None or time.monotonic() < end:
        began = time.perf_counter()
        client.ping()
        took.append(time.perf_counter() - began)
        time.sleep(0.0005)
        if end is None:
            print("ready", flush=True)
            end = time.monotonic() + float(sys.stdin.readline())
    print(json.dumps(took))
"""
"""A process of its own: beside fifty client threads, what is measured would be this one's lock."""


def flood(place: Home, clients: int, jobs: int, gate: Path) -> list[float]:
    took: list[float] = []
    ready = threading.Barrier(clients + 1)

    def one(number: int) -> None:
        with place.connect() as client:
            ready.wait()
            for seed in range(jobs // clients):
                wish = request(until=str(gate), seed=number * 1000 + seed)
                began = time.perf_counter()
                client.submit_score(wish)
                took.append(time.perf_counter() - began)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    ready.wait()
    for thread in threads:
        thread.join()
    return took


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--ping-s", type=float, default=0.6, help="seconds of pinging meanwhile")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, home(Path(folder)) as place:
        with place.connect() as client:
            client.engines()
            idle: list[float] = []
            for _ in range(2000):
                began = time.perf_counter()
                client.ping()
                idle.append(time.perf_counter() - began)
        pinging = subprocess.Popen(
            [sys.executable, "-c", PING], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert pinging.stdout is not None
        assert pinging.stdout.readline() == "ready\n"
        assert pinging.stdin is not None
        pinging.stdin.write(f"{given.ping_s}\n")
        pinging.stdin.flush()
        began = time.perf_counter()
        took = flood(place, given.clients, given.jobs, Path(folder, "gate"))
        whole = time.perf_counter() - began
        busy = json.loads(pinging.communicate()[0])[1:]
        with place.connect() as client:
            began = time.perf_counter()
            cancelled = client.cancel_all("mine")
            cancelling = time.perf_counter() - began
    for name, values in (("acknowledged", took), ("ping idle", idle), ("ping meanwhile", busy)):
        spread = ", ".join(
            f"{label} {1000 * percentile(values, share):.2f} ms"
            for label, share in (("p50", 0.5), ("p99", 0.99), ("max", 1.0))
        )
        print(f"{name}: {spread} ({len(values)})")
    print(f"all acknowledged in {whole:.2f} s; {cancelled} cancelled in {1000 * cancelling:.1f} ms")


if __name__ == "__main__":
    main()
