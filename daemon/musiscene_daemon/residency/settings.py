"""How long models stay, and whether the processor may stand in for a GPU."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass

from musiscene_core.errors import InputError

KEEP_ALIVE_VARIABLE = "MUSISCENE_KEEP_ALIVE_S"
CPU_FALLBACK_VARIABLE = "MUSISCENE_CPU_FALLBACK"
DEFAULT_KEEP_ALIVE_S = 300.0
FOR_EVER = -1.0


@dataclass(frozen=True, kw_only=True)
class ResidencySettings:
    """What a user can say about models in memory.

    Attributes:
        keep_alive_s: how long an idle model stays; 0 unloads it at once, -1 keeps it for ever.
        cpu_fallback: whether a model that fits no GPU may run on the processor, slowly.
    """

    keep_alive_s: float = DEFAULT_KEEP_ALIVE_S
    cpu_fallback: bool = False

    def __post_init__(self) -> None:
        check_keep_alive(self.keep_alive_s)

    @classmethod
    def from_environment(cls) -> ResidencySettings:
        """From MUSISCENE_KEEP_ALIVE_S and MUSISCENE_CPU_FALLBACK (0 or 1).

        Raises:
            InputError: a value makes no sense.
        """
        text = os.environ.get(KEEP_ALIVE_VARIABLE) or str(DEFAULT_KEEP_ALIVE_S)
        try:
            keep_alive_s = float(text)
        except ValueError:
            raise InputError(
                f"{KEEP_ALIVE_VARIABLE} is {text!r}, not a number of seconds.",
                hint="Unset it, or set it to seconds, 0 (unload at once) or -1 (keep for ever).",
            ) from None
        fallback = os.environ.get(CPU_FALLBACK_VARIABLE) or "0"
        if fallback not in ("0", "1"):
            raise InputError(
                f"{CPU_FALLBACK_VARIABLE} is {fallback!r}, neither 0 nor 1.",
                hint="Unset it, or set it to 1 to let models run on the processor.",
            )
        return cls(keep_alive_s=keep_alive_s, cpu_fallback=fallback == "1")


def check_keep_alive(seconds: float) -> None:
    """Refuse a keep-alive that is no time.

    Raises:
        InputError: it is neither -1 nor a finite number of seconds from 0 up.
    """
    if seconds != FOR_EVER and not (math.isfinite(seconds) and seconds >= 0):
        raise InputError(
            f"A model cannot be kept for {seconds:g} s.",
            hint="Give seconds, 0 (unload at once) or -1 (keep for ever).",
        )
