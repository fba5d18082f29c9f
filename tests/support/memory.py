"""The most memory this process ever held, of its own: what getrusage tells is its parent's too.

A process that is begun takes over its parent's peak, and one that lives on keeps that of whatever
it did before: either hides what is being looked at.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

_STATUS = Path("/proc/self/status")
_FORGET = Path("/proc/self/clear_refs")


def peak_from_now_kb() -> int:
    """Forget the peak, and return what is held now, in KiB; skips where no system tells it."""
    with contextlib.suppress(OSError):
        _FORGET.write_text("5")
        return peak_kb()
    pytest.skip("this system does not tell a process's peak memory")


def peak_kb() -> int:
    """The peak since it was forgotten, in KiB.

    Raises:
        OSError: this system does not tell.
    """
    lines = _STATUS.read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
