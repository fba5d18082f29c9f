"""The vocabulary's tables as one dictionary of phrases, and what is spelt nearly like a word.

Knows no grammar.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from types import MappingProxyType
from typing import Literal

from musiscene_core.composing.wording import grammar, vocabulary
from musiscene_core.composing.wording.instruments import FAMILIES, INSTRUMENTS, STAND_INS
from musiscene_core.composing.wording.lexing import Token, phrase
from musiscene_core.composing.wording.wishes import Kind
from musiscene_core.feelings import WORDS

Meaning = Literal[
    "tempo", "pace", "mode", "scale", "metre", "amount", "family", "stand-in",
    "deny", "only", "next", "break", "until", "from", "at", "during", "between",
]  # fmt: skip
"""What a phrase may mean besides the kinds of wish."""


@dataclass(frozen=True)
class Entry:
    """One meaning of a phrase: of which kind, and which of it."""

    kind: Kind | Meaning
    value: str


def _rows() -> Iterator[tuple[Kind | Meaning, str, str]]:
    """Every (kind, value, synonyms separated by commas) there is."""
    yield from (("tempo", name, words) for name, (words, _, _) in vocabulary.TEMPI.items())
    yield from (("pace", str(factor), words) for factor, words in vocabulary.PACES.items())
    yield from (("mode", mode, words) for mode, words in vocabulary.MODES.items())
    yield from (("scale", scale, words) for scale, words in vocabulary.SCALE_WORDS.items())
    yield from (("metre", str(beats), words) for beats, words in vocabulary.METRES.items())
    yield from (("idiom", name, words) for name, words in vocabulary.IDIOM_WORDS.items())
    yield from (("role", role, words) for role, words in vocabulary.ROLE_WORDS.items())
    yield from (("density", name, words) for name, (words, _) in vocabulary.DENSITIES.items())
    yield from (("dynamic", name, words) for name, words in vocabulary.DYNAMICS.items())
    yield from (("register", name, words) for name, words in vocabulary.REGISTERS.items())
    yield from (
        ("articulation", name, words) for name, (words, _) in vocabulary.ARTICULATIONS.items()
    )
    yield ("silence", "silence", vocabulary.SILENCES)
    yield from (("ending", name, words) for name, words in vocabulary.ENDINGS.items())
    yield from (("amount", str(amount), words) for amount, words in vocabulary.AMOUNTS.items())
    yield from (("instrument", name, words) for name, words in INSTRUMENTS.items())
    yield from (("stand-in", name, words) for name, (words, _) in STAND_INS.items())
    yield from (("family", name, words) for name, (words, _) in FAMILIES.items())
    yield from (("mood", dimension, word) for word, dimension in WORDS.items())
    yield from (("mood", name, words) for name, words in vocabulary.MOODS_ABROAD.items())
    yield ("deny", "", ",".join(grammar.DENIALS))
    yield ("only", "", ",".join((*grammar.ONLY, *grammar.ONLY_PHRASES)))
    yield ("next", "", ",".join(grammar.NEXT))
    yield ("break", "", ",".join(grammar.BREAKS))
    yield ("until", "", ",".join(grammar.UNTIL))
    yield ("from", "", ",".join(grammar.FROM))
    yield ("at", "", ",".join(grammar.AT))
    yield ("during", "", ",".join(grammar.DURING))
    yield ("between", "", ",".join(grammar.BETWEEN))


@cache
def entries() -> Mapping[tuple[str, ...], tuple[Entry, ...]]:
    """Each phrase's meanings, in the tables' order."""
    found: dict[tuple[str, ...], dict[Entry, None]] = {}
    for kind, value, words in _rows():
        for word in words.split(","):
            found.setdefault(phrase(word), {})[Entry(kind, value)] = None
    return MappingProxyType({key: tuple(meanings) for key, meanings in found.items() if key})


@cache
def _longest() -> int:
    return max(len(key) for key in entries())


@cache
def _stop_words() -> frozenset[str]:
    return frozenset(phrase(word)[0] for word in grammar.STOP_WORDS)


def is_filler(form: str) -> bool:
    """Whether a word says nothing of the music."""
    return form in _stop_words() or len(form) < 2


def look_up(tokens: Sequence[Token], at: int) -> tuple[tuple[Entry, ...], int]:
    """The meanings of the longest phrase that begins at `at`, and the index after it."""
    table = entries()
    for length in range(min(_longest(), len(tokens) - at), 0, -1):
        key = tuple(token.form for token in tokens[at : at + length])
        if key in table:
            return table[key], at + length
    return (), at


@cache
def _spellings() -> tuple[str, ...]:
    return tuple(sorted(" ".join(key) for key in entries() if len(" ".join(key)) > 3))


def nearly(form: str, others: Sequence[str] = ()) -> tuple[str, ...]:
    """Up to two phrases spelt nearly like `form`, of the vocabulary and `others`."""
    if not 3 < len(form) <= 24:
        return ()
    return tuple(get_close_matches(form, [*others, *_spellings()], n=2, cutoff=0.78))
