"""The next tokens from logits: temperature, top-k, top-p, a stream of chance for each row.

Nothing here waits for a GPU: chance is drawn where the logits are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from musiscene_core.errors import RequestError


@dataclass(frozen=True)
class Sampling:
    """How tokens are drawn; the defaults are MusicGen's own.

    Attributes:
        temperature: 0 takes the likeliest.
        top_k: draw among so many; 0 among all.
        top_p: draw among the likeliest that have this much chance together; 0 or 1 among all.
        guidance: how much more the words count than nothing; 1 takes them as they are.
    """

    temperature: float = 1.0
    top_k: int = 250
    top_p: float = 0.0
    guidance: float = 3.0

    def __post_init__(self) -> None:
        wrong = (
            (not 0 <= self.temperature <= 10, "The temperature must be 0 to 10."),
            (not 0 <= self.top_k <= 1 << 16, "Top-k must be 0 or more."),
            (not 0 <= self.top_p <= 1, "Top-p must be 0 to 1."),
            (not 1 <= self.guidance <= 30, "The guidance must be 1 to 30."),
        )
        for failed, message in wrong:
            if failed or not math.isfinite(self.temperature + self.top_p + self.guidance):
                raise RequestError(message)

    @property
    def guided(self) -> bool:
        """Whether each take needs a second row."""
        return self.guidance > 1


USUAL = Sampling()


class Chance:
    """A generator a row: what one row draws does not depend on the others."""

    def __init__(self, seeds: Sequence[int], device: str = "cpu") -> None:
        self._streams = [torch.Generator(device).manual_seed(seed & (2**63 - 1)) for seed in seeds]

    def exponential(self, like: Tensor) -> Tensor:
        """Exponential variates of the shape of `like` [rows, ...]."""
        drawn = torch.empty_like(like)
        for row, stream in zip(drawn, self._streams, strict=True):
            row.exponential_(generator=stream)
        return drawn


def guided(logits: Tensor, sampling: Sampling) -> Tensor:
    """Logits [2 rows, ...] with words and without as [rows, ...]; without guidance as they are."""
    if not sampling.guided:
        return logits
    with_words, without = logits.chunk(2)
    return without + (with_words - without) * sampling.guidance


def drawn(logits: Tensor, sampling: Sampling, chance: Chance) -> Tensor:
    """One token for each [rows, codebooks] of logits [rows, codebooks, vocabulary]."""
    if sampling.temperature == 0:
        return logits.argmax(-1)
    logits = logits / sampling.temperature
    everything = not 0 < sampling.top_k < logits.shape[-1]
    cut = 0 < sampling.top_p < 1
    if everything and not cut:
        places = None
    elif everything:
        logits, places = logits.sort(-1, descending=True)
    else:
        logits, places = logits.topk(sampling.top_k, -1)
    weights = logits.softmax(-1)
    if cut:
        # What comes before a token decides, so that the likeliest always stays.
        before = weights.cumsum(-1) - weights
        weights = weights.masked_fill(before >= sampling.top_p, 0.0)
    # The race of exponentials: the first to arrive is drawn with its weight's chance.
    winner = (weights / chance.exponential(weights)).argmax(-1, keepdim=True)
    return (winner if places is None else places.gather(-1, winner)).squeeze(-1)
