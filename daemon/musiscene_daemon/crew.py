"""The crew: one worker for each environment, or a pool of several, seen as one.

Merges what the workers offer and says which of them the jobs of an engine or a captioner belong
to. The first environment to offer a name has it: the daemon's own, then the others by name. Knows
nothing of jobs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec
import zmq

from musiscene_core.captioning import measured
from musiscene_core.environments.places import WATCHING
from musiscene_core.errors import EngineError
from musiscene_core.models import shelf
from musiscene_core.protocol.state import (
    BrokenEngine,
    CaptionerInfo,
    EngineInfo,
    ModelInfo,
    WorkerInfo,
)
from musiscene_daemon.environments import MAIN, Environment, own
from musiscene_daemon.limits import Limits
from musiscene_daemon.supervisor import INBOX, Supervisor
from musiscene_daemon.worker_link import ForgetModel, Report

GIVEN_UP_AFTER = 3
"""Failed starts in a row after which a worker's jobs fail; it is tried on and on."""


class Crew:
    """All workers. For one thread.

    Attributes:
        inbox: poll this, then call `reports`.
        members: the workers, by their environments' names, the daemon's own first.
    """

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        folder: Path,
        engines_from: Sequence[str] = (),
        limits: Limits | None = None,
        *,
        own_workers: Sequence[Environment] | None = None,
        environments: Sequence[Environment] = (),
        unusable: Sequence[BrokenEngine] = (),
    ) -> None:
        """Prepare to start workers in `folder`, which must be ours alone.

        Args:
            context: for the inbox.
            folder: where the workers run.
            engines_from: further engines of the daemon's own environment.
            limits: what one job may take.
            own_workers: those of the daemon's own environment; one where nothing is said.
            environments: beside the daemon's own.
            unusable: those that cannot be used, told with the broken engines.
        """
        self.inbox = context.socket(zmq.PULL)
        self.inbox.linger = 0
        # Reports are few; a thread that waited for room could not see its worker's end.
        self.inbox.rcvhwm = 0
        self.inbox.bind(INBOX)
        self.members: dict[str, Supervisor] = {}
        everywhere = (*(own_workers or (own(),)), *environments)
        elsewhere = {name for environment in everywhere for name in environment.engines}
        twice: list[BrokenEngine] = []
        for environment in everywhere:
            if environment.name in self.members:
                reason = "Another worker has this name. Rename the environment's folder"
                twice.append(BrokenEngine(environment.name, reason))
                continue
            is_main = environment.home == MAIN
            self.members[environment.name] = Supervisor(
                *(context, folder, environment, engines_from if is_main else ()),
                limits or Limits(),
                without=sorted(elsewhere) if is_main else (),
            )
        watching = (one.home for one in environments if WATCHING in one.engines)
        self._watches = next((home for home in watching if home in self.members), MAIN)
        self._pools: dict[str, list[Supervisor]] = {}
        for member in self.members.values():
            self._pools.setdefault(member.environment.home, []).append(member)
        self._unusable = (*unusable, *twice)
        self._offers: dict[str, EngineInfo] = {}
        self._captioners: dict[str, CaptionerInfo] = {}
        self._broken: tuple[BrokenEngine, ...] = ()
        self._merged_at = -1
        self._models_seen = _models_here()

    @property
    def turns(self) -> int:
        """Changes whenever a worker becomes ready, ends or does not start."""
        return sum(member.turns for member in self.members.values())

    @property
    def settled(self) -> bool:
        """Whether every worker has said what it offers, or is not expected to."""
        return all(map(_decided, self._pools.values()))

    @property
    def looking(self) -> bool:
        """Whether a worker has yet to say what it offers since models came or went."""
        return any(member.looking for member in self.members.values())

    def look(self) -> None:
        """Have the workers say anew what they offer, where that may have changed meanwhile."""
        seen = _models_here()
        if seen == self._models_seen:
            return
        self._models_seen = seen
        for member in self.members.values():
            member.look_again()

    @property
    def engines(self) -> tuple[EngineInfo, ...]:
        """What can score; kept while a worker is being replaced."""
        self._merge()
        return tuple(self._offers.values())

    @property
    def captioners(self) -> tuple[CaptionerInfo, ...]:
        """What can caption sound; kept while a worker is being replaced."""
        self._merge()
        return tuple(self._captioners.values())

    @property
    def broken(self) -> tuple[BrokenEngine, ...]:
        """What does not load, or is there twice; environments that do not start."""
        self._merge()
        return self._broken

    @property
    def models(self) -> tuple[ModelInfo, ...]:
        """What is in memory."""
        return tuple(model for member in self.members.values() for model in member.models)

    @property
    def workers(self) -> tuple[WorkerInfo, ...]:
        """How each worker is."""
        return tuple(
            WorkerInfo(
                name=name,
                pid=one.pid,
                ready=one.ready,
                starting=one.looking or not _decided([one]),
                last_words=one.last_words,
                waits_for=one.waits_for,
            )
            for name, one in self.members.items()
        )

    @property
    def pid(self) -> int:
        """The process of the daemon's own environment's worker; 0 while there is none."""
        return self.members[MAIN].pid

    @property
    def ready(self) -> bool:
        """Whether that worker waits for jobs, or is at one."""
        return self.members[MAIN].ready

    def offer(self, engine: str) -> EngineInfo | None:
        """The engine of that name; None where no worker offers it."""
        self._merge()
        return self._offers.get(engine)

    def offers(self, name: str) -> bool:
        """Whether a worker has an engine or a captioner of that name."""
        self._merge()
        return name in self._offers or name in self._captioners

    def home_of(self, engine: str) -> str | None:
        """The pool whose workers do the jobs for `engine`; None while nobody can say.

        The empty name stands for what needs none, such as watching: it is done where the models
        for that are, while those workers start. A captioner's name stands for itself. What nobody
        offers belongs to an environment that does not start, which may have it, or else to the
        daemon's own, which refuses it.
        """
        if not engine:
            return MAIN if _given_up(self._pools[self._watches]) else self._watches
        offer = self.offer(engine) or self._captioners.get(engine)
        if offer is not None:
            return offer.environment
        if not self.settled:
            return None
        return next(self._silent(engine), MAIN)

    def expects(self, engine: str) -> bool:
        """Whether workers that wait to start may have `engine`, which nobody offers."""
        return any(self._pools[home][0].waits_for for home in self._silent(engine))

    def waits_for(self, engine: str) -> str:
        """Why nobody can take a job for `engine`, where that may pass; empty otherwise."""
        home = self.home_of(engine) or next(self._silent(engine), MAIN)
        pool = self._pools[home]
        if any(member.ready for member in pool):
            return ""
        return next((member.waits_for for member in pool if member.waits_for), "")

    def _silent(self, engine: str) -> Iterator[str]:
        """The pools that never said what they offer and may have `engine`."""
        for name, pool in self._pools.items():
            named = pool[0].environment.engines
            if not _reported(pool) and (not named or engine in named):
                yield name

    def pool_of(self, environment: str) -> tuple[str, ...]:
        """The workers that do the same jobs as that of `environment`, itself among them."""
        return tuple(member.environment.name for member in self._mates(environment))

    @property
    def is_one_pool(self) -> bool:
        """Whether every worker does every job."""
        return len(self._pools) == 1

    def given_up(self, environment: str) -> bool:
        """Whether no worker of the pool of `environment` starts."""
        return _given_up(self._mates(environment))

    def _mates(self, environment: str) -> Sequence[Supervisor]:
        return self._pools[self.members[environment].environment.home]

    def unload(self, model: str) -> None:
        """Have the workers unload a model once nobody works with it.

        Raises:
            EngineError: it is not in memory.
        """
        holders = [
            one for one in self.members.values() if model in [info.name for info in one.models]
        ]
        if not holders:
            held = ", ".join(info.name for info in self.models)
            raise EngineError(
                f"The model {model!r} is not in memory.",
                hint=f"Models in memory: {held or 'none'}.",
            )
        for member in holders:
            member.send(ForgetModel(model))

    def tick(self, now: float) -> float | None:
        """Start workers where they are due; returns when to come back, if it matters."""
        due = [at for one in self.members.values() if (at := one.tick(now)) is not None]
        return min(due, default=None)

    def reports(self, now: float) -> Iterator[tuple[str, Report]]:
        """What has arrived in the inbox, each with its environment."""
        while True:
            try:
                name, number, data = self.inbox.recv_multipart(zmq.DONTWAIT)
            except zmq.Again:
                return
            environment = name.decode()
            report = self.members[environment].take_in(int(number), data, now)
            if report is not None:
                yield environment, report

    def stop(self) -> None:
        """End the workers for good."""
        for member in self.members.values():
            member.kill()
        for member in self.members.values():
            member.stop()
        self.inbox.close()

    def _merge(self) -> None:
        if self._merged_at == self.turns:
            return
        self._merged_at = self.turns
        self._offers, self._captioners = {}, {}
        broken = list(self._unusable)
        for home, pool in self._pools.items():
            # All of a pool offer the same: whoever has said so first speaks for all.
            member = next((one for one in pool if one.reported), pool[0])
            if home != MAIN and not member.reported and _decided(pool):
                said = member.waits_for or member.last_words
                broken.append(member.environment.complaint(said))
            broken += member.broken
            broken += _added(self._offers, member.engines, home)
            broken += _added(self._captioners, member.captioners, home)
        self._broken = tuple(broken)


Offer = TypeVar("Offer", EngineInfo, CaptionerInfo)


def _added(
    offers: dict[str, Offer], further: Sequence[Offer], environment: str
) -> Iterator[BrokenEngine]:
    """Take into `offers` what an environment has; gives those that are there already."""
    for info in further:
        first = offers.setdefault(info.name, info)
        if first is info:
            offers[info.name] = msgspec.structs.replace(info, environment=environment)
        else:
            yield BrokenEngine(
                info.name,
                f"It is in the environment {environment!r} too; the one in"
                f" {first.environment!r} is used. Remove one of them",
            )


def _reported(pool: Sequence[Supervisor]) -> bool:
    return any(member.reported for member in pool)


def _decided(pool: Sequence[Supervisor]) -> bool:
    # Those that wait for room are known by name: nobody else's jobs wait for them.
    waits = bool(pool[0].environment.engines) and any(member.waits_for for member in pool)
    return _reported(pool) or _given_up(pool) or waits


def _given_up(pool: Sequence[Supervisor]) -> bool:
    return all(member.failed_starts >= GIVEN_UP_AFTER for member in pool)


def _models_here() -> tuple[int, ...]:
    """Changes when models come or go, or when it is forgotten how fast they were."""
    return (*shelf.signature(), measured.anything_known())
