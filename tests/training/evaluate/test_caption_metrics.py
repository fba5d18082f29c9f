"""Caption metrics against hand-worked cases and their floor."""

from __future__ import annotations

import math

import pytest

from musiscene_core.errors import InputError
from musiscene_training.evaluate import metrics

for _needed in ("nltk", "rouge_score", "sacrebleu"):
    pytest.importorskip(_needed, reason="the extra 'train' is not installed")

pytestmark = pytest.mark.models


def test_a_hand_worked_bleu():
    # Unigrams 5/6, bigrams 3/5, no brevity penalty: 6 words against 6.
    made = metrics.score(["the cat sat on a mat"], [["the cat sat on the mat"]])
    assert made.bleu[0] == pytest.approx(5 / 6)
    assert made.bleu[1] == pytest.approx(math.sqrt(5 / 6 * 3 / 5))


def test_a_short_caption_pays_the_brevity_penalty():
    made = metrics.score(["a slow waltz"], [["a slow waltz for two old friends"]])
    assert made.bleu[0] == pytest.approx(math.exp(1 - 7 / 3))


def test_a_hand_worked_rouge_l_in_both_profiles():
    # The longest common subsequence has 3 words, of 4 said and 6 wanted.
    said, wanted = ["a slow sad waltz"], [["a very slow piece waltz tonight"]]
    assert metrics.score(said, wanted).rouge_l == pytest.approx(2 * 3 / (4 + 6))
    assert metrics.score(said, wanted, "legacy").rouge_l == pytest.approx(3 / 6)


def test_a_hand_worked_meteor():
    # All five words match in one chunk: 1 - 0.5 * (1/5)^3.
    said = ["a slow and sad waltz"]
    assert metrics.score(said, [said]).meteor == pytest.approx(1 - 0.5 * (1 / 5) ** 3)


def test_of_several_references_the_best_counts():
    one = metrics.score(["a chase at night"], [["a chase at night", "children at play"]])
    assert one.rouge_l == 1
    assert one.bleu == pytest.approx((1, 1, 1, 1))


def test_legacy_bleu_scores_characters_so_that_unrelated_words_score_high():
    said = ["The music is calm and slow.", "A loud chase through the city."]
    wanted = [["The track is dark and heavy."], ["Children play in the garden."]]
    legacy = metrics.score(said, wanted, "legacy")
    standard = metrics.score(said, wanted)
    assert legacy.bleu[0] > 0.5
    assert legacy.bleu_mean > 2 * standard.bleu_mean


def test_the_floor_is_the_score_against_the_others_references():
    said = ["alpha beta gamma delta", "one two three four", "red green blue black"]
    found = metrics.evaluate(said, [[text] for text in said])
    assert found.scores.bleu_mean == pytest.approx(1)
    assert found.floor.bleu_mean < 0.1
    same = metrics.evaluate(["alpha beta gamma delta"] * 3, [["alpha beta gamma delta"]] * 3)
    assert same.floor == same.scores


def test_an_empty_caption_scores_nothing_and_breaks_nothing():
    for profile in ("standard", "legacy"):
        made = metrics.score(["", "a waltz"], [["a waltz"], ["a waltz"]], profile)
        assert 0 < made.rouge_l == 0.5


def test_distinct_counts_different_n_grams():
    assert metrics.distinct(["a b a b"], 2) == pytest.approx(2 / 3)
    assert metrics.distinct(["a"], 2) == 0


@pytest.mark.parametrize(
    ("said", "wanted"), [(["a"], []), (["a"], [["a"]]), (["a", "b"], [["a"], ["  "]])]
)
def test_what_cannot_be_scored_is_refused_in_words(said, wanted):
    with pytest.raises(InputError) as refused:
        metrics.evaluate(said, wanted)
    assert refused.value.hint
