"""How many threads a neural model computes with. Loads no torch until a number is set."""

from __future__ import annotations

import os

from musiscene_core.errors import InputError

THREADS_VARIABLE = "MUSISCENE_THREADS"
_MOST = 1024


def prepare() -> None:
    """Have threads sleep while they wait; to be called before torch is first imported.

    They would otherwise spin for a while after each product, on cores that the editor needs.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def default_threads() -> int:
    """MUSISCENE_THREADS, or else one less than this process may use cores, and at least one.

    Each product waits for its slowest thread: where all cores compute and anything else runs,
    measured on two cores, a token takes three times as long and more, while one thread less loses
    little, since it is the memory that limits.

    Raises:
        InputError: MUSISCENE_THREADS is no number from 1 up.
    """
    if wanted := os.environ.get(THREADS_VARIABLE, "").strip():
        if not wanted.isascii() or not wanted.isdigit() or not 1 <= int(wanted) <= _MOST:
            raise InputError(
                f"{THREADS_VARIABLE} is {wanted!r}.", hint=f"Set it to 1 to {_MOST}, or unset it."
            )
        return int(wanted)
    return max(1, cores() - 1)


def use_threads(count: int | None = None) -> int:
    """Compute with `count` threads, or as many as `default_threads` says; returns how many."""
    import torch

    chosen = default_threads() if count is None else count
    torch.set_num_threads(chosen)
    return chosen


def cores() -> int:
    """That this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
