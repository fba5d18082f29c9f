"""Attention within each of several texts that lie side by side in one row.

Registered with transformers under a name of its own, and told the texts' lengths by a keyword that
its models pass through. On a GPU in half precision all texts are one flash-attention call; else
each is attended to by itself, so that no product is made only to be masked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

_NAME = "musiscene_packed"


@dataclass(frozen=True)
class Texts:
    """The texts in one row.

    Attributes:
        lengths: in tokens.
        ends: int32 [B + 1], where each begins, and the last one ends.
    """

    lengths: tuple[int, ...]
    ends: Tensor

    @classmethod
    def of(cls, lengths: Sequence[int], device: torch.device) -> Texts:
        """Texts of these lengths."""
        ends = torch.tensor([0, *lengths]).cumsum(0).to(device, torch.int32)
        return cls(tuple(lengths), ends)


@contextmanager
def packed_attention(backbone: Any) -> Iterator[None]:
    """Within it, a language model of transformers takes `texts=Texts` and keeps them apart."""
    ALL_ATTENTION_FUNCTIONS.register(_NAME, _attend)
    config = backbone.config
    before = config._attn_implementation
    config._attn_implementation = _NAME
    try:
        yield
    finally:
        config._attn_implementation = before


def _attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    texts: Texts,
    scaling: float | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """Queries [1, H, T, d], keys and values [1, K, T, d] to findings [1, T, H, d]."""
    grouped = key.shape[1] != query.shape[1]
    if query.is_cuda and query.dtype in (torch.bfloat16, torch.float16):
        return _flash(query, key, value, texts, scaling, grouped), None
    parts = (part.split(texts.lengths, dim=2) for part in (query, key, value))
    found = [
        functional.scaled_dot_product_attention(
            *one, is_causal=True, scale=scaling, enable_gqa=grouped
        )
        for one in zip(*parts, strict=True)
    ]
    return torch.cat(found, dim=2).transpose(1, 2), None


def _flash(
    query: Tensor, key: Tensor, value: Tensor, texts: Texts, scaling: float | None, grouped: bool
) -> Tensor:
    from torch.nn.attention.varlen import varlen_attn

    longest = max(texts.lengths)
    found = varlen_attn(
        *(part[0].transpose(0, 1) for part in (query, key, value)),
        texts.ends,
        texts.ends,
        longest,
        longest,
        scale=scaling,
        window_size=(-1, 0),
        enable_gqa=grouped,
    )
    return found[None]
