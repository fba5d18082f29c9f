"""Every idiom, one short scene each: how it measures beside orchestral scores.

The short form of tests/benchmarks/sound_targets.py. What is exact is exact here too; what depends
on how long a cue is and which notes chance gave it is held to a margin.
"""

from __future__ import annotations

import pytest

from musiscene_core.composing.idioms import IDIOMS
from tests.support.sound_targets import FIGURES, figures_of

MARGIN = {"correlation": 0.05, "lra_lu": 2.0, "octaves_off_db": 1.5, "crest_db": 0.5}
"""How far one seed of 24 s may leave a target that holds for 20 longer ones."""


@pytest.mark.slow
@pytest.mark.parametrize("name", [idiom.name for idiom in IDIOMS])
def test_an_idiom_sounds_within_its_targets(name: str) -> None:
    found = figures_of(name, 1, 24.0)
    missed = {
        figure: found[figure]
        for figure, (low, high) in FIGURES.items()
        if not low - MARGIN.get(figure, 0.0) <= found[figure] <= high + MARGIN.get(figure, 0.0)
    }
    assert not missed, f"octaves {found['octaves']}"
