"""Signs of failure that a training sees in its own validations. Loads no torch."""

from __future__ import annotations

import pytest

from musiscene_training.adapter.signs import as_event, signs
from musiscene_training.evaluate.signatures import standing

SCENE = "A chase through the city at night."


def _said(*wrote, wanted=SCENE):
    return [
        {"id": str(at), "question": "?", "wrote": text, "wanted": wanted}
        for at, text in enumerate(wrote)
    ]


def _warned(found):
    return {one.name for one in found if one.warns}


def test_a_relapse_to_music_is_seen_where_scenes_were_wanted():
    relapse = "The music is upbeat and energetic."
    assert {"no scene", "upbeat and energetic"} <= _warned(signs(_said(relapse, relapse), [], []))
    # One of two is too few to tell, and answers about music need no scene.
    assert "no scene" not in _warned(signs(_said(relapse, SCENE), [], []))
    about_music = signs(_said("It is slow.", wanted="Slow strings."), [], [])
    assert "no scene" not in {one.name for one in about_music}


def test_training_text_recited_is_seen():
    found = signs(_said(SCENE, SCENE), [SCENE], [])
    assert "copies of training text" in _warned(found)
    event = as_event(found)
    assert event["copies of training text"] == 1.0
    assert any("recited" in warning for warning in event["warnings"])


def test_a_loss_that_stands_still_is_seen():
    assert standing([2.0] * 10) is None
    assert standing([float("nan")] * 40) is None
    still = standing([2.0, 2.01] * 20)
    assert still.warns
    assert still.value == pytest.approx(0.0, abs=1e-9)
    falling = standing([3.0 - 0.05 * step for step in range(40)])
    assert not falling.warns
    assert falling.value == pytest.approx((2.925 - 1.125) / 2.925)
    assert _warned(signs([], [], [1.0] * 30)) == {"loss falls"}
    assert as_event(signs([], [], [])) == {"warnings": []}
