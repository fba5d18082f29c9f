"""Captions from tags, by rule and by a language model."""

from __future__ import annotations

import pytest

from musiscene_core.captioning.language.model import Answer, Sampling
from musiscene_core.errors import InputError
from musiscene_training.evaluate.tags import INSTRUCTION, from_tags, read_tags, sentence


class Repeating:
    """Answers with the last line that it is sent."""

    name = "repeating"

    def ask(self, prompt, sampling, **_):
        self.prompt = prompt
        return Answer(text=f"A song of {prompt.splitlines()[-1]}.", model=self.name)


def test_a_rule_says_the_tags_and_a_model_is_sent_the_paper_s_instruction():
    assert sentence(["rock"]) == "This is a song with rock."
    assert sentence(["slow", " sad  piano", "strings"]) == (
        "This is a song with slow, sad piano and strings."
    )
    assert sentence([]) == ""
    model = Repeating()
    assert from_tags(["slow", "piano"], model, Sampling()) == "A song of slow, piano."
    assert model.prompt == f"{INSTRUCTION}\nslow, piano"
    assert from_tags(["slow"], None, Sampling()) == sentence(["slow"])


def test_tags_are_lists_or_words_with_commas(tmp_path):
    path = tmp_path / "tags.jsonl"
    path.write_text('{"id": "a", "tags": ["x", " ", "y"]}\n{"id": "b", "tags": "u, v,"}\n')
    assert read_tags(path) == {"a": ("x", "y"), "b": ("u", "v")}
    path.write_text('{"id": "a", "tags": 7}\n')
    with pytest.raises(InputError, match="no tags"):
        read_tags(path)
