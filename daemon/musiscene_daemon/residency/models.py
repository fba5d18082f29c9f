"""What an engine says of a model it wants in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from musiscene_core.progress import Progress
from musiscene_daemon.residency.devices import Device
from musiscene_daemon.residency.settings import check_keep_alive

M = TypeVar("M")

Place = Literal["gpu", "gpu_or_cpu", "cpu"]
"""Where a model may run: a GPU only, a GPU where it fits and else the processor, or the latter."""


def let_go(model: object) -> None:
    """Unload a model by forgetting it, which is enough where nothing else refers to it."""


@dataclass(frozen=True, kw_only=True)
class ModelSpec(Generic[M]):
    """A model, before it is loaded.

    Attributes:
        name: tells it from every other model; the same name is the same model.
        bytes: what it needs on its device: weights and the work of a batch of one.
        load: loads it onto a device. Tells its progress often: what that raises (cancel) must
            pass through, with nothing left on the device.
        unload: frees the device's memory even where someone still refers to the model.
        place: where it may run.
        keep_alive_s: how long it stays when idle; None leaves that to the settings.
    """

    name: str
    bytes: int
    load: Callable[[Device, Progress], M]
    unload: Callable[[M], None] = let_go
    place: Place = "gpu"
    keep_alive_s: float | None = None

    def __post_init__(self) -> None:
        if self.bytes <= 0:
            raise ValueError(f"the model {self.name} cannot need {self.bytes} bytes")
        if self.keep_alive_s is not None:
            check_keep_alive(self.keep_alive_s)
