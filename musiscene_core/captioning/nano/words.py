"""Text to the nano captioner's tokens and back: whole words and marks, each a token.

It can say, and be asked, only what is in its vocabulary.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from musiscene_core.errors import ModelError

PAD, BEGIN, ANSWER, END = 0, 1, 2, 3
SPECIAL = ("<pad>", "<begin>", "<answer>", "<end>")
_PIECES = re.compile(r"\w+(?:-\w+)*|[^\w\s]")
_GLUED = re.compile(r" ([.,:;?!])")


def pieces(text: str) -> list[str]:
    """The words and marks of a text, in order."""
    return _PIECES.findall(text)


class Words:
    """A vocabulary."""

    def __init__(self, words: Sequence[str]) -> None:
        """Words by token; the first are SPECIAL.

        Raises:
            ModelError: they are not, or a word is there twice.
        """
        self.words = tuple(words)
        self._tokens = {word: token for token, word in enumerate(self.words)}
        if self.words[: len(SPECIAL)] != SPECIAL or len(self._tokens) != len(self.words):
            raise ModelError(
                "The nano captioner's vocabulary is damaged.", hint="Install MusiScene again."
            )

    def __len__(self) -> int:
        return len(self.words)

    def knows(self, text: str) -> bool:
        """Whether every word and mark of the text is in the vocabulary."""
        return all(piece in self._tokens for piece in pieces(text))

    def tokens(self, text: str) -> list[int]:
        """The tokens of a text.

        Raises:
            KeyError: a word that is not in the vocabulary.
        """
        return [self._tokens[piece] for piece in pieces(text)]

    def text(self, tokens: Sequence[int]) -> str:
        """The text of tokens; special ones say nothing."""
        said = " ".join(self.words[token] for token in tokens if token >= len(SPECIAL))
        return _GLUED.sub(r"\1", said)
