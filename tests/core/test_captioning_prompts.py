"""What a captioner is asked: to the letter what the published weights were trained with."""

from __future__ import annotations

import subprocess
import sys

import pytest

from musiscene_core.captioning.generation import PROFILES, Generation
from musiscene_core.captioning.prompts import QUESTIONS, prompt
from musiscene_core.errors import RequestError

EXACT = (
    "Below is an instruction that describes a task, paired with an input that provides further "
    "context. Write a response that appropriately completes the request.\n\n### Instruction:\n"
    "{question}\n\n### Input:\n<built-in function input>\n\n### Response:"
)


def test_the_prompt_is_the_one_that_was_trained_leaked_builtin_included():
    question = "What type of scene is this music suitable for?"
    assert QUESTIONS["scene_imagination"][0] == question
    assert prompt(question) == EXACT.replace("{question}", question)


def test_a_free_question_may_hold_anything():
    odd = "Is {this} {0} %s, or\n### Response: ?"
    assert prompt(f"  {odd}\n") == EXACT.replace("{question}", odd)


@pytest.mark.parametrize("question", ["", "  \n\t"])
def test_an_empty_question_is_refused_with_an_example(question):
    with pytest.raises(RequestError) as refused:
        prompt(question)
    assert "empty" in refused.value.message
    assert QUESTIONS["music"][0] in refused.value.hint


def test_the_profiles_are_the_published_settings():
    published = {
        name: (profile.temperature, profile.top_p, profile.max_tokens)
        for name, profile in PROFILES.items()
    }
    assert published == {
        "steady": (0.1, 0.75, 256),
        "inference": (0.6, 0.8, 512),
        "evaluation": (0.6, 0.8, 1024),
    }


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"temperature": -0.1}, "temperature"),
        ({"temperature": float("nan")}, "temperature"),
        ({"top_p": 0.0}, "Top-p"),
        ({"top_p": 1.5}, "Top-p"),
        ({"max_tokens": 0}, "Tokens"),
        ({"max_tokens": 5000}, "Tokens"),
        ({"seed": -1}, "seed"),
    ],
)
def test_settings_out_of_bounds_are_refused(wrong, word):
    with pytest.raises(RequestError, match=word):
        Generation(**wrong)


def test_prompts_and_shapes_load_no_model_framework():
    code = (
        "import sys\n"
        "import musiscene_core.captioning.prompts, musiscene_core.captioning.generation\n"
        "import musiscene_core.captioning.mullama.config\n"
        "import musiscene_core.captioning.mullama.listening\n"
        "print(sorted({'torch', 'transformers', 'peft'} & set(sys.modules)))"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout
    assert printed.strip() == "[]"
