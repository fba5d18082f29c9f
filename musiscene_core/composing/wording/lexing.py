"""Text into words, numbers and marks, each with its place in the text.

Linear in the text's length, whatever it holds. Knows no vocabulary.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

MAX_TEXT = 20_000
"""Characters that are read; what lies beyond is told, not read."""

_TOKEN = re.compile(r"\d+(?:[:;.,/]\d+)*|[^\W\d_]+(?:['’][^\W\d_]+)*|->|→|[#♯♭,;.!?()\n]")
_MARKS = frozenset(",;.!?()\n")


@dataclass(frozen=True)
class Token:
    """A word, number or mark.

    Attributes:
        text: as written.
        form: without case and accents, for looking up.
        start: index of its first character.
        end: index after its last.
    """

    text: str
    form: str
    start: int
    end: int

    @property
    def is_mark(self) -> bool:
        """Whether it ends a clause."""
        return self.form in _MARKS

    @property
    def is_number(self) -> bool:
        """Whether it begins with a digit."""
        return self.form[:1].isdigit()


@lru_cache(maxsize=4096)
def plain(word: str) -> str:
    """A word without case and accents."""
    apart = unicodedata.normalize("NFKD", word.replace("’", "'").casefold())
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


def tokens(text: str) -> list[Token]:
    """The tokens of the first MAX_TEXT characters, in order."""
    return [
        Token(match[0], plain(match[0]), match.start(), match.end())
        for match in _TOKEN.finditer(text[:MAX_TEXT])
    ]


def phrase(text: str) -> tuple[str, ...]:
    """The forms of a phrase, as a key to look it up by."""
    return tuple(token.form for token in tokens(text))


def word_set(words: str) -> frozenset[str]:
    """A set of words that a table writes with spaces between them."""
    return frozenset(words.split())
