"""Ten clients that ask and submit without waiting, and one that pings beside them.

The same pinger also asks a bare ROUTER of libzmq in another process, in turns, so that what the
machine's load costs shows in both.
"""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
import zmq

from musiscene_core.protocol import connect
from musiscene_core.protocol.messages import (
    Accepted,
    CancelJob,
    GetStatus,
    Reply,
    Request,
    SubmitScore,
)
from musiscene_core.protocol.wire import decode, frames
from tests.support.daemons import home, request
from tests.support.trials.figures import Figure, Say, percentile, spread
from tests.support.trials.watching import dealer_to_daemon, processes

_CLIENTS = 10
_PROCESSES = 2
_WINDOW = 10
"""Requests each client has open."""
_P99_S = 0.005
_SETTLE_S = 1.0


def inundate(seconds: float, clients: int, seed: int) -> int:
    """Keep `clients` connections full of requests; returns how many were answered."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    poller = zmq.Poller()
    status = frames(GetStatus(), request=1)
    wish, number, answered = request(), 0, 0
    for _ in range(clients):
        dealer = dealer_to_daemon(context)
        poller.register(dealer, zmq.POLLIN)
        for _ in range(_WINDOW):
            dealer.send_multipart(status)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for dealer, _ in poller.poll(1000):
            reply: Reply = decode(dealer.recv_multipart()[1], Reply)
            answered += 1
            following: Request = GetStatus()
            if isinstance(reply, Accepted):
                following = CancelJob(reply.job_id)
            elif answered % 10 == 0:
                number += 1
                following = SubmitScore(request=wish, key=f"flood {seed} {number}")
            dealer.send_multipart(frames(following, request=1))
    context.destroy(linger=0)
    return answered


def echo(place: str) -> None:
    """A bare ROUTER with CURVE that sends all back until nothing comes; `place` tells where."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    router = context.socket(zmq.ROUTER)
    public, secret = zmq.curve_keypair()
    router.curve_server, router.curve_secretkey, router.curve_publickey = True, secret, public
    port = router.bind_to_random_port("tcp://127.0.0.1")
    told = Path(place)
    told.with_suffix(".new").write_bytes(msgspec.json.encode([port, public.decode()]))
    told.with_suffix(".new").rename(told)
    while (message := router.recv_multipart())[1]:
        router.send_multipart(message)
    context.destroy(linger=0)


def ping_both(place: str, seconds: float) -> tuple[list[float], list[float]]:
    """Seconds each ping of the daemon took, and each round trip to the bare socket."""
    while not Path(place).exists():
        time.sleep(0.01)
    port, key = msgspec.json.decode(Path(place).read_bytes())
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    bare = context.socket(zmq.DEALER)
    bare.curve_serverkey = key.encode()
    bare.curve_publickey, bare.curve_secretkey = zmq.curve_keypair()
    bare.connect(f"tcp://127.0.0.1:{port}")
    pings: list[float] = []
    round_trips: list[float] = []
    until = time.monotonic() + seconds
    with connect(start=False) as client:
        while time.monotonic() < until:
            began = time.perf_counter()
            client.ping()
            between = time.perf_counter()
            bare.send(b"x" * 64)
            bare.recv()
            pings.append(between - began)
            round_trips.append(time.perf_counter() - between)
            time.sleep(0.001)
    bare.send(b"")
    context.destroy(linger=1000)
    return pings, round_trips


def flood(folder: Path, seconds: int, say: Say) -> list[Figure]:
    """Flood the daemon for so long; a waiting job keeps the worker out of it."""
    test = f"flood by {_CLIENTS} clients for {seconds} s"
    place_of_bare = str(folder / "bare.json")
    with home(folder) as place, processes(_PROCESSES + 2) as pool:
        with place.connect() as client:
            pid = client.status().pid
            client.submit_score(request(until=str(folder / "gate")))
        bare = pool.submit(echo, place_of_bare)
        each = _CLIENTS // _PROCESSES
        waves = [pool.submit(inundate, seconds + 2 * _SETTLE_S, each, n) for n in range(_PROCESSES)]
        time.sleep(_SETTLE_S)
        pings, round_trips = pool.submit(ping_both, place_of_bare, float(seconds)).result()
        answered = sum(wave.result() for wave in waves)
        bare.result()
        with place.connect() as client:
            same = client.status().pid == pid
        say(f"{answered:,} requests answered")
        return [
            Figure(
                test=f"{test}: the daemon",
                figure=f"{answered / (seconds + 2 * _SETTLE_S):,.0f} requests/s, "
                f"{len(pings):,} pings answered",
                target="all answered, 0 deaths",
                ok=same and answered > 100 and bool(pings),
            ),
            Figure(
                test=f"{test}: ping",
                figure=spread(pings),
                target=f"p99 {1000 * _P99_S:.0f} ms",
                ok=percentile(pings, 0.99) <= _P99_S,
                timed=True,
            ),
            Figure(
                test=f"{test}: bare libzmq beside it",
                figure=spread(round_trips),
                target="",
                ok=True,
                timed=True,
            ),
        ]
