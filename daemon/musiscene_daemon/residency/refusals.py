"""Why a model is not loaded, in words: what it needs, and what there is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from musiscene_core.errors import EngineError
from musiscene_daemon.residency.settings import CPU_FALLBACK_VARIABLE

_FALLBACK = f"To run it on the processor, slowly, set {CPU_FALLBACK_VARIABLE}=1."


@dataclass(frozen=True)
class Room:
    """A device that was looked at: its figures in bytes.

    Attributes:
        device: its name.
        total: all its memory.
        free: what could be had at once.
        possible: what could be had with everything idle gone.
    """

    device: str
    total: int
    free: int
    possible: int


def refusal(model: str, size: int, rooms: Sequence[Room], *, fallback_asked: bool) -> EngineError:
    """The error that says why `model`, of `size` bytes, has no place in any of `rooms`."""
    further = "" if fallback_asked else f" {_FALLBACK}"
    if not rooms:
        return EngineError(
            f"The model {model} needs a GPU with {shown(size)}, and none was found.",
            hint=f"Install the GPU's driver, or choose another engine.{further}",
        )
    largest = max(rooms, key=lambda room: room.total)
    if size > largest.total:
        return EngineError(
            f"The model {model} needs {shown(size)}; {largest.device} has {shown(largest.total)} "
            "in all.",
            hint=f"Choose a smaller model or engine.{further}",
        )
    best = max(rooms, key=lambda room: room.possible)
    return EngineError(
        f"The model {model} needs {shown(size)}; {best.device} has {shown(best.possible)} free, "
        "models that are in use not counted.",
        hint=f"Close programs that use it, or choose a smaller engine.{further}",
    )


def shown(size: int) -> str:
    """A size for the user: 5.2 GiB, 310 MiB, 12 KiB."""
    for unit, power in (("GiB", 30), ("MiB", 20), ("KiB", 10)):
        if size >= 1 << power:
            return f"{size / (1 << power):.1f} {unit}"
    return f"{size} bytes"
