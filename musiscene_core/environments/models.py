"""The environment for models that need torch: pinned by a lock file, with the torch of the machine.

MusiScene itself goes in last, the version that runs here, so that the daemon's worker runs in it.
"""

from __future__ import annotations

import sys

from musiscene_core import __version__
from musiscene_core.environments.places import WATCHING
from musiscene_core.environments.recipe import Recipe
from musiscene_core.environments.torches import DISK_BYTES, TorchBuild, indexes_for, locked

NAME = "gpu"
ENGINES = ("musicgen", "mullama", WATCHING)
"""What of ours torch is for, which the environment's worker has."""
_LOCK = "models.txt"
_PYTHONS = (12, 11, 13)


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
    return Recipe(
        name=NAME,
        title=f"Models with torch ({build})",
        pythons=_PYTHONS,
        requirements=(*locked(_LOCK, build), f"musiscene=={__version__}"),
        imports=("torch", "transformers", "musiscene_daemon.worker"),
        disk_bytes=DISK_BYTES[build],
        licence="torch is BSD-3-Clause, CUDA's libraries are NVIDIA's own; models have licences of"
        " their own.",
        engines=ENGINES,
        inside=True,
        indexes=indexes_for(build, torch_index, system),
        variant=build,
    )
