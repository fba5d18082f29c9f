"""What a captioner is asked, and the exact words that its weights were trained to be asked in.

Knows no model: a question in, a prompt out.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from musiscene_core.errors import RequestError
from musiscene_core.request import CaptionStrategy

PromptProfile = Literal["mullama"]
"""How a question is put; an adapter's manifest says which it was trained with."""

_MULLAMA = (
    "Below is an instruction that describes a task, paired with an input that provides further "
    "context. Write a response that appropriately completes the request.\n\n"
    "### Instruction:\n",
    "\n\n### Input:\n<built-in function input>\n\n### Response:",
)
"""Around the question. The name of a Python builtin leaked into the prompt the published weights
were trained with, so they need it there."""

DESCRIBE = "Describe the music in detail."
MOOD = "What is the mood of the music?"
INSTRUMENTS = "Which instruments are playing?"
GENRE = "What is the genre of the music?"
TEMPO = "What is the tempo of the music?"
SCENE = "What type of scene is this music suitable for?"
VIDEO = "What kinds of video would this piece of music be suitable for?"

QUESTIONS: Mapping[CaptionStrategy, tuple[str, ...]] = MappingProxyType(
    {
        "music": (DESCRIBE, MOOD, INSTRUMENTS, GENRE, TEMPO),
        "scene_imagination": (SCENE, VIDEO),
    }
)
"""What each strategy that listens asks; the first is asked where one answer is wanted."""


def prompt(question: str, profile: PromptProfile = "mullama") -> str:
    """The text that a model reads; its answer follows at once, with no space between.

    Args:
        question: in plain words, one of QUESTIONS or a free one.
        profile: which training's words to put around it.

    Raises:
        RequestError: the question is empty.
    """
    if not (asked := question.strip()):
        raise RequestError(
            "The question is empty.", hint=f"Ask something, for example: {QUESTIONS['music'][0]}"
        )
    before, after = {"mullama": _MULLAMA}[profile]
    return before + asked + after
