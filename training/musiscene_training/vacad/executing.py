"""Where parts are worked on: in this process, or by the actors of a Ray cluster through Ray Data.

Both do the same to a part, and write the same files; with Ray, every machine must see the build's
folder and what its settings name by the same paths.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from musiscene_core.errors import EngineError, MusiSceneError, from_code
from musiscene_training.devices import GOES_ON, device_in_words
from musiscene_training.vacad.parts import Parts
from musiscene_training.vacad.settings import Settings
from musiscene_training.vacad.stages import Stage, opened, work_on

LOCAL = "local"
"""The address of a Ray that is started for the build on this machine."""

Told = Callable[[int, int], None]
"""Hears of clips that are done, and of how many of them failed; what it raises ends the work."""


class Task(NamedTuple):
    """What is to be done to a part."""

    stage: str
    part: int
    retry_failed: bool


class Executor(Protocol):
    """Works on parts until all are done."""

    def run(self, tasks: Sequence[Task], settings: Settings, build: Path, told: Told) -> None:
        """Do `tasks`, which are all of one stage.

        Raises:
            MusiSceneError: a stage cannot work, the disk is full, or `told` raised it.
        """


class Local:
    """In this process, a batch at a time."""

    def run(self, tasks: Sequence[Task], settings: Settings, build: Path, told: Told) -> None:
        """See Executor."""
        if not tasks:
            return
        with device_in_words(GOES_ON):
            stage = opened(tasks[0].stage, settings, build)
            for task in tasks:
                for done, failed in batches_done(task, stage, settings, build):
                    told(done, failed)


class OnRay:
    """The actors of a Ray cluster, a part each at a time."""

    def __init__(self, address: str, actors: int, *, gpus: float = 0.0) -> None:
        """Join the cluster at `address`, or start one on this machine.

        Args:
            address: as ray.init takes it; LOCAL starts one.
            actors: that work at a time, at most.
            gpus: share of a GPU that each takes.

        Raises:
            EngineError: Ray is not installed or cannot be reached.
        """
        self._actors = actors
        self._gpus = gpus
        self._ray = _joined(address)

    def run(self, tasks: Sequence[Task], settings: Settings, build: Path, told: Told) -> None:
        """See Executor."""
        if not tasks:
            return
        rows = [{"part": task.part} for task in tasks]
        many = min(self._actors, len(rows))
        try:
            done = self._ray.data.from_items(rows, override_num_blocks=len(rows)).map_batches(
                _Actor,
                fn_constructor_args=(
                    tasks[0].stage,
                    tasks[0].retry_failed,
                    settings,
                    str(build.resolve()),
                ),
                batch_size=1,
                batch_format="numpy",
                compute=self._ray.data.ActorPoolStrategy(min_size=1, max_size=many),
                num_cpus=1,
                num_gpus=self._gpus or None,
            )
            for row in done.iter_rows():
                if row["code"]:
                    raise from_code(row["code"], row["message"], row["hint"])
                told(int(row["done"]), int(row["failed"]))
        except self._ray.exceptions.RayError as error:
            raise EngineError(
                f"Ray gave up: {str(error).strip().splitlines()[-1][:300]}",
                hint=GOES_ON,
            ) from error

    def leave(self) -> None:
        """Leave the cluster; one that was started for the build ends."""
        self._ray.shutdown()


class _Actor:
    """Does parts in a process of Ray's; its models stay loaded from one part to the next."""

    def __init__(self, name: str, retry_failed: bool, settings: Settings, build: str) -> None:
        self._name = name
        self._retry_failed = retry_failed
        self._settings = settings
        self._build = Path(build)
        self._stage: Stage | None = None

    def __call__(self, rows: dict[str, Any]) -> dict[str, list[Any]]:
        """Work on the one part in `rows`; our errors are told in words, as Ray wraps others."""
        counts, told = (0, 0), ("", "", "")
        try:
            with device_in_words(GOES_ON):
                self._stage = self._stage or opened(self._name, self._settings, self._build)
                task = Task(self._name, int(rows["part"][0]), self._retry_failed)
                for done, failed in batches_done(task, self._stage, self._settings, self._build):
                    counts = counts[0] + done, counts[1] + failed
        except MusiSceneError as error:
            told = (error.code, error.message, error.hint)
        names = ("done", "failed", "code", "message", "hint")
        return {name: [value] for name, value in zip(names, (*counts, *told), strict=True)}


def batches_done(
    task: Task, stage: Stage, settings: Settings, build: Path
) -> Iterator[tuple[int, int]]:
    """Work on what waits of a part, batch by batch; each is kept before it is told.

    Yields:
        How many clips a batch had, and how many of them failed.
    """
    parts = Parts(build)
    works = parts.waiting(task.stage, task.part, retry_failed=task.retry_failed)
    for start in range(0, len(works), settings.batch):
        batch = works[start : start + settings.batch]
        made = work_on(task.stage, stage, batch, settings)
        parts.add(task.stage, task.part, made)
        yield len(made), sum(bool(one.problem) for one in made)


def _joined(address: str) -> Any:
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise EngineError(
            "Ray is not installed.", hint="Run: pip install 'musiscene[train,ray]'"
        ) from error
    # Ray tells its makers how it is used unless told not to.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Of its own, and for this machine alone: without an address Ray waits for one that has died.
    here = {"_node_ip_address": "127.0.0.1"} if address == LOCAL else {}
    try:
        ray.init(
            address=address,
            **here,
            include_dashboard=False if address == LOCAL else None,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        raise EngineError(
            f"There is no Ray cluster at {address}: {str(error).splitlines()[0][:200]}",
            hint="Start one with `ray start --head`, or give --ray local.",
        ) from error
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    return ray
