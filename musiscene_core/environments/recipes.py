"""The recipes that MusiScene knows.

audiocraft (Meta, MIT; weights CC-BY-NC-4.0) pins torch 2.1 and numpy 1, so it cannot live beside
the daemon. Its style and JASCO models are newer than its last release on the package index, so the
source of one commit, 1.4.0a2, is installed. Versions follow that commit's requirements.txt.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from musiscene_core.environments.recipe import Recipe

AUDIOCRAFT_ENGINES = ("audiocraft-style", "jasco", "magnet")
_COMMIT = "896ec7c47f5e5d1e5aa1e4b260c4405328bf009d"
_SOURCE = f"https://github.com/facebookresearch/audiocraft/archive/{_COMMIT}.zip"
AUDIOCRAFT = Recipe(
    name="audiocraft",
    title="MusicGen-Style, JASCO and MAGNeT by audiocraft",
    pythons=(10, 9),
    requirements=(),
    imports=("torch", "torchaudio", "audiocraft.models"),
    disk_bytes=9_000_000_000,
    licence=(
        "audiocraft is MIT; the weights of its models are CC-BY-NC-4.0: what they make is not for"
        " commercial use."
    ),
    engines=AUDIOCRAFT_ENGINES,
)

RECIPES: Mapping[str, Recipe] = MappingProxyType({AUDIOCRAFT.name: AUDIOCRAFT})
"""By name."""
