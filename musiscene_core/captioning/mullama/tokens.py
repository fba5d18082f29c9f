"""Text to a language model's tokens and back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import sentencepiece
from tokenizers import Tokenizer as FastTokenizer

from musiscene_core.errors import ModelError

SENTENCEPIECE_FILE = "tokenizer.model"
FAST_FILE = "tokenizer.json"


class Tokens(Protocol):
    """A language model's vocabulary."""

    size: int
    """How many tokens there are."""

    def encode(self, text: str) -> list[int]:
        """The tokens of a prompt, beginning with the one that begins every text, if any."""

    def decode(self, tokens: Sequence[int]) -> str:
        """The text of tokens."""


class SentencePieceTokens:
    """LLaMA's own tokenizer.model."""

    def __init__(self, path: Path) -> None:
        """Read the model at `path`.

        Raises:
            ModelError: it cannot be read.
        """
        try:
            self._pieces = sentencepiece.SentencePieceProcessor(model_proto=path.read_bytes())
            self.size: int = self._pieces.vocab_size()
        except (OSError, RuntimeError, ValueError, TypeError) as error:
            raise _unreadable(path) from error

    def encode(self, text: str) -> list[int]:
        """See Tokens."""
        return [self._pieces.bos_id(), *self._pieces.encode(text)]

    def decode(self, tokens: Sequence[int]) -> str:
        """See Tokens."""
        text: str = self._pieces.decode(list(tokens))
        return text


class FastTokens:
    """A tokenizer.json, as newer models have it; it says itself what begins a text."""

    def __init__(self, path: Path) -> None:
        """Read the tokenizer at `path`.

        Raises:
            ModelError: it cannot be read.
        """
        try:
            self._tokenizer = FastTokenizer.from_str(path.read_text(encoding="utf-8"))
        # Its reader, written in Rust, raises nothing narrower.
        except Exception as error:
            raise _unreadable(path) from error
        self.size: int = self._tokenizer.get_vocab_size()

    def encode(self, text: str) -> list[int]:
        """See Tokens."""
        ids: list[int] = self._tokenizer.encode(text).ids
        return ids

    def decode(self, tokens: Sequence[int]) -> str:
        """See Tokens."""
        text: str = self._tokenizer.decode(list(tokens))
        return text


def load_tokens(folder: Path) -> Tokens:
    """The vocabulary in a language model's folder; LLaMA's own file before a translation of it.

    Raises:
        ModelError: there is none, or it cannot be read.
    """
    if (folder / SENTENCEPIECE_FILE).exists():
        return SentencePieceTokens(folder / SENTENCEPIECE_FILE)
    if (folder / FAST_FILE).exists():
        return FastTokens(folder / FAST_FILE)
    raise ModelError(
        f"{folder} has no tokenizer.", hint=f"Put its {SENTENCEPIECE_FILE} or {FAST_FILE} there."
    )


def _unreadable(path: Path) -> ModelError:
    return ModelError(f"{path} is no tokenizer.", hint="Copy it again.")
