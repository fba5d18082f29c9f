"""Models that weigh what they say on a device that really is full when it is full.

`SimulatedEngine` does as the request's caption tells it: JSON of a `Plan`, beside a `Script`.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from musiscene_core.progress import Progress
from musiscene_core.protocol import EngineInfo
from musiscene_core.request import ScoreRequest
from musiscene_core.take import Take
from musiscene_daemon.residency.devices import DeviceKind
from musiscene_daemon.residency.models import ModelSpec
from musiscene_daemon.residency.oom import OutOfMemory
from musiscene_daemon.residency.residents import Residents
from tests.support.scripted_engine import ScriptedEngine

CAPACITY = 10_000
SIZES = {"cello": 6_000, "choir": 7_000, "flute": 2_000, "whale": 20_000}


class SimulatedDevice:
    """Blocks of memory by number, some of it taken by other programs."""

    def __init__(
        self, name: str = "sim:0", total: int = CAPACITY, kind: DeviceKind = "gpu", taken: int = 0
    ) -> None:
        self.name, self.total_bytes, self.kind, self.taken = name, total, kind, taken
        self.blocks: dict[int, int] = {}
        self.peak = 0
        self._lock = threading.Lock()
        self._number = 0

    def free_bytes(self) -> int:
        with self._lock:
            return self.total_bytes - self.taken - sum(self.blocks.values())

    def release(self) -> None:
        pass

    def allocate(self, size: int) -> int:
        with self._lock:
            used = self.taken + sum(self.blocks.values()) + size
            if used > self.total_bytes:
                raise OutOfMemory(f"{self.name}: {size} bytes")
            self._number += 1
            self.blocks[self._number] = size
            self.peak = max(self.peak, used)
            return self._number

    def free(self, block: int) -> None:
        with self._lock:
            del self.blocks[block]


class SimulatedModel:
    def __init__(self, name: str, device: SimulatedDevice) -> None:
        self.name, self.device = name, device
        self.blocks: list[int] = []

    def work(self, items: int, item_bytes: int) -> int:
        """Need memory for `items` for a while; returns how many."""
        block = self.device.allocate(items * item_bytes)
        time.sleep(0.2)
        self.device.free(block)
        return items


def nothing_noted(event: str) -> None:
    pass


def simulated(
    name: str,
    size: int = 0,
    *,
    actual: int | None = None,
    leak: int = 0,
    load_s: float = 0.0,
    note: Callable[[str], None] = nothing_noted,
    on_step: Callable[[int], None] = lambda step: None,
    **spec: object,
) -> ModelSpec[SimulatedModel]:
    """A model that says `size`, takes `actual` in ten steps, and leaves `leak` behind."""
    size = size or SIZES[name]
    taken = size if actual is None else actual

    def load(device: SimulatedDevice, progress: Progress) -> SimulatedModel:
        note(f"load {name}")
        model = SimulatedModel(name, device)
        try:
            for step in range(10):
                progress(f"Loading {name}", step / 10)
                model.blocks.append(device.allocate(taken // 10))
                time.sleep(load_s / 10)
                on_step(step)
        except BaseException:
            unload_blocks(model)
            raise
        return model

    def unload_blocks(model: SimulatedModel) -> None:
        for block in model.blocks:
            model.device.free(block)
        model.blocks.clear()

    def unload(model: SimulatedModel) -> None:
        unload_blocks(model)
        if leak:
            model.device.allocate(leak)
        note(f"unload {name}")

    return ModelSpec(name=name, bytes=size, load=load, unload=unload, **spec)


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What to do with models.

    Attributes:
        models: used one after the other.
        load_s: seconds each takes to load.
        keep_s: how long each is kept.
        events: file to which each load and unload adds a line.
        gate: file to wait for with the model in use.
        die_loading: how many loads end the process half-way, by the lines in `events`.
        threads: that use a model at the same time.
        batch: items of work to begin with; 0 for none.
        item_bytes: memory for each.
    """

    models: tuple[str, ...] = ()
    load_s: float = 0.0
    keep_s: float | None = None
    events: str = ""
    gate: str = ""
    die_loading: int = 0
    threads: int = 1
    batch: int = 0
    item_bytes: int = 0


class SimulatedEngine:
    """See the module."""

    name = "simulated"

    def __init__(self) -> None:
        self._device = SimulatedDevice()
        self._residents: Residents | None = None

    def describe(self) -> EngineInfo:
        return msgspec.structs.replace(ScriptedEngine().describe(), name=self.name)

    def use_models(self, residents: Residents) -> None:
        self._residents = residents
        residents.add_devices(self._devices)

    def score(
        self, request: ScoreRequest, seed: int, name: str, folder: Path, progress: Progress
    ) -> Take:
        text = request.brief.captions.fusion.text
        plan = msgspec.json.decode(text, type=Plan) if text else Plan()
        errors: list[BaseException] = []

        def work() -> None:
            try:
                for model in plan.models:
                    self._use(plan, model, progress)
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=work) for _ in range(plan.threads)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if errors:
            raise errors[0]
        return ScriptedEngine().score(request, seed, name, folder, progress)

    def _devices(self) -> tuple[SimulatedDevice, ...]:
        return (self._device,)

    def _use(self, plan: Plan, name: str, progress: Progress) -> None:
        def note(event: str) -> None:
            if plan.events:
                with open(plan.events, "a", encoding="utf-8") as events:
                    events.write(event + "\n")

        def die(step: int) -> None:
            loads = Path(plan.events).read_text().count("load ") if plan.die_loading else 1
            if step == 5 and loads <= plan.die_loading:
                os.kill(os.getpid(), signal.SIGKILL)

        spec = simulated(name, load_s=plan.load_s, note=note, on_step=die, keep_alive_s=plan.keep_s)
        assert self._residents is not None
        with self._residents.use(spec, progress) as model:
            while plan.gate and not Path(plan.gate).exists():
                progress("Waiting", 0.0)
                time.sleep(0.005)
            if plan.batch:
                done = self._residents.with_oom_ladder(
                    lambda batch: model.work(batch, plan.item_bytes), plan.batch, progress
                )
                note(f"batch {done}")
