"""The environment for audiocraft's models: its source beside the torch of MusiScene's own models.

audiocraft (Meta, MIT; weights CC-BY-NC-4.0) pins torch 2.1, numpy 1 and Python 3.10 or older. What
generates with its models needs none of these: its code runs beside torch 2.13 and numpy 2, with
stand-ins for torchaudio and xformers, which are compiled for one torch each. Style and JASCO are
newer than its last release on the package index, so the source of one commit, 1.4.0a2, goes in.
"""

from __future__ import annotations

import sys

from musiscene_core.environments import ourselves
from musiscene_core.environments.recipe import Recipe
from musiscene_core.environments.torches import DISK_BYTES, TorchBuild, indexes_for, locked

NAME = "audiocraft"
ENGINES = ("audiocraft-style", "jasco", "magnet")
_LOCK = "audiocraft.txt"
_COMMIT = "896ec7c47f5e5d1e5aa1e4b260c4405328bf009d"
_SOURCE = f"https://github.com/facebookresearch/audiocraft/archive/{_COMMIT}.zip"
_PYTHONS = (11, 12, 13)
_BUILD_TOOLS = ("setuptools", "wheel")
"""Go in first: some packages come as source alone, with nothing to compile."""


def audiocraft_recipe(
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
    pins = sorted(locked(_LOCK, build), key=lambda pin: not pin.startswith(_BUILD_TOOLS))
    return Recipe(
        name=NAME,
        title=f"MusicGen-Style, JASCO and MAGNeT by audiocraft ({build})",
        pythons=_PYTHONS,
        requirements=(*pins, ourselves.standins_requirement(), "audiocraft==1.4.0a2"),
        imports=("torch", "audiocraft.models", "audiocraft.metrics"),
        disk_bytes=DISK_BYTES[build],
        licence=(
            "audiocraft is MIT; the weights of its models are CC-BY-NC-4.0: what they make is not"
            " for commercial use."
        ),
        engines=ENGINES,
        indexes=indexes_for(build, torch_index, system),
        archives={"audiocraft": _SOURCE},
        variant=build,
    )
