"""The operations of xformers that audiocraft calls.

xformers itself has none of them for a processor, so that MAGNeT and JASCO, which know no other
attention, would play on a GPU alone.
"""

from __future__ import annotations

from typing import Any

import torch

unbind = torch.unbind


class LowerTriangularMask:
    """Says that a position attends to none after it."""


def memory_efficient_attention(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attn_bias: Any = None,
    p: float = 0.0,
    scale: float | None = None,
) -> torch.Tensor:
    """Attention over [batch, positions, heads, features], shaped like `query`.

    Args:
        query: what asks.
        key: what is asked.
        value: what is given, as many positions as `key`.
        attn_bias: None, a LowerTriangularMask, or what is added to the scores.
        p: share of the weights that is dropped.
        scale: of the scores; None for one over the root of the features.
    """
    causal = isinstance(attn_bias, LowerTriangularMask)
    found = torch.nn.functional.scaled_dot_product_attention(
        *(part.transpose(1, 2) for part in (query, key, value)),
        attn_mask=None if causal else attn_bias,
        dropout_p=p,
        is_causal=causal,
        scale=scale,
    )
    return found.transpose(1, 2)
