"""Captions from tags, as LP-MusicCaps makes them (Doh et al. 2023): a baseline beside captioners.

Its language model is sent the tags and one of four instructions. Where there is no language model,
a rule sets the same tags into a sentence, and is named so: it is a floor for what tags alone say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from musiscene_core.captioning.language.model import LanguageModel, Sampling
from musiscene_core.captioning.writing import written
from musiscene_core.errors import InputError
from musiscene_training.evaluate.captions import rows_by_id

NAME = "tags (LP-MusicCaps style)"
INSTRUCTION = "Write a song description sentence including the following attributes."
_MOST_TAGS = 64


def read_tags(path: Path) -> dict[str, tuple[str, ...]]:
    """Tags by id: a column `tags`, a list or a text with commas between.

    Raises:
        InputError: the file is unreadable, an id is there twice, or a row has no tags.
    """
    found = {name: tags_in(row.get("tags")) for name, row in rows_by_id(path).items()}
    bare = [name for name, tags in found.items() if not tags]
    if bare:
        raise InputError(
            f"{path} has no tags for {len(bare)} of its rows, such as {bare[0]}.",
            hint="Give each row a column named tags: a list, or words with commas between.",
        )
    return found


def sentence(tags: Sequence[str]) -> str:
    """Tags in one sentence, by rule."""
    said = [" ".join(tag.split()) for tag in tags if tag.strip()]
    if not said:
        return ""
    listed = said[0] if len(said) == 1 else f"{', '.join(said[:-1])} and {said[-1]}"
    return f"This is a song with {listed}."


def tag_prompt(tags: Sequence[str]) -> str:
    """What a language model is sent."""
    return f"{INSTRUCTION}\n{', '.join(tags)}"


def from_tags(tags: Sequence[str], model: LanguageModel | None, sampling: Sampling) -> str:
    """A caption from tags, by a language model where there is one.

    Raises:
        EngineError: the model cannot be asked, or gives no answer.
    """
    if model is None:
        return sentence(tags)
    return written(tag_prompt(tags), model, sampling).text


def baseline(ids: Sequence[str], tags: Mapping[str, Sequence[str]]) -> list[str]:
    """The rule's captions for items, in their order.

    Raises:
        InputError: an item has no tags.
    """
    missing = [name for name in ids if name not in tags]
    if missing:
        raise InputError(
            f"There are no tags for {len(missing)} of the captions, such as {missing[0]}.",
            hint="Give every item a row in the file of --tags.",
        )
    return [sentence(tags[name]) for name in ids]


def tags_in(value: Any) -> tuple[str, ...]:
    """The tags in a column: a list, or a text with commas between."""
    given = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else []
    return tuple(tag.strip() for tag in given if isinstance(tag, str) and tag.strip())[:_MOST_TAGS]
