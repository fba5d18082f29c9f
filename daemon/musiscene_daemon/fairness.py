"""Whose turn it is: the order in which waiting jobs begin.

- A client is an owner (the key that was let in) and a session (one program of that owner's, by
  the name its requests carry). A client's jobs of one priority begin in the order they came.
- Owners take turns, and within an owner its sessions: next is whoever was served longest ago, and
  of those never served the one whose job came first. A turn is a job, whatever its length.
- Interactive before batch; but once MAX_OVERTAKES jobs have begun since a batch job began, or
  since the oldest that waits was accepted, a batch job has its turn. So batch is slow, not starved.

All it needs is on the disk with the jobs, so a restart changes no turn. Knows no clock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

import msgspec

from musiscene_core.protocol.state import (
    JobKind,
    Priority,
)

MAX_OVERTAKES = 4

ClientName: TypeAlias = tuple[str, str]
"""Owner and session."""


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """A job that waits.

    Attributes:
        number: counts the jobs as they came.
        id: the job.
        owner: whose it is.
        session: which program of the owner's.
        priority: its class.
        arrived: how many jobs had begun when it was accepted.
        kind: what it does.
        engine: who would score; empty for spotting.
        length_s: of its range.
        wanted: how many takes; 0 for spotting.
    """

    number: int
    id: str
    owner: str
    session: str
    priority: Priority
    arrived: int = 0
    kind: JobKind = "score"
    engine: str = ""
    length_s: float = 0.0
    wanted: int = 0


class History(msgspec.Struct, frozen=True):
    """What has begun so far, counted from 1.

    Attributes:
        begun: the number of the last job that began.
        batch_begun: of the last batch job that began; 0 where none has.
        served: of each client's last job that began.
    """

    begun: int
    batch_begun: int
    served: Mapping[ClientName, int]


def in_turn(waiting: Iterable[Waiting], history: History) -> Iterator[Waiting]:
    """The jobs of `waiting`, each when its turn comes if no other arrives meanwhile."""
    begun, batch_begun = history.begun, history.batch_begun
    clients = dict(history.served)
    owners: dict[str, int] = {}
    for (owner, _), number in clients.items():
        owners[owner] = max(number, owners.get(owner, 0))
    lines: dict[Priority, dict[ClientName, deque[Waiting]]] = {"interactive": {}, "batch": {}}
    for job in sorted(waiting, key=lambda job: job.number):
        lines[job.priority].setdefault((job.owner, job.session), deque()).append(job)

    def rank(line: deque[Waiting]) -> tuple[int, int, int]:
        head = line[0]
        client = (head.owner, head.session)
        return owners.get(head.owner, 0), clients.get(client, 0), head.number

    interactive, batch = lines["interactive"], lines["batch"]
    while interactive or batch:
        chosen = interactive or batch
        if interactive and batch:
            oldest = min(batch.values(), key=lambda line: line[0].number)[0]
            if begun - max(batch_begun, oldest.arrived) >= MAX_OVERTAKES:
                chosen = batch
        line = min(chosen.values(), key=rank)
        job = line.popleft()
        client = (job.owner, job.session)
        if not line:
            del chosen[client]
        begun += 1
        owners[job.owner] = clients[client] = begun
        if job.priority == "batch":
            batch_begun = begun
        yield job
