"""Drawing an answer token by token. Knows no audio and no words, only scores and tokens."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from musiscene_core.captioning.generation import Generation
from musiscene_core.errors import EngineError

OnToken = Callable[[int, int], None]
"""Hears of each token drawn: the row, the token. What it raises ends the work."""

_FIRST = 64
"""Likeliest tokens looked at before all of them are: nearly always enough."""


class Steps(Protocol):
    """A language model that is asked step by step."""

    def begin(self, prompts: Sequence[Sequence[int]]) -> Tensor:
        """Read the prompts, none of them empty; scores [B, V] of what may follow each."""

    def follow(self, tokens: Sequence[int]) -> Tensor:
        """Take one more token a row; scores [B, V] of what may follow it."""


class PlainSteps:
    """Any causal language model of transformers, through its own forward and cache."""

    def __init__(self, model: Any, pad: int) -> None:
        """Ask `model`; `pad` is the token that shorter prompts begin with, and that is not read."""
        self._model = model
        self._pad = pad
        self._device = next(model.parameters()).device
        self._mask = self._positions = torch.zeros(0)
        self._cache: Any = None

    def begin(self, prompts: Sequence[Sequence[int]]) -> Tensor:
        """See Steps."""
        longest = max(map(len, prompts))
        rows = [[self._pad] * (longest - len(prompt)) + list(prompt) for prompt in prompts]
        real = [[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts]
        self._mask = torch.tensor(real, device=self._device)
        self._positions = positions_in(self._mask)
        self._cache = None
        return self._read(rows)

    def follow(self, tokens: Sequence[int]) -> Tensor:
        """See Steps."""
        self._mask = torch.cat((self._mask, self._mask.new_ones(len(tokens), 1)), dim=1)
        self._positions = self._positions[:, -1:] + 1
        return self._read([[token] for token in tokens])

    def _read(self, rows: Sequence[Sequence[int]]) -> Tensor:
        output = self._model(
            input_ids=torch.tensor(rows, device=self._device),
            attention_mask=self._mask,
            position_ids=self._positions,
            past_key_values=self._cache,
            use_cache=True,
            logits_to_keep=1,
        )
        self._cache = output.past_key_values
        scores: Tensor = output.logits[:, -1].float()
        return scores


@torch.inference_mode()
def draw(
    steps: Steps,
    prompts: Sequence[Sequence[int]],
    settings: Generation,
    ends: Collection[int],
    on_token: OnToken,
) -> list[list[int]]:
    """Continue each prompt until an end token or settings.max_tokens.

    Every row draws from a generator of its own, so that what it says does not hang on its
    neighbours.

    Args:
        steps: the language model.
        prompts: token ids, not empty.
        settings: how freely to draw.
        ends: tokens that end an answer; they are not part of it.
        on_token: hears of each token.

    Returns:
        The tokens drawn, a list a prompt.

    Raises:
        EngineError: the scores are no numbers, as where half precision overflows.
    """
    chances = [torch.Generator().manual_seed(settings.seed) for _ in prompts]
    drawn: list[list[int]] = [[] for _ in prompts]
    open_rows = set(range(len(prompts)))
    scores = steps.begin(prompts)
    for step in range(settings.max_tokens):
        likeliest = Likeliest(scores, settings.temperature)
        # A closed row goes on with what the model does not mind; nobody hears it.
        following = [min(ends, default=0)] * len(prompts)
        for row in sorted(open_rows):
            token = likeliest.pick(row, settings, chances[row])
            if token in ends:
                open_rows.discard(row)
                continue
            following[row] = token
            drawn[row].append(token)
            on_token(row, token)
        if not open_rows or step + 1 == settings.max_tokens:
            break
        scores = steps.follow(following)
    return drawn


def positions_in(mask: Tensor) -> Tensor:
    """Places [B, T] counted from each row's first token, for a mask [B, T] with 0 in padding.

    They must be told: the prefix stands at no place, so that shifting a row would change it.
    """
    return (mask.cumsum(dim=1) - 1).clamp(min=0)


class Likeliest:
    """The scores of a step [B, V], of which the few likeliest tokens are brought here at once.

    Sorting a whole vocabulary would take longer than a layer of a small model.
    """

    def __init__(self, scores: Tensor, temperature: float) -> None:
        """Look at `scores`; `temperature` 0 will take the highest.

        Raises:
            EngineError: they are no numbers.
        """
        self._all = scores
        few = 1 if temperature == 0 else min(_FIRST, scores.shape[-1])
        best = scores.topk(few, dim=-1)
        self._tokens = best.indices.cpu()
        self._chances = torch.zeros(0)
        # What is no number counts as highest, so that it would be found here.
        highest = best.values[:, 0]
        if temperature:
            total = (scores / temperature).logsumexp(dim=-1, keepdim=True)
            self._chances = (best.values / temperature - total).exp().cpu()
            highest = highest + total[:, 0]
        if not highest.isfinite().all():
            raise EngineError(
                "The captioner's weights give no numbers.",
                hint="Load it in another precision, or convert the weights again.",
            )

    def pick(self, row: int, settings: Generation, chance: torch.Generator) -> int:
        """One token of a row: the likeliest, or one drawn among the top-p (Holtzman 2020)."""
        if settings.temperature == 0:
            return int(self._tokens[row, 0])
        tokens, chances = self._tokens[row], self._chances[row]
        if chances.sum() <= settings.top_p and len(tokens) < self._all.shape[-1]:
            whole = torch.softmax(self._all[row].cpu() / settings.temperature, dim=-1)
            chances, tokens = whole.sort(descending=True, stable=True)
        upto = chances.cumsum(dim=-1)
        kept = int((upto - chances <= settings.top_p).sum())
        aim = torch.rand(1, generator=chance) * upto[kept - 1]
        return int(tokens[min(int(torch.searchsorted(upto, aim, right=True)), kept - 1)])
