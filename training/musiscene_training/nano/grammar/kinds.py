"""Which kind of scene music brings to mind: a rule over what can be heard of it."""

from __future__ import annotations

from musiscene_training.nano.truth import Traits


def kind_of(traits: Traits) -> str:
    """The name of the kind in scenes.KINDS."""
    if traits.quadrant == "tense":
        if traits.drums != "driving":
            return "suspense"
        return "pursuit" if traits.tempo == "fast" else "battle"
    if traits.quadrant == "sad":
        return "grief" if traits.energy == "low" else "horror"
    if traits.quadrant == "happy":
        if traits.drums == "driving":
            return "celebration" if traits.tempo == "fast" else "triumph"
        return "comedy"
    if traits.energy != "low":
        return "daily"
    if traits.tempo == "slow":
        return "nature"
    return "romance" if traits.drums == "none" else "wonder"
