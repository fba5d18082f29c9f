"""Signs of a captioner gone wrong."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from musiscene_core.captioning import prompts
from musiscene_training.evaluate.signatures import checks, copied, names_scene, relapsed
from tests.support.shared_media import FOLDER

PUBLISHED = FOLDER.parent / "data" / "vacad_public_699.csv"
SCENES = [
    f"A {who} runs through the {where} while the {what} begins."
    for who in ("detective", "child", "queen", "soldier")
    for where, what in (("forest", "storm"), ("market", "chase"), ("castle", "battle"))
]


def _found(captions, references=None, training=()):
    wanted = [[text] for text in (references or captions)]
    return {check.name: check for check in checks(captions, wanted, training)}


def test_scenes_and_music_are_told_apart():
    assert names_scene("A crucial moment in a basketball game.")
    assert names_scene("Lovers part at the station")
    for music in (
        "The music is upbeat and energetic, with a driving beat, a bridge and eight bars.",
        "A danceable house track with a warm bass, heroic and spacious.",
        "",
    ):
        assert not names_scene(music)


def test_captions_of_the_grammar_are_told_apart_mostly():
    from musiscene_training.nano.grammar.writing import answer
    from musiscene_training.nano.truth import any_traits

    random = np.random.default_rng(5)
    traits = [any_traits(random) for _ in range(200)]

    def share(question):
        return np.mean([names_scene(answer(question, each, random)) for each in traits])

    assert share(prompts.SCENE) > 0.85
    assert share(prompts.DESCRIBE) < 0.05


@pytest.mark.skipif(
    not PUBLISHED.is_file(), reason="the published captions are not on this machine"
)
def test_published_captions_are_told_apart_mostly():
    with PUBLISHED.open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert np.mean([names_scene(row["Video Caption"]) for row in rows]) > 0.9
    assert np.mean([names_scene(row["Music Caption 1"]) for row in rows]) < 0.05


def test_the_relapse_of_the_base_model_is_seen():
    assert relapsed("The music is Energetic and upbeat.")
    assert not relapsed("An upbeat tune, energetic at the end.")
    found = _found(["The music is upbeat and energetic."] * 3 + SCENES)
    assert found["upbeat and energetic"].value == pytest.approx(3 / 15)
    assert found["upbeat and energetic"].warns
    assert found["no scene"].value == pytest.approx(3 / 15)
    assert not found["no scene"].warns
    assert found["most common caption"].warns


def test_good_captions_raise_no_warning():
    found = _found(SCENES, training=["A ship leaves the harbour at dawn, and nobody waves it off."])
    assert not any(check.warns for check in found.values())
    assert found["copies of training text"].value == 0


def test_captions_that_vary_too_little_are_seen():
    found = _found([SCENES[0]] * len(SCENES), SCENES)
    assert found["distinct-2"].warns
    # 9 different pairs of words among 9 a caption.
    assert found["distinct-2"].value == pytest.approx(1 / len(SCENES))
    assert not _found([SCENES[0]] * 2)["most common caption"].warns


def test_copies_are_found_whole_and_in_part():
    learnt = ["A ship leaves the harbour at dawn, and nobody waves it off."]
    said = [
        "a ship leaves the harbour at dawn and nobody waves it off",
        "A ship leaves the harbour at dawn and nobody cares",
        "At dawn a ship leaves the harbour",
        "",
    ]
    assert copied(said, learnt) == [True, True, False, False]
    assert copied(["A chase."], ["a chase"]) == [True]
