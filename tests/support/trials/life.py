"""Two daemons at once, clients that are killed and come back, clients of other versions."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path

import zmq

from musiscene_core.protocol import PROTOCOL_VERSION
from musiscene_core.protocol.connection import read_connection
from musiscene_core.protocol.launcher import ALREADY_RUNNING
from musiscene_core.protocol.messages import Failure, Hello, Ping, Pong, Reply, Request
from musiscene_core.protocol.wire import decode, frames
from tests.support.daemons import home, request, wait_until
from tests.support.trials.figures import Figure, Say
from tests.support.trials.watching import dealer_to_daemon

_AT_ONCE = 4

_SUBMIT = """
import sys, time
from musiscene_core.protocol import connect
from tests.support.daemons import request
with connect(start=False) as client:
    wish = request(until=sys.argv[2], seed=int(sys.argv[3]))
    print(client.submit_score(wish, sys.argv[1]), flush=True)
    time.sleep(600)
"""


def rivals(folder: Path, rounds: int, say: Say) -> list[Figure]:
    """Start several daemons at the same moment, and once more beside a running one."""
    wrong: list[str] = []
    with home(folder) as place:
        for number in range(rounds):
            started = [place.spawn() for _ in range(_AT_ONCE)]
            wait_until(partial(_at_most_one_lives, started), within_s=30)
            wait_until(lambda: place.pid and read_connection(), within_s=30)
            started.append(place.spawn())
            started[-1].wait(10)
            left = [each for each in started if each.poll() is not None]
            with place.connect() as client:
                pid = client.status().pid
                client.ping()
            for each in left:
                said = each.communicate()[1].decode().strip()
                if each.returncode != ALREADY_RUNNING or "already running" not in said:
                    wrong.append(f"exit code {each.returncode}: {said}")
            if len(left) != _AT_ONCE or pid != place.pid:
                wrong.append(f"{len(left)} of {_AT_ONCE + 1} left, {pid} answers")
            place.kill()
            for each in started:
                each.communicate()
            say(f"{number + 1} of {rounds}")
    return [
        Figure(
            test=f"{_AT_ONCE + 1} daemons at once x {rounds}",
            figure="; ".join(wrong[:3]) or "one stays, the others leave naming it",
            target="one stays, the others leave naming it",
            ok=not wrong,
        )
    ]


def _at_most_one_lives(started: list[subprocess.Popen[bytes]]) -> bool:
    return sum(each.poll() is None for each in started) <= 1


def returning_clients(folder: Path, count: int, say: Say) -> list[Figure]:
    """Kill a client while its job runs; another finds the result by the same key."""
    wrong: list[str] = []
    with home(folder) as place, place.connect() as client:
        for number in range(count):
            gate, key = folder / f"gate{number}", f"wish {number}"
            command = [sys.executable, "-c", _SUBMIT, key, str(gate), str(number)]
            lost = subprocess.Popen(command, stdout=subprocess.PIPE)
            assert lost.stdout is not None
            job_id = lost.stdout.readline().decode().strip()
            wait_until(lambda job_id=job_id: client.job(job_id).stage == "Waiting")  # type: ignore[misc]
            lost.kill()
            lost.communicate()
            gate.touch()
            with place.connect() as heir:
                again = heir.submit_score(request(until=str(gate), seed=number), key)
                takes = heir.wait(again, timeout=30.0).takes
                if again != job_id or len(takes) != 1 or heir.job(again).attempts != 1:
                    wrong.append(f"{job_id} and {again}, {len(takes)} takes")
            if number % 10 == 9:
                say(f"{number + 1} of {count}")
        results = len(place.results())
    return [
        Figure(
            test=f"client gone and back x {count}",
            figure="; ".join(wrong[:3]) or f"{results} results found by key, made once",
            target=f"{count} results found by key, made once",
            ok=not wrong and results == count,
        )
    ]


def other_versions(folder: Path, count: int, say: Say) -> list[Figure]:
    """Greet the daemon as so many older and newer clients; each is to be told both versions."""
    wrong: list[str] = []
    with home(folder) as place, place.connect() as client:
        pid = place.pid
        for number in range(1, count + 1):
            for version in (PROTOCOL_VERSION - number, PROTOCOL_VERSION + number):
                for message in (Hello(client="other"), Ping()):
                    reply = _ask_as(version, message)
                    said = f"{reply.message} {reply.hint}" if isinstance(reply, Failure) else ""
                    both = (f"protocol {version},", f"protocol {PROTOCOL_VERSION}.", "stop")
                    if not all(words in said for words in both):
                        wrong.append(f"{version}: {reply}")
        client.ping()
        if place.pid != pid or not isinstance(_ask_as(PROTOCOL_VERSION, Ping()), Pong):
            wrong.append("it does not answer its own version any more")
        say(f"{2 * count} versions")
    return [
        Figure(
            test=f"{2 * count} other protocol versions",
            figure="; ".join(wrong[:2]) or "refused in words that name both versions",
            target="refused in words that name both versions",
            ok=not wrong,
        )
    ]


def _ask_as(version: int, message: Request) -> Reply:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    dealer = dealer_to_daemon(context)
    try:
        dealer.send_multipart(frames(message, request=1, protocol=version))
        assert dealer.poll(10_000), "no answer"
        reply: Reply = decode(dealer.recv_multipart()[1], Reply)
        return reply
    finally:
        dealer.close(0)
        context.term()
