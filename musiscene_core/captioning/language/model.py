"""What a language model is to MusiScene: a prompt in, an answer out, piece by piece."""

from __future__ import annotations

from typing import Protocol

import msgspec

from musiscene_core.progress import Progress, silent


class Sampling(msgspec.Struct, frozen=True, kw_only=True):
    """How an answer is drawn; as the MusiScene paper's Mixtral was told, unless said otherwise.

    Attributes:
        temperature: 0 always takes the likeliest token; higher is freer.
        top_p: draw only among the likeliest tokens that together have this probability.
        top_k: and only among so many.
        max_tokens: the answer ends here at the latest.
        seed: asks for the same answer again; a server may not keep to it.
    """

    temperature: float = 0.7
    top_p: float = 0.95
    top_k: int = 40
    max_tokens: int = 512
    seed: int = 0


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a language model said.

    Attributes:
        text: word for word.
        model: what it calls itself, or is known by.
        place: where it was asked; empty for this process.
        left_machine: whether the prompt went to another machine.
    """

    text: str
    model: str
    place: str = ""
    left_machine: bool = False


class OnPiece(Protocol):
    """Hears an answer while it is written; what it raises ends the work."""

    def __call__(self, piece: str, *, anew: bool = False) -> None:
        """The answer goes on with `piece`; `anew` throws away what it was before."""


def unwatched(piece: str, *, anew: bool = False) -> None:
    """Let an answer be written unwatched."""


class LanguageModel(Protocol):
    """Something that answers prompts."""

    @property
    def name(self) -> str:
        """What the user calls it."""

    def ask(
        self,
        prompt: str,
        sampling: Sampling,
        *,
        on_piece: OnPiece = unwatched,
        progress: Progress = silent,
    ) -> Answer:
        """Answer a prompt.

        Args:
            prompt: all that the model is sent.
            sampling: how to draw the answer.
            on_piece: hears of the answer as it grows.
            progress: asked now and then whether the answer is still wanted, also while nothing
                comes.

        Raises:
            EngineError: it cannot be reached, is silent, or says what makes no sense.
        """
