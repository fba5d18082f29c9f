"""The machine: memory, disks, and its graphics processors, of which another process is asked.

torch is never loaded here: the interpreter of the environment for models is asked, or this one in
a process of its own.
"""

from __future__ import annotations

import ctypes
import errno
import importlib.util
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from musiscene_core.environments.places import folder_of, interpreter_of
from musiscene_core.paths import cache_folder, data_folder, log_folder, runtime_folder
from musiscene_plugins.doctor.asking import ask
from musiscene_plugins.doctor.finding import Fact, Finding, broken, fine, note
from musiscene_plugins.doctor.software import frozen

GPU_ENVIRONMENT = "gpu"
_GB = 1e9
_LITTLE_MEMORY = 4 * _GB
_NO_ROOM = 0.5 * _GB
_LITTLE_ROOM = 10 * _GB
_MENDED = {
    errno.ENOSPC: "Free some space on that disk",
    errno.EDQUOT: "Free some of your own space there",
    errno.EROFS: "Have that disk mounted for writing",
    errno.ENOTDIR: "Move away the file that is in the folder's place",
}
_SMI_S, _TORCH_S = 10.0, 60.0
_SMI = ("nvidia-smi", "--query-gpu=name,memory.total,memory.free,driver_version")
_SMI_FORMAT = "--format=csv,noheader,nounits"
_TORCH = """
import json, torch
told = {"torch": torch.__version__, "cuda": torch.version.cuda or torch.version.hip or ""}
told["devices"] = [
    [torch.cuda.get_device_name(n), *reversed(torch.cuda.mem_get_info(n))]
    for n in range(torch.cuda.device_count())
]
mps = getattr(torch.backends, "mps", None)
told["mps"] = bool(mps is not None and mps.is_available())
print(json.dumps(told))
"""


def memory() -> Iterator[Finding]:
    """How much there is."""
    total, free = memory_bytes()
    if not total:
        yield note("memory", "How much memory there is cannot be told.")
        return
    text = f"{total / _GB:.1f} GB of memory" + (f", {free / _GB:.1f} GB of it free" if free else "")
    facts: dict[str, Fact] = {"total_bytes": total, "free_bytes": free}
    if total < _LITTLE_MEMORY:
        yield note("memory", f"{text}: little for long scenes.", "Mark shorter ranges.", **facts)
    else:
        yield fine("memory", f"{text}.", **facts)


def memory_bytes() -> tuple[int, int]:
    """(all, free) in bytes; 0 where it cannot be told."""
    if sys.platform == "win32":
        return _windows_memory()
    try:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return 0, 0
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return total, 0
    free = [int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable:")]
    return total, free[0] if free else 0


def _windows_memory() -> tuple[int, int]:
    class Status(ctypes.Structure):
        _fields_ = [
            ("length", ctypes.c_uint32),
            ("load", ctypes.c_uint32),
            *((name, ctypes.c_uint64) for name in ("total", "free", "a", "b", "c", "d", "e")),
        ]

    status = Status(length=ctypes.sizeof(Status))
    windll: Any = getattr(ctypes, "windll")  # noqa: B009 - known on Windows alone
    if not windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
        return 0, 0
    return int(status.total), int(status.free)


def disks() -> Iterator[Finding]:
    """Whether there is room where MusiScene writes, and whether it may."""
    for what, folder in (
        ("takes and models", data_folder()),
        ("kept results", cache_folder()),
        ("logs", log_folder()),
        ("the daemon's connection", runtime_folder()),
        ("temporary files", Path(tempfile.gettempdir())),
    ):
        yield _disk(what, folder)


def _disk(what: str, folder: Path) -> Finding:
    topic = f"disk for {what}"
    try:
        there = next(place for place in (folder, *folder.parents) if place.exists())
        free = shutil.disk_usage(there).free
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(b"MusiScene")
    except OSError as error:
        mended = _MENDED.get(error.errno or 0, "Mend the folder's rights")
        elsewhere = "TMPDIR" if folder == Path(tempfile.gettempdir()) else "MUSISCENE_HOME"
        return broken(
            topic,
            f"{folder} cannot be written: {error.strerror}.",
            f"{mended}, or put MusiScene's files elsewhere with {elsewhere}.",
            folder=str(folder),
        )
    text = f"{free / _GB:.1f} GB are free at {folder}"
    facts: dict[str, Fact] = {"folder": str(folder), "free_bytes": free}
    if free < _NO_ROOM:
        return broken(
            topic,
            f"Only {text}: takes will not be written.",
            "Free some space; `musiscene takes purge` deletes old takes that are no favourites.",
            **facts,
        )
    if free < _LITTLE_ROOM and folder == data_folder():
        return note(
            topic, f"{text}: enough for takes, too little for models.", "Free some space.", **facts
        )
    return fine(topic, f"{text}.", **facts)


def graphics() -> Iterator[Finding]:
    """What graphics processors there are, and whether torch works with them."""
    cards = _nvidia()
    yield from cards
    python = models_interpreter()
    if python is None:
        yield note(
            "models environment",
            "torch is not installed: the composer and the small captioner work, models that take"
            " torch do not.",
            "`musiscene setup gpu` makes an environment for them.",
        )
        return
    yield _torch(python, has_nvidia=any("memory_total_mb" in card.facts for card in cards))


def models_interpreter() -> str | None:
    """The Python that models run in; None where there is none with torch."""
    inside = interpreter_of(folder_of(GPU_ENVIRONMENT))
    if inside is not None:
        return str(inside)
    if not frozen() and importlib.util.find_spec("torch") is not None:
        return sys.executable
    return None


def _nvidia() -> list[Finding]:
    if shutil.which(_SMI[0]) is None:
        return [note("nvidia", "No NVIDIA driver is installed here.")]
    answer = ask([*_SMI, _SMI_FORMAT], _SMI_S)
    if answer.code != 0:
        return [
            broken(
                "nvidia",
                f"The NVIDIA driver does not answer: {answer.said.strip() or answer.problem}.",
                "Restart the machine; if that does not help, install the driver again.",
            )
        ]
    found = []
    for line in filter(None, answer.said.splitlines()):
        name, total, free, driver = (part.strip() for part in [*line.split(","), "", "", ""][:4])
        found.append(
            fine(
                "nvidia",
                f"{name}, {total} MB ({free} MB free), driver {driver}.",
                **{
                    "name": name,
                    "driver": driver,
                    "memory_total_mb": total,
                    "memory_free_mb": free,
                },
            )
        )
    return found


def _torch(python: str, *, has_nvidia: bool) -> Finding:
    answer = ask([python, "-c", _TORCH], _TORCH_S, foreign=python != sys.executable)
    topic = "models environment"
    try:
        told = json.loads(answer.said.strip().rpartition("\n")[2])
        version = f"torch {told['torch']}"
        devices = [(str(name), int(total), int(free)) for name, total, free in told["devices"]]
        facts: dict[str, Fact] = {
            "python": python,
            "torch": str(told["torch"]),
            "cuda": str(told["cuda"]),
        }
        mps = bool(told["mps"])
    except (ValueError, KeyError, TypeError):
        return broken(
            topic,
            f"torch does not load in {python}: {answer.problem}.",
            "`musiscene setup gpu --repair` mends ours; else install torch again.",
            python=python,
        )
    if devices:
        listed = "; ".join(
            f"{name}, {total / _GB:.1f} GB ({free / _GB:.1f} GB free)"
            for name, total, free in devices
        )
        return fine(topic, f"{version} works with {listed}.", **facts, devices=len(devices))
    if mps:
        return fine(topic, f"{version} works with this Mac's graphics processor.", **facts)
    if has_nvidia:
        return broken(
            topic,
            f"{version} does not see the NVIDIA card: models run on the processor, many times"
            " slower.",
            "`musiscene setup gpu` makes an environment that does.",
            **facts,
        )
    return note(topic, f"{version} works on the processor; there is no card it could use.", **facts)
