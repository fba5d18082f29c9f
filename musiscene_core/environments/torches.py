"""Which build of torch goes into an environment, where it is fetched from, and the lock files.

Of torch there are builds for NVIDIA's cards, AMD's, Apple's and none; which one fits is told by
what the machine has. Those that are not on the usual package index come from PyTorch's own.
`locks/` names every package for every system, as `packaging/lock.py` resolved it.
"""

from __future__ import annotations

import importlib.resources
import os
import platform
import shutil
import sys
from typing import Literal, get_args

from musiscene_core.errors import RequestError

TorchBuild = Literal["cuda", "cpu", "rocm", "mps"]
BUILDS: tuple[TorchBuild, ...] = get_args(TorchBuild)
INDEX = "https://download.pytorch.org/whl"
_OWN_INDEX = {"cpu": f"{INDEX}/cpu", "cuda": f"{INDEX}/cu130"}
"""Where the usual index has another build: on Linux its torch is for CUDA, on Windows for none."""
_OF_CUDA = ("nvidia-", "cuda-", "triton")
DISK_BYTES = {
    "cuda": 9_000_000_000,
    "rocm": 16_000_000_000,
    "cpu": 2_500_000_000,
    "mps": 2_500_000_000,
}
"""What an environment with each build takes, nearly all of it torch."""
_KFD = "/dev/kfd"


def build_for(system: str = sys.platform, machine: str | None = None) -> TorchBuild:
    """The build of torch that fits this machine."""
    if system == "darwin":
        return "mps" if (machine or platform.machine()) == "arm64" else "cpu"
    if shutil.which("nvidia-smi") is not None:
        return "cuda"
    return "rocm" if system == "linux" and os.path.exists(_KFD) else "cpu"


def indexes_for(build: TorchBuild, given: str, system: str) -> dict[str, str]:
    """Where torch comes from, where that is not the usual index.

    Args:
        build: which.
        given: an index that has it, instead of PyTorch's own; may be empty.
        system: as sys.platform says it.

    Raises:
        RequestError: there is no such build for this system, or none known.
    """
    if (build == "mps") != (system == "darwin") and build != "cpu":
        raise RequestError(
            f"There is no torch for {build} on this system.",
            hint=f"Those there are: {', '.join(_builds_on(system))}.",
        )
    if build == "rocm" and not given:
        raise RequestError(
            "Which ROCm this machine has decides which torch fits, and that is not known here.",
            hint=f"Name PyTorch's index for it: --torch-index {INDEX}/rocmVERSION.",
        )
    usual = {"linux": "cuda", "win32": "cpu"}.get(system, build)
    index = given or ("" if build == usual else _OWN_INDEX[build])
    return {"torch": index} if index else {}


def locked(name: str, build: TorchBuild) -> tuple[str, ...]:
    """The pins of a lock file that go with a build of torch."""
    place = importlib.resources.files(__package__) / "locks" / name
    lines = (line.strip() for line in place.read_text(encoding="utf-8").splitlines())
    pins = [line for line in lines if line and not line.startswith("#")]
    return tuple(pin for pin in pins if build == "cuda" or not pin.startswith(_OF_CUDA))


def _builds_on(system: str) -> tuple[str, ...]:
    return ("mps", "cpu") if system == "darwin" else ("cuda", "rocm", "cpu")
