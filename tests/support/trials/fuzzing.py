"""Frames that make no sense, by the million, from connections that are let in."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from pathlib import Path
from types import UnionType
from typing import Any, Literal, get_args, get_origin

import msgspec
import zmq

from musiscene_core.errors import MusiSceneError
from musiscene_core.protocol.messages import (
    PROTOCOL_VERSION,
    GetMetrics,
    GetStatus,
    Header,
    ListJobs,
    ListTakes,
    PurgeTakes,
    Request,
    Shutdown,
    Subscribe,
)
from musiscene_core.protocol.wire import MalformedFrameError, decode
from musiscene_core.request import ScoreRequest
from musiscene_core.timeline import TimelineRange
from tests.support.daemons import home, request, scene
from tests.support.trials.figures import Figure, Say
from tests.support.trials.watching import Pinger, Vitals, dealer_to_daemon, processes

_POOL = 6_000
_WINDOW = 200
_PROCESSES = 2
_HEAVY = GetMetrics | GetStatus | ListJobs | ListTakes | PurgeTakes | Subscribe
"""Whole answers to these are what takes time, not the reading of them."""
_WORK = "Submit"
"""How the names of messages begin that make jobs."""
_EVENT = b"\xa9job_event"
_HUGE = (b"\xdd", b"\xdf", b"\xdb", b"\xc6", b"\xc9")
"""msgpack's array, map, text, bytes and extension with lengths of four bytes."""


def example(kind: type[msgspec.Struct]) -> msgspec.Struct:
    """A valid message of `kind`, made from what its fields take."""
    required = [field for field in msgspec.structs.fields(kind) if field.required]
    return kind(**{field.name: _value(field.type) for field in required})


def _value(kind: Any) -> Any:
    plain: dict[Any, Any] = {str: "fuzz", int: 1, float: 1.0, bool: True, bytes: b"fuzz"}
    if kind in plain:
        return plain[kind]
    if kind is TimelineRange:
        return scene()
    if kind is ScoreRequest:
        return request()
    if get_origin(kind) is Literal:
        return get_args(kind)[0]
    if get_origin(kind) is tuple:
        return (_value(get_args(kind)[0]),)
    if isinstance(kind, UnionType):
        return _value(get_args(kind)[0])
    return example(kind)


def messages(seed: int, count: int) -> list[list[bytes]]:
    """So many messages to send, most of them damaged; none of them ends the daemon in order."""
    chance = random.Random(seed)
    seeds = [msgspec.msgpack.encode(example(kind)) for kind in get_args(Request)]
    head = msgspec.msgpack.encode(Header(PROTOCOL_VERSION, 1))
    found: list[list[bytes]] = []
    while len(found) < count:
        body = damaged(chance.choice(seeds), seeds, chance)
        if not _welcome(body, chance):
            continue
        kind = chance.random()
        if kind < 0.02:
            found.append([body])
        elif kind < 0.04:
            found.append([head, body, *(chance.randbytes(9) for _ in range(chance.randint(1, 40)))])
        elif kind < 0.15:
            found.append([damaged(head, seeds, chance), body])
        else:
            found.append([head, body])
    return found


def damaged(data: bytes, seeds: Sequence[bytes], chance: random.Random) -> bytes:
    """`data` after up to six accidents; now and then unharmed, now and then noise."""
    if chance.random() < 0.05:
        return chance.randbytes(int(2 ** chance.uniform(0, 14)))
    content = bytearray(data)
    for _ in range(chance.randrange(7)):
        place = chance.randrange(len(content) + 1)
        kind = chance.randrange(7)
        if kind == 0 and place < len(content):
            content[place] = chance.getrandbits(8)
        elif kind == 1:
            del content[place:]
        elif kind == 2:
            content[place:place] = chance.randbytes(chance.randint(1, 30))
        elif kind == 3:
            nest = chance.choice((b"\x91", b"\x81\xa1a"))
            content[place:place] = nest * int(2 ** chance.uniform(0, 12))
        elif kind == 4:
            content[place:place] = chance.choice(_HUGE) + b"\xff" * 4
        elif kind == 5:
            other = chance.choice(seeds)
            content[place:] = other[chance.randrange(len(other)) :]
        else:
            content[place:place] = content[chance.randrange(len(content) + 1) :]
    return bytes(content)


def _welcome(body: bytes, chance: random.Random) -> bool:
    """Whether to send it: what is a request in spite of all is sent seldom, the last one never."""
    try:
        meant = decode(body, Request)
    except (MalformedFrameError, MusiSceneError):
        return True
    if isinstance(meant, Shutdown):
        return False
    heavy = isinstance(meant, _HEAVY) or type(meant).__name__.startswith(_WORK)
    return not heavy or chance.random() < 0.03


def bombard(count: int, seed: int) -> None:
    """Send `count` messages from one connection, and see each of them answered."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    dealer = dealer_to_daemon(context)
    pool = messages(seed, min(count, _POOL))
    sent = waiting = 0
    try:
        while sent < count or waiting:
            while sent < count and waiting < _WINDOW:
                dealer.send_multipart(pool[sent % len(pool)])
                sent, waiting = sent + 1, waiting + 1
            assert dealer.poll(20_000), "a message was left without an answer"
            while waiting and dealer.poll(0):
                waiting -= _EVENT not in dealer.recv_multipart()[-1][:24]
    finally:
        dealer.close(0)
        context.term()


def fuzz(folder: Path, count: int, say: Say, *, seed: int = 1) -> list[Figure]:
    """Send `count` messages beside a warm-up of a twentieth, from several processes."""
    test = f"{count:,} fuzzed messages"
    with home(folder) as place, processes(_PROCESSES) as pool:
        with place.connect() as client:
            client.score(request())
        _all(pool, max(2_000, count // 20), seed)
        with place.connect() as client:
            worker, malformed = client.status().worker_pid, client.status().malformed
        vitals = Vitals(place.pid)
        began = time.monotonic()
        with Pinger() as pinger:
            done, step = 0, max(1, min(count // 10, 250_000))
            while done < count:
                part = min(step, count - done)
                _all(pool, part, seed + 1 + done)
                done += part
                say(f"{done:,} of {count:,}, {done / (time.monotonic() - began):,.0f}/s")
        rate = count / (time.monotonic() - began)
        with place.connect() as client:
            status = client.status()
        refused = status.malformed - malformed
        same = "the same" if status.worker_pid == worker else "another"
        return [
            *vitals.figures(test, place.pid),
            pinger.figure(test),
            Figure(
                test=f"{test}: answered",
                figure=f"all, {refused:,} as malformed; {rate:,.0f}/s; {same} worker",
                target="all",
                ok=refused > count // 2,
            ),
        ]


def _all(pool: Any, count: int, seed: int) -> None:
    share = -(-count // _PROCESSES)
    for each in [pool.submit(bombard, share, seed + n) for n in range(_PROCESSES)]:
        each.result()
