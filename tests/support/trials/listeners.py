"""Clients that subscribe and then do not read, or are gone.

One that does not read either loses events, which are counted, or is taken for dead, as it answers
no heartbeat either. Both ways a later snapshot tells it the truth.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import zmq

from musiscene_core.protocol import Client
from musiscene_core.protocol.messages import (
    Accepted,
    Ping,
    Pong,
    Reply,
    SubmitScore,
    Subscribe,
    Subscribed,
)
from musiscene_core.protocol.wire import decode, frames
from tests.support.daemons import home, request, wait_until
from tests.support.trials.figures import Figure, Say
from tests.support.trials.watching import Pinger, Vitals, dealer_to_daemon

_TOGETHER = 100
_SLOW = 3
_BATCH = 500
_LONG_CUE = "slow" * 50

_LISTEN = """
import sys, time
from tests.support.trials.listeners import listen
kept = [listen() for _ in range(int(sys.argv[1]))]
print("listening", flush=True)
time.sleep(600)
"""


def listen() -> tuple[zmq.Context[zmq.Socket[bytes]], zmq.Socket[bytes]]:
    """A subscriber to all jobs with hardly any room for what it is told."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    dealer = dealer_to_daemon(context, rcvhwm=1, rcvbuf=4096)
    dealer.send_multipart(frames(Subscribe(), request=1))
    assert dealer.poll(20_000), "the subscription was left without an answer"
    dealer.recv_multipart()
    return context, dealer


def listeners(folder: Path, vanish: int, say: Say) -> list[Figure]:
    """Some subscribers that never read, and `vanish` that are killed with their process.

    Jobs come and go meanwhile until the slow ones have lost events.
    """
    test = f"{_SLOW} subscribers that never read, {vanish:,} that vanish"
    with home(folder) as place, place.connect() as client, ExitStack() as closing:
        client.score(request())
        # The same once before, so that what is kept for good is there already.
        _vanish(1)
        gate = folder / "gate"
        held = client.submit_score(request(until=str(gate)))
        wait_until(lambda: _known(client) == 0, within_s=30)
        writing: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        closing.callback(writing.term)
        writer = dealer_to_daemon(writing)
        closing.callback(writer.close, 0)
        writer.send_multipart(frames(Ping(), request=1))
        assert isinstance(decode(writer.recv_multipart()[1], Reply), Pong)
        vitals = Vitals(place.pid)
        slow = [listen() for _ in range(_SLOW)]
        for context, dealer in slow:
            closing.callback(context.term)
            closing.callback(dealer.close, 0)
        gone = jobs = 0
        with Pinger() as pinger:
            while gone < vanish or not (
                client.status().lost_events or _metric(client, "subscribers") == 0
            ):
                if gone < vanish:
                    gone += _vanish(min(_TOGETHER, vanish - gone))
                    say(f"{gone:,} of {vanish:,} gone")
                jobs += _come_and_go(client, writer, jobs)
                assert jobs < 100_000, "nobody was too slow"
        client.cancel(held)
        wait_until(lambda: client.status().jobs_running == 0)
        lost = client.status().lost_events
        wait_until(lambda: _known(client) <= _SLOW, within_s=30)
        dropped = _SLOW - _known(client)
        snapshot = _snapshot(slow[0][1])
        states = {job.id: job.state for job in snapshot.jobs}
        true = all(client.job(job_id).state == state for job_id, state in states.items())
        gate.touch()
        worked = len(client.score(request())) == 1
        for _, dealer in slow:
            dealer.close(0)
        wait_until(lambda: _known(client) == 0, within_s=30)
        return [
            *vitals.figures(test, place.pid),
            pinger.figure(test),
            Figure(
                test=f"{test}: what a snapshot tells",
                figure=f"{len(states)} jobs as they are, after {lost:,} lost events, "
                f"{dropped} of {_SLOW} dropped"
                if true
                else "other than it is",
                target="the truth",
                ok=true and worked and len(states) > 0,
            ),
        ]


def _known(client: Client) -> int:
    """How many subscribers the daemon keeps after it has told them all something."""
    client.cancel(client.submit_score(request()))
    return int(_metric(client, "subscribers"))


def _vanish(count: int) -> int:
    """Kill a process with `count` subscribers in it."""
    process = subprocess.Popen(
        [sys.executable, "-c", _LISTEN, str(count)], stdout=subprocess.PIPE, env=dict(os.environ)
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"listening\n"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    return count


def _come_and_go(client: Client, writer: zmq.Socket[bytes], first: int) -> int:
    """Submit jobs without waiting between them, then cancel them all; returns how many."""
    for number in range(first, first + _BATCH):
        wish = SubmitScore(request=request(cue=_LONG_CUE), key=f"come and go {number}")
        writer.send_multipart(frames(wish, request=1))
    for _ in range(_BATCH):
        assert writer.poll(20_000), "a submission was left without an answer"
        assert isinstance(decode(writer.recv_multipart()[1], Reply), Accepted)
    return client.cancel_all("queued")


def _snapshot(dealer: zmq.Socket[bytes]) -> Subscribed:
    """Read what was kept, then ask how things stand; asked before, the answer may be lost too."""
    while dealer.poll(500):
        dealer.recv_multipart()
    dealer.send_multipart(frames(Subscribe(), request=2))
    assert dealer.poll(20_000), "no snapshot"
    found: Subscribed = decode(dealer.recv_multipart()[1], Subscribed)
    return found


def _metric(client: Client, name: str) -> float:
    for line in client.metrics().splitlines():
        if line.startswith(f"musiscene_{name} "):
            return float(line.split()[1])
    raise AssertionError(f"no metric {name}")
