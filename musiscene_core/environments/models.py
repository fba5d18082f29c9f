"""The environment for models that need torch: pinned by a lock file, with the torch of the machine.

`locks/models.txt` names every package for every system, as `packaging/lock.py --models` resolved
it. Of torch there are builds for NVIDIA's cards, AMD's, Apple's and none; which one fits is told by
what the machine has. Those that are not on the usual package index come from PyTorch's own.
MusiScene itself goes in last, the version that runs here, so that the daemon's worker runs in it.
"""

from __future__ import annotations

import importlib.resources
import os
import platform
import shutil
import sys
from typing import Literal, get_args

from musiscene_core import __version__
from musiscene_core.environments.places import WATCHING, Stamp
from musiscene_core.environments.recipe import Recipe
from musiscene_core.errors import RequestError

NAME = "gpu"
TorchBuild = Literal["cuda", "cpu", "rocm", "mps"]
BUILDS: tuple[TorchBuild, ...] = get_args(TorchBuild)
ENGINES = ("musicgen", "mullama", WATCHING)
"""What of ours torch is for, which the environment's worker has."""
_LOCK = "models.txt"
_INDEX = "https://download.pytorch.org/whl"
_OWN_INDEX = {"cpu": f"{_INDEX}/cpu", "cuda": f"{_INDEX}/cu130"}
"""Where the usual index has another build: on Linux its torch is for CUDA, on Windows for none."""
_OF_CUDA = ("nvidia-", "cuda-", "triton")
_PYTHONS = (12, 11, 13)
_BYTES = {"cuda": 9_000_000_000, "rocm": 16_000_000_000, "cpu": 2_500_000_000, "mps": 2_500_000_000}
_KFD = "/dev/kfd"


def build_for(system: str = sys.platform, machine: str | None = None) -> TorchBuild:
    """The build of torch that fits this machine."""
    if system == "darwin":
        return "mps" if (machine or platform.machine()) == "arm64" else "cpu"
    if shutil.which("nvidia-smi") is not None:
        return "cuda"
    return "rocm" if system == "linux" and os.path.exists(_KFD) else "cpu"


def models_recipe(
    build: TorchBuild, *, torch_index: str = "", system: str = sys.platform
) -> Recipe:
    """The recipe with one build of torch.

    Args:
        build: which.
        torch_index: an index that has it, instead of PyTorch's own.
        system: as sys.platform says it.

    Raises:
        RequestError: there is no such build for this system, or none known for the lock.
    """
    if (build == "mps") != (system == "darwin") and build != "cpu":
        raise RequestError(
            f"There is no torch for {build} on this system.",
            hint=f"Those there are: {', '.join(_builds_on(system))}.",
        )
    if build == "rocm" and not torch_index:
        raise RequestError(
            "Which ROCm this machine has decides which torch fits, and that is not known here.",
            hint=f"Name PyTorch's index for it: --torch-index {_INDEX}/rocmVERSION.",
        )
    usual = {"linux": "cuda", "win32": "cpu"}.get(system, build)
    index = torch_index or ("" if build == usual else _OWN_INDEX[build])
    return Recipe(
        name=NAME,
        title=f"Models with torch ({build})",
        pythons=_PYTHONS,
        requirements=(*_locked(with_cuda=build == "cuda"), f"musiscene=={__version__}"),
        imports=("torch", "transformers", "musiscene_daemon.worker"),
        disk_bytes=_BYTES[build],
        licence="torch is BSD-3-Clause, CUDA's libraries are NVIDIA's own; models have licences of"
        " their own.",
        engines=ENGINES,
        inside=True,
        indexes={"torch": index} if index else {},
        variant=build,
    )


def recipe_as(stamp: Stamp) -> Recipe | None:
    """The recipe of this version that a models' environment would be made by now."""
    build = next((one for one in BUILDS if one == stamp.variant), None)
    if stamp.recipe != NAME or build is None:
        return None
    # Nothing is fetched by it, so that no index need be known.
    return models_recipe(build, torch_index=_INDEX)


def _builds_on(system: str) -> tuple[str, ...]:
    return ("mps", "cpu") if system == "darwin" else ("cuda", "rocm", "cpu")


def _locked(*, with_cuda: bool) -> tuple[str, ...]:
    text = (importlib.resources.files(__package__) / "locks" / _LOCK).read_text(encoding="utf-8")
    lines = (line.strip() for line in text.splitlines())
    pins = [line for line in lines if line and not line.startswith("#")]
    return tuple(pin for pin in pins if with_cuda or not pin.startswith(_OF_CUDA))
