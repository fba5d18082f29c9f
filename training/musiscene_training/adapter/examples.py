"""Rows as the language model reads them: prompt and answer in tokens, and which tokens count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from musiscene_core.captioning.mullama.model import MuLlama
from musiscene_core.captioning.prompts import prompt
from musiscene_training.dataset import Problem, Row


@dataclass(frozen=True)
class Example:
    """A row in tokens.

    Attributes:
        row: what it was.
        key: of what is heard.
        tokens: prompt, answer and the token that ends it, or as much as there is room for.
        asked: how many of them are the prompt; the loss counts those after.
        cut: whether the answer did not fit whole.
    """

    row: Row
    key: str
    tokens: tuple[int, ...]
    asked: int
    cut: bool

    @property
    def answered(self) -> int:
        """Tokens that count."""
        return len(self.tokens) - self.asked


def examples(
    model: MuLlama, rows: Sequence[Row], keys: dict[str, str], most: int
) -> tuple[list[Example], list[Problem]]:
    """The rows whose music was heard, in tokens, and why others are left out.

    Prompt and answer go through the tokenizer as one text, as in the published trainings, so that
    the first word of an answer is what it would be when it is drawn.

    Args:
        model: whose words and prompt.
        rows: of the dataset.
        keys: of what was heard, by row.
        most: tokens of an example.
    """
    found: list[Example] = []
    problems: list[Problem] = []
    end = end_token(model)
    for row in rows:
        if row.id not in keys:
            continue
        asked = model.tokens.encode(prompt(row.question, model.profile))
        whole = model.tokens.encode(prompt(row.question, model.profile) + row.answer.strip())
        whole = [*whole, *end]
        if len(asked) >= min(most, len(whole)):
            why = f"Its prompt alone is {len(asked)} tokens long, of {most}."
            problems.append(Problem(row.id, why))
            continue
        kept = tuple(whole[:most])
        found.append(Example(row, keys[row.id], kept, len(asked), len(whole) > most))
    return found, problems


def end_token(model: MuLlama) -> list[int]:
    """The token that ends an answer, alone in a list; empty for a model without one."""
    named = model.backbone.config.eos_token_id
    if isinstance(named, list):
        named = named[0]
    return [] if named is None else [int(named)]
