"""The next tokens from logits: temperature, top-k, top-p, a stream of chance for each row.

Nothing here waits for a GPU: chance is drawn where the logits are.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from musiscene_core.sampling import Sampling


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
    # torch's softmax shares out even these few numbers to threads, which costs more than they do.
    weights = (logits - logits.amax(-1, keepdim=True)).exp()
    weights = weights / weights.sum(-1, keepdim=True)
    if cut:
        # What comes before a token decides, so that the likeliest always stays.
        before = weights.cumsum(-1) - weights
        weights = weights.masked_fill(before >= sampling.top_p, 0.0)
    # The race of exponentials: the first to arrive is drawn with its weight's chance.
    winner = (weights / chance.exponential(weights)).argmax(-1, keepdim=True)
    return (winner if places is None else places.gather(-1, winner)).squeeze(-1)
