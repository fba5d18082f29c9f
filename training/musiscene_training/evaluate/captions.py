"""Captions and their references as files hold them: JSON lines, CSV or Parquet, by their ending.

    id            unlike any other row's
    text          what was said; also caption, prediction or answer
    reference     what would be right; also references, a list, and reference_1, reference_2, ...

A file of references has them in the columns above or, one an item, in `text`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from musiscene_core.codec import digest
from musiscene_core.errors import InputError
from musiscene_training.dataset import ROWS_FILE, tabled

_TEXTS = ("text", "caption", "prediction", "answer")
_NUMBERED = re.compile(r"_?\d+$")
_NAMED = 5
# Hardly an English sentence of some length does without all of these.
_ENGLISH = re.compile(r"\b(an|and|are|at|for|has|is|its|like|of|or|that|the|this|to|with)\b")
_LEAST_WORDS = 6


@dataclass(frozen=True)
class Item:
    """A caption, and those that would all be right."""

    id: str
    text: str
    references: tuple[str, ...]


@dataclass(frozen=True)
class Captions:
    """What was read.

    Attributes:
        items: in the order of the predictions.
        unanswered: ids of references without a prediction; they are not scored.
        foreign: ids of captions that do not look English.
        empty: ids of captions that say nothing.
        digest: SHA-256 over the items, in hex.
    """

    items: tuple[Item, ...]
    unanswered: tuple[str, ...]
    foreign: tuple[str, ...]
    empty: tuple[str, ...]
    digest: str


def read_captions(
    predictions: Path, references: Path | None = None, *, count_empty: bool = False
) -> Captions:
    """The captions in `predictions` with their references, which may be in a file of their own.

    Raises:
        InputError: a file is unreadable, has no items, has an id twice, or captions or references
            are missing. Empty captions are missing ones unless they are to be counted.
        RequestError: Parquet is wanted and pyarrow is not installed.
    """
    said = rows_by_id(predictions)
    texts = {name: _text(row) for name, row in said.items()}
    empty = [name for name, text in texts.items() if not text]
    if empty and not count_empty:
        raise InputError(
            f"{predictions} has {_counted(empty, 'empty caption')}.",
            hint="Leave these rows out, or score them as zero with --count-empty.",
        )
    wanted = {name: _references(row) for name, row in said.items()}
    unanswered: list[str] = []
    if references is not None:
        given = {
            name: _references(row) or _listed(_text(row))
            for name, row in rows_by_id(references).items()
        }
        unanswered = [name for name in given if name not in said]
        wanted = {name: given.get(name, ()) for name in said}
    missing = [name for name, found in wanted.items() if not found]
    if missing:
        raise InputError(
            f"{references or predictions} has no reference for {_counted(missing, 'item')}.",
            hint="Write one for each caption, or name their file with --references.",
        )
    items = tuple(Item(name, texts[name], wanted[name]) for name in said)
    return gathered(items, unanswered, empty)


def gathered(
    items: Sequence[Item], unanswered: Sequence[str] = (), empty: Sequence[str] = ()
) -> Captions:
    """Items as what was read; says which do not look English."""
    return Captions(
        tuple(items),
        tuple(unanswered),
        tuple(item.id for item in items if not looks_english(item.text)),
        tuple(empty),
        digest(items),
    )


def read_texts(path: Path) -> dict[str, str]:
    """The texts of a file by their ids, empty ones left out.

    Raises:
        InputError: it is unreadable, has an id twice, or no text.
    """
    texts = {name: text for name, row in rows_by_id(path).items() if (text := _text(row))}
    if not texts:
        raise _textless(path)
    return texts


def read_training_texts(path: Path) -> list[str]:
    """The answers of a training set: a file as above, or a dataset's folder.

    Raises:
        InputError: it is unreadable, or has no text.
    """
    if path.is_dir():
        path = path / ROWS_FILE
    texts = [text for _, row in tabled(path) if (text := _text(row))]
    if not texts:
        raise _textless(path)
    return texts


def looks_english(text: str) -> bool:
    """Whether `text` could be English; what is too short to tell, could."""
    letters = [letter for letter in text if letter.isalpha()]
    if sum(not letter.isascii() for letter in letters) > len(letters) / 4:
        return False
    return len(text.split()) < _LEAST_WORDS or _ENGLISH.search(text.lower()) is not None


def _textless(path: Path) -> InputError:
    return InputError(
        f"{path} has no text in it.", hint=f"It needs a column named {' or '.join(_TEXTS)}."
    )


def rows_by_id(path: Path) -> dict[str, dict[str, Any]]:
    """The rows of a file by their ids, in order.

    Raises:
        InputError: it is unreadable, has no rows, a row has no id, or one is there twice.
    """
    found: dict[str, dict[str, Any]] = {}
    twice: list[str] = []
    for place, row in tabled(path):
        name = str(row.get("id", "")).strip()
        if not name:
            raise InputError(f"{place} has no id.", hint="Give each row a column named id.")
        if name in found:
            twice.append(name)
        found[name] = row
    if twice:
        raise InputError(
            f"{path} has {_counted(sorted(set(twice)), 'id')} more than once.",
            hint="Keep one row for each id.",
        )
    if not found:
        raise InputError(f"{path} has no rows.", hint="Write one for each caption.")
    return found


def _text(row: dict[str, Any]) -> str:
    for name in _TEXTS:
        value = row.get(name)
        if isinstance(value, str):
            return value.strip()
    return ""


def references_in(row: dict[str, Any], columns: Sequence[str]) -> tuple[str, ...]:
    """The texts in some columns of a row, a text or a list each; numbered ones count too."""
    return tuple(
        text
        for name, value in row.items()
        if _NUMBERED.sub("", name) in columns
        for text in _listed(value)
    )


def _references(row: dict[str, Any]) -> tuple[str, ...]:
    return references_in(row, ("reference", "references"))


def _listed(value: Any) -> tuple[str, ...]:
    values: Sequence[Any] = value if isinstance(value, list) else [value]
    return tuple(text for each in values if isinstance(each, str) and (text := each.strip()))


def _counted(names: Sequence[str], what: str) -> str:
    more = ", ..." if len(names) > _NAMED else ""
    plural = "" if len(names) == 1 else "s"
    return f"{len(names)} {what}{plural} ({', '.join(names[:_NAMED])}{more})"
