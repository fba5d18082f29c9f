"""Residents: the models in memory, loaded when wanted and unloaded when they must go.

One thread at a time loads or unloads; any number work. Estimates are checked before a load, idle
models go first, the longest unused first, and one that is in use never goes. See
docs/residency.md for the policy. Knows nothing of jobs, pipes or frameworks.
"""

from __future__ import annotations

import gc
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from musiscene_core.errors import EngineError
from musiscene_core.progress import Progress, silent
from musiscene_core.protocol.state import (
    ModelInfo,
    ModelState,
)
from musiscene_daemon.residency.devices import Device, HostMemory
from musiscene_daemon.residency.ledger import Ledger
from musiscene_daemon.residency.models import ModelSpec
from musiscene_daemon.residency.oom import (
    MAKING_ROOM,
    does_not_fit,
    is_out_of_memory,
    with_oom_ladder,
)
from musiscene_daemon.residency.refusals import Room, refusal, shown
from musiscene_daemon.residency.settings import FOR_EVER, ResidencySettings

log = logging.getLogger(__name__)

M = TypeVar("M")
T = TypeVar("T")

FindDevices = Callable[[], Sequence[Device]]
"""Looks for devices; asked once, when a model is first wanted."""

_POLL_S = 0.02
_LEAK_FRACTION = 0.9
"""A device that gives back less of what a load took has lost some."""


class _Held:
    """A model that is loaded, or being loaded or unloaded."""

    def __init__(self, spec: ModelSpec[Any], device: Device) -> None:
        self.spec = spec
        self.device = device
        self.model: Any = None
        self.state: ModelState = "loading"
        self.took = 0
        self.idle_since = 0.0
        self.unwanted = False


class Residents:
    """The models of this process. Every method may be called from any thread."""

    def __init__(
        self,
        settings: ResidencySettings | None = None,
        on_change: Callable[[tuple[ModelInfo, ...]], None] = lambda _: None,
    ) -> None:
        """Hold nothing yet; `on_change` hears of each change, in order, from any thread."""
        self._settings = settings or ResidencySettings()
        self._on_change = on_change
        self._telling = threading.Lock()
        self._changed = threading.Condition()
        self._ledger = Ledger()
        self._devices: dict[str, Device] = {}
        self._finders: list[FindDevices] = []
        self._asked: list[FindDevices] = []
        self._held: dict[str, _Held] = {}
        self._acting: int | None = None
        self._keeper: threading.Thread | None = None

    def add_devices(self, find: FindDevices) -> None:
        """Have `find` asked for further devices when a model is next loaded."""
        with self._changed:
            if find not in self._finders:
                self._finders.append(find)

    @contextmanager
    def use(self, spec: ModelSpec[M], progress: Progress = silent) -> Iterator[M]:
        """Work with a model, which stays where it is meanwhile.

        Args:
            spec: the model; loaded where it is not yet.
            progress: hears of waiting and making room, and is what `spec.load` reports to.

        Raises:
            EngineError: it has no place on any device that it may run on.
        """
        held = self._enter(spec, progress)
        try:
            yield held.model
        finally:
            self._leave(spec.name, held)

    def first_with_room(self, specs: Sequence[ModelSpec[M]]) -> ModelSpec[M]:
        """The first of several ways to hold a model that is in memory, or has room for it.

        Raises:
            EngineError: none has; it says what each would need.
        """
        self._find_devices()
        refusals: list[EngineError] = []
        for spec in specs:
            with self._changed:
                held = self._held.get(spec.name)
            if held is not None and held.state == "ready":
                return spec
            try:
                self._choose(spec)
            except EngineError as error:
                refusals.append(error)
            else:
                return spec
        raise EngineError(" ".join(error.message for error in refusals), hint=refusals[-1].hint)

    @property
    def has_gpus(self) -> bool:
        """Whether a model could be on a GPU at all."""
        self._find_devices()
        return any(device.kind == "gpu" for device in self._devices.values())

    def with_oom_ladder(
        self, step: Callable[[int], T], batch: int, progress: Progress = silent
    ) -> T:
        """Do `step(batch)`, with smaller batches and then more room where memory runs out.

        Args:
            step: does all of the work, at most so many items at a time; may be begun again.
            batch: items at a time, to begin with.
            progress: hears of each rung.

        Raises:
            EngineError: it did not fit even alone and one at a time.
        """
        return with_oom_ladder(
            step,
            batch,
            tidy=self._tidy,
            evict=lambda: self.evict_idle(progress),
            progress=progress,
        )

    def evict_idle(self, progress: Progress = silent) -> int:
        """Unload every model that nobody works with; returns how many went."""
        with self._only_one(progress):
            return self._evict_idle()

    def unload(self, name: str) -> None:
        """Unload a model soon: at once where it is idle, else when its work is done."""
        with self._changed:
            held = self._held.get(name)
            if held is not None:
                held.unwanted = True
                self._wake_keeper()

    def models(self) -> tuple[ModelInfo, ...]:
        """What is in memory, in the order of loading."""
        with self._changed:
            return tuple(self._info(held) for held in self._held.values())

    def _info(self, held: _Held) -> ModelInfo:
        entry = self._ledger.get(held.spec.name)
        due = self._due(held)
        return ModelInfo(
            name=held.spec.name,
            device=held.device.name,
            bytes=entry.bytes if entry else 0,
            state=held.state,
            users=entry.users if entry else 0,
            unload_at=None if due is None else time.time() + due - time.monotonic(),
        )

    def _tell(self) -> None:
        # Taken together, so that what is told last is how things stand.
        with self._telling:
            self._on_change(self.models())

    def _enter(self, spec: ModelSpec[M], progress: Progress) -> _Held:
        while True:
            with self._changed:
                held = self._held.get(spec.name)
                if held is not None and held.state == "ready":
                    self._ledger.enter(spec.name)
                    held.spec = spec
                    break
                acting = self._try_to_act()
                if not acting:
                    self._changed.wait(_POLL_S)
            if acting:
                try:
                    held = self._load(spec, progress)
                finally:
                    self._stop_acting()
                break
            progress(f"Waiting for the model {spec.name}", 0.0)
        self._tell()
        return held

    def _leave(self, name: str, held: _Held) -> None:
        with self._changed:
            self._ledger.leave(name)
            held.idle_since = time.monotonic()
            self._wake_keeper()
        self._tell()

    def _load(self, spec: ModelSpec[Any], progress: Progress) -> _Held:
        """Load a model; the calling thread acts."""
        self._find_devices()
        device = self._choose(spec)
        for retry in (False, True):
            held = self._book(spec, device, progress)
            before = device.free_bytes()
            loaded = self._try_load(held, progress)
            if loaded:
                took = before - device.free_bytes()
                with self._changed:
                    held.model, held.state, held.took = loaded[0], "ready", took
                    if device.kind == "gpu" and took > spec.bytes:
                        self._ledger.correct(spec.name, took)
                        log.warning("%s took %s, more than it said", spec.name, shown(took))
                log.info("%s is loaded on %s", spec.name, device.name)
                return held
            self._tidy()
            if not retry:
                progress(MAKING_ROOM, 0.0)
                count = self._evict_idle()
                log.warning("no room to load %s: %d idle models unloaded", spec.name, count)
        raise does_not_fit(f"The model {spec.name}")

    def _try_load(self, held: _Held, progress: Progress) -> tuple[Any, ...]:
        """The model, in a tuple; an empty one where there was no room. Else leaves no trace."""
        try:
            return (held.spec.load(held.device, progress),)
        except BaseException as error:
            self._forget(held, users=1)
            if not (isinstance(error, Exception) and is_out_of_memory(error)):
                raise
        return ()

    def _forget(self, held: _Held, *, users: int) -> None:
        with self._changed:
            for _ in range(users):
                self._ledger.leave(held.spec.name)
            self._ledger.remove(held.spec.name)
            del self._held[held.spec.name]
            self._changed.notify_all()
        self._tell()

    def _find_devices(self) -> None:
        for find in [find for find in self._finders if find not in self._asked]:
            for device in find():
                self._add_device(device)
            self._asked.append(find)
        if not any(device.kind == "cpu" for device in self._devices.values()):
            self._add_device(HostMemory())

    def _add_device(self, device: Device) -> None:
        if device.name not in self._devices:
            with self._changed:
                self._devices[device.name] = device
                self._ledger.add_device(device.name, device.total_bytes)
            log.info("%s has %s", device.name, shown(device.total_bytes))

    def _choose(self, spec: ModelSpec[Any]) -> Device:
        """The device with most room: free room before what eviction gives, GPUs before others."""
        kinds = {"gpu": ["gpu"], "gpu_or_cpu": ["gpu", "cpu"], "cpu": ["cpu"]}[spec.place]
        if self._settings.cpu_fallback and "cpu" not in kinds:
            kinds.append("cpu")
        rooms: list[Room] = []
        for kind in kinds:
            found = [self._room(item) for item in self._devices.values() if item.kind == kind]
            found.sort(key=lambda room: -room.free)
            for room in found:
                if spec.bytes <= room.possible:
                    return self._devices[room.device]
            rooms += found
        raise self._refused(spec, rooms)

    def _refused(self, spec: ModelSpec[Any], rooms: Sequence[Room]) -> EngineError:
        asked = self._settings.cpu_fallback or spec.place != "gpu"
        return refusal(spec.name, spec.bytes, rooms, fallback_asked=asked)

    def _room(self, device: Device) -> Room:
        device.release()
        driver = device.free_bytes()
        with self._changed:
            return Room(
                device.name,
                device.total_bytes,
                self._ledger.free(device.name, driver),
                self._ledger.could_be_free(device.name, driver),
            )

    def _book(self, spec: ModelSpec[Any], device: Device, progress: Progress) -> _Held:
        """Reserve a model's place, evicting what is idle while that is too small."""
        while True:
            driver = device.free_bytes()
            with self._changed:
                if spec.bytes <= self._ledger.free(device.name, driver):
                    self._ledger.add(spec.name, device.name, spec.bytes, driver)
                    held = self._held[spec.name] = _Held(spec, device)
                    break
                idle = self._ledger.idle(device.name)
            if not idle:
                raise self._refused(spec, [self._room(device)])
            progress(MAKING_ROOM, 0.0)
            self._evict(idle[0].name)
        self._tell()
        return held

    def _evict_idle(self) -> int:
        with self._changed:
            names = [entry.name for entry in self._ledger.idle()]
        return sum(map(self._evict, names))

    def _evict(self, name: str) -> bool:
        """Unload a model unless someone works with it; the calling thread acts."""
        with self._changed:
            entry = self._ledger.get(name)
            if entry is None or entry.users:
                return False
            held = self._held[name]
            held.state = "leaving"
        self._tell()
        device = held.device
        try:
            before = device.free_bytes()
            held.spec.unload(held.model)
            held.model = None
            gc.collect()
            device.release()
            back = device.free_bytes() - before
            if device.kind == "gpu" and back < _LEAK_FRACTION * held.took:
                log.warning(
                    "%s gave back %s of %s: the rest is lost to %s until the worker ends",
                    name,
                    shown(max(0, back)),
                    shown(held.took),
                    device.name,
                )
            log.info("%s is unloaded from %s", name, device.name)
        except Exception:
            # What it left behind shows in the driver's figure, which the next load believes.
            log.exception("%s could not be unloaded in order", name)
        finally:
            held.model = None
            self._forget(held, users=0)
        return True

    def _tidy(self) -> None:
        gc.collect()
        for device in list(self._devices.values()):
            device.release()

    @contextmanager
    def _only_one(self, progress: Progress) -> Iterator[None]:
        """Be the thread that loads and unloads."""
        while True:
            with self._changed:
                acting = self._try_to_act()
                if not acting:
                    self._changed.wait(_POLL_S)
            if acting:
                break
            progress(MAKING_ROOM, 0.0)
        try:
            yield
        finally:
            self._stop_acting()

    def _try_to_act(self) -> bool:
        if self._acting == threading.get_ident():
            raise RuntimeError("a model's load or unload may not ask for models itself")
        if self._acting is None:
            self._acting = threading.get_ident()
            return True
        return False

    def _stop_acting(self) -> None:
        with self._changed:
            self._acting = None
            self._changed.notify_all()

    def _due(self, held: _Held) -> float | None:
        """When a model is to go, on the monotonic clock; None while it may stay."""
        entry = self._ledger.get(held.spec.name)
        if entry is None or entry.users or held.state != "ready":
            return None
        if held.unwanted:
            return held.idle_since
        keep_s = held.spec.keep_alive_s
        keep_s = self._settings.keep_alive_s if keep_s is None else keep_s
        return None if keep_s == FOR_EVER else held.idle_since + keep_s

    def _has_due(self, held: _Held) -> bool:
        return self._due(held) is not None

    def _wake_keeper(self) -> None:
        if self._keeper is None and any(map(self._has_due, self._held.values())):
            self._keeper = threading.Thread(target=self._keep, daemon=True, name="keep-alive")
            self._keeper.start()
        self._changed.notify_all()

    def _keep(self) -> None:
        while name := self._next_expired():
            try:
                self._evict(name)
            except Exception:
                log.exception("%s could not be unloaded", name)
            finally:
                self._stop_acting()

    def _next_expired(self) -> str:
        """Wait until a model's time is up; returns it, and this thread acts.

        Empty where no model is to go any more: then this thread ends.
        """
        with self._changed:
            while True:
                times = [
                    (due, name)
                    for name, held in self._held.items()
                    if (due := self._due(held)) is not None
                ]
                if not times:
                    self._keeper = None
                    return ""
                due, name = min(times)
                left_s = due - time.monotonic()
                if left_s <= 0 and self._try_to_act():
                    return name
                self._changed.wait(left_s if left_s > 0 else None)
