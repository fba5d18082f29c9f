"""The recipes that MusiScene knows, by name; each is made for one build of torch."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

from musiscene_core.environments import audiocraft, models
from musiscene_core.environments.places import Stamp
from musiscene_core.environments.recipe import Recipe
from musiscene_core.environments.torches import BUILDS, INDEX, TorchBuild


class Maker(Protocol):
    """Makes a recipe for a build of torch."""

    def __call__(self, build: TorchBuild, *, torch_index: str = "") -> Recipe:
        """The recipe; `torch_index` is an index that has this torch.

        Raises:
            RequestError: there is no such build for this system, or none known.
        """
        ...


RECIPES: Mapping[str, Maker] = MappingProxyType(
    {models.NAME: models.models_recipe, audiocraft.NAME: audiocraft.audiocraft_recipe}
)
"""By name."""


def recipe_as(stamp: Stamp) -> Recipe | None:
    """The recipe of this version that the stamp's environment would be made by now."""
    build = next((one for one in BUILDS if one == stamp.variant), None)
    if stamp.recipe not in RECIPES or build is None:
        return None
    # Nothing is fetched by it, so that no index need be known.
    return RECIPES[stamp.recipe](build, torch_index=INDEX)
