"""Drawing an answer token by token. Knows no audio and no words, only scores and tokens."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import torch
from torch import Tensor

from musiscene_core.captioning.generation import Generation
from musiscene_core.errors import EngineError

OnToken = Callable[[int, int], None]
"""Hears of each token drawn: the row, the token. What it raises ends the work."""


@torch.inference_mode()
def draw(
    model: Any,
    prompts: Sequence[Sequence[int]],
    settings: Generation,
    ends: Collection[int],
    on_token: OnToken,
) -> list[list[int]]:
    """Continue each prompt until an end token or settings.max_tokens.

    Every row draws from a generator of its own, so that what it says does not hang on its
    neighbours.

    Args:
        model: a causal language model of transformers.
        prompts: token ids, not empty.
        settings: how freely to draw.
        ends: tokens that end an answer; they are not part of it.
        on_token: hears of each token.

    Returns:
        The tokens drawn, a list a prompt.

    Raises:
        EngineError: the scores are no numbers, as where half precision overflows.
    """
    device = next(model.parameters()).device
    longest = max(map(len, prompts))
    pad = min(ends, default=0)
    rows = [[pad] * (longest - len(prompt)) + list(prompt) for prompt in prompts]
    real = [[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts]
    tokens = torch.tensor(rows, device=device)
    mask = torch.tensor(real, device=device)
    positions = positions_in(mask)
    chances = [torch.Generator().manual_seed(settings.seed) for _ in prompts]
    drawn: list[list[int]] = [[] for _ in prompts]
    open_rows = set(range(len(prompts)))
    cache = None
    for _ in range(settings.max_tokens):
        output = model(
            input_ids=tokens,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        cache = output.past_key_values
        scores = output.logits[:, -1].float().cpu()
        if scores.isnan().any():
            raise EngineError(
                "The captioner's weights give no numbers.",
                hint="Load it in another precision, or convert the weights again.",
            )
        following = [pad] * len(prompts)
        for row in sorted(open_rows):
            token = pick(scores[row], settings, chances[row])
            if token in ends:
                open_rows.discard(row)
                continue
            following[row] = token
            drawn[row].append(token)
            on_token(row, token)
        if not open_rows:
            break
        tokens = torch.tensor(following, device=device)[:, None]
        mask = torch.cat((mask, mask.new_ones(len(prompts), 1)), dim=1)
        positions = positions[:, -1:] + 1
    return drawn


def positions_in(mask: Tensor) -> Tensor:
    """Places [B, T] counted from each row's first token, for a mask [B, T] with 0 in padding.

    They must be told: the prefix stands at no place, so that shifting a row would change it.
    """
    return (mask.cumsum(dim=1) - 1).clamp(min=0)


def pick(scores: Tensor, settings: Generation, chance: torch.Generator) -> int:
    """One token by its score [V]: the likeliest, or one drawn among the top-p (Holtzman 2020)."""
    if settings.temperature == 0:
        return int(scores.argmax())
    chances, tokens = torch.softmax(scores / settings.temperature, dim=-1).sort(
        descending=True, stable=True
    )
    before = chances.cumsum(dim=-1) - chances
    kept = torch.where(before <= settings.top_p, chances, 0.0)
    return int(tokens[torch.multinomial(kept, 1, generator=chance)])
