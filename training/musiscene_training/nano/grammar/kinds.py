"""Which kind of scene music brings to mind: a rule over its traits."""

from __future__ import annotations

from musiscene_training.nano.truth import Traits

_DARK, _EXCITED, _CALM = -0.6, 0.45, -0.4


def kind_of(traits: Traits) -> str:
    """The name of the kind in scenes.KINDS."""
    players, pleasant = set(traits.players), traits.valence > 0
    if traits.quadrant == "tense":
        if traits.arousal <= _EXCITED:
            return "suspense"
        return "pursuit" if traits.tempo == "fast" else "battle"
    if traits.quadrant == "sad":
        return "horror" if traits.valence < _DARK else "grief"
    if traits.quadrant == "happy":
        if traits.drums == "driving" and traits.arousal > _EXCITED:
            return "triumph"
        light = players & {"plucked", "winds", "bells"} and not players & {"brass", "choir"}
        return "comedy" if light and pleasant else "celebration"
    if traits.arousal > _CALM:
        return "wonder" if players & {"bells", "choir"} else "daily"
    return "romance" if players & {"piano", "violin"} else "nature"
