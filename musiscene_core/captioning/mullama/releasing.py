"""Freeing a language model's own weights once they are packed.

A freed weight keeps its shape, type and device, which LoRA around it asks for, and one number.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from torch import nn

from musiscene_core.captioning.mullama.low_rank import base_linear
from musiscene_core.captioning.mullama.packed import grouped


def release_linears(layer: Any, *, keep: Collection[str]) -> None:
    """Free the linears of a decoder layer.

    Args:
        layer: packed already.
        keep: projections of its attention that are left.
    """
    kept = [getattr(layer.self_attn, name) for name in keep]
    for group in grouped(layer):
        for module in group:
            if all(module is not one for one in kept):
                _release(base_linear(module))


def release_head(whole: Any) -> None:
    """Free the last linear, unless the embedding is the same."""
    if whole.lm_head.weight is not whole.model.embed_tokens.weight:
        _release(whole.lm_head)


def unmap(backbone: nn.Module) -> None:
    """Take what is left into memory of its own: a file that it is mapped from may go away."""
    for weight in backbone.parameters():
        if weight.untyped_storage().nbytes() > weight.element_size():
            weight.data = weight.data.clone()


def _release(module: Any) -> None:
    weight = module.weight
    empty = weight.new_zeros(1).expand(weight.shape)
    module.weight = nn.Parameter(empty, requires_grad=False)
