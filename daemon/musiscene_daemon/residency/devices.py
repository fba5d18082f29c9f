"""Where a model can live: a device with so much memory, as its driver tells it.

Knows nothing of models. Devices of a framework come with the engines that use it.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path
from typing import Literal, Protocol

DeviceKind = Literal["gpu", "cpu"]

_MEMINFO = Path("/proc/meminfo")


class Device(Protocol):
    """Memory of one kind in one place."""

    @property
    def name(self) -> str:
        """What its framework calls it, such as "cuda:0"; unlike every other device's."""

    @property
    def kind(self) -> DeviceKind:
        """Whether it is a GPU or the machine's own processor."""

    @property
    def total_bytes(self) -> int:
        """All its memory, whoever uses it."""

    def free_bytes(self) -> int:
        """What its driver says could be had now. May change between two calls."""

    def release(self) -> None:
        """Hand back what is held in reserve but used by nothing."""


class HostMemory:
    """The machine's own memory, as the system tells it; one figure for all processes."""

    name = "cpu"
    kind: DeviceKind = "cpu"

    @property
    def total_bytes(self) -> int:
        """The memory that is built in."""
        return _host_bytes()[0]

    def free_bytes(self) -> int:
        """What can be had without swapping; where the system does not say, all there is."""
        return _host_bytes()[1]

    def release(self) -> None:
        """Nothing is held in reserve."""


class _MemoryStatus(ctypes.Structure):
    """MEMORYSTATUSEX of the Windows API."""

    _fields_ = (
        ("length", ctypes.c_ulong),
        ("load", ctypes.c_ulong),
        ("total", ctypes.c_ulonglong),
        ("available", ctypes.c_ulonglong),
        ("others", ctypes.c_ulonglong * 5),
    )


def _host_bytes() -> tuple[int, int]:
    """(built in, to be had)."""
    if sys.platform == "win32":
        status = _MemoryStatus(length=ctypes.sizeof(_MemoryStatus))
        ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))
        return int(status.total), int(status.available)
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if not _MEMINFO.exists():
        return total, total
    for line in _MEMINFO.read_text(encoding="ascii").splitlines():
        key, _, value = line.partition(":")
        if key == "MemAvailable":
            return total, int(value.split()[0]) * 1024
    return total, total
