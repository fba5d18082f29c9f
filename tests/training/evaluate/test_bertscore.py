"""BERTScore with a tiny BERT of random weights."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from musiscene_core.errors import ModelError
from musiscene_training.evaluate.bert import BertScorer
from musiscene_training.evaluate.captions import Item, gathered
from musiscene_training.evaluate.metrics import shuffles
from musiscene_training.evaluate.scoring import evaluate_captions

for _needed in ("torch", "transformers"):
    pytest.importorskip(_needed, reason="the extra 'models' is not installed")

from safetensors.torch import load_file, save_file  # noqa: E402 - it comes with torch

pytestmark = pytest.mark.models

WORDS = ["a", "slow", "sad", "waltz", "chase", "at", "night", "city"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    made = tmp_path_factory.mktemp("bert")
    torch.manual_seed(3)
    config = BertConfig(
        vocab_size=5 + len(WORDS),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
    )
    BertModel(config).save_pretrained(made)
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    BertTokenizerFast(vocab={name: at for at, name in enumerate(names)}).save_pretrained(made)
    return made


def _by_hand(folder, said, wanted, layer):
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder).eval()

    def embedded(text):
        with torch.no_grad():
            made = tokenizer(text, return_tensors="pt")
            return model(**made, output_hidden_states=True).hidden_states[layer][0].numpy()

    def best(one, others):
        # The first and last are [CLS] and [SEP]: matched, never counted.
        return np.mean(
            [
                max(
                    np.dot(token, other) / np.linalg.norm(token) / np.linalg.norm(other)
                    for other in others
                )
                for token in one[1:-1]
            ]
        )

    precision = best(embedded(said), embedded(wanted))
    recall = best(embedded(wanted), embedded(said))
    return 2 * precision * recall / (precision + recall), recall


def test_it_is_the_formula_counted_token_by_token(folder):
    said, wanted = "a slow waltz", "a sad chase at night"
    for layer in (1, 2):
        (found,) = BertScorer(folder, layer).score([said], [[wanted]])
        assert found == pytest.approx(_by_hand(folder, said, wanted, layer), abs=1e-5)


def test_the_best_reference_counts_and_an_empty_caption_scores_zero(folder):
    same = "a chase at night"
    found = BertScorer(folder).score([same, ""], [["slow sad waltz", same], [same]])
    assert [one.f1 for one in found] == pytest.approx([1, 0], abs=1e-5)
    assert [one.recall for one in found] == pytest.approx([1, 0], abs=1e-5)


def test_each_profile_has_its_own_of_it_and_its_floor(folder):
    for needed in ("nltk", "rouge_score", "sacrebleu"):
        pytest.importorskip(needed, reason="the extra 'train' is not installed")
    pairs = [
        ("a slow waltz", "a sad chase at night"),
        ("city at night", "a city"),
        ("sad", "waltz"),
    ]
    items = [Item(str(at), text, (wanted,)) for at, (text, wanted) in enumerate(pairs)]
    report, _ = evaluate_captions(gathered(items), "ours", bert=folder)
    rows = {(row.name, row.profile): row.bert for row in report.figures}
    found = [_by_hand(folder, *pair, 2) for pair in pairs]
    assert rows["ours", "standard"] == pytest.approx(np.mean([f1 for f1, _ in found]), abs=1e-5)
    assert rows["ours", "legacy"] == pytest.approx(np.mean([r for _, r in found]), abs=1e-5)
    others = [
        _by_hand(folder, pairs[at][0], pairs[place][1], 2)
        for order in shuffles(3)
        for at, place in enumerate(order)
    ]
    floor = rows["floor: others' references", "legacy"]
    assert floor == pytest.approx(np.mean([r for _, r in others]), abs=1e-5)


def test_what_is_no_model_is_told_of(folder, tmp_path):
    with pytest.raises(ModelError, match="has 2 layers"):
        BertScorer(folder, 3)
    shutil.copytree(folder, tmp_path / "part")
    tensors = load_file(folder / "model.safetensors")
    tensors.pop("encoder.layer.1.output.dense.weight")
    save_file(tensors, tmp_path / "part" / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelError, match=r"lack 1 tensors, such as encoder\.layer\.1"):
        BertScorer(tmp_path / "part")
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(ModelError, match="cannot be loaded"):
        BertScorer(tmp_path)
