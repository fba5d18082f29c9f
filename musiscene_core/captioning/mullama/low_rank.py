"""What LoRA and house packs add to linears that are packed, gathered into two small matrices.

Linears fused into one share their input, so their additions do too: one product to all ranks, and
one from there to all outputs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from musiscene_core.captioning.mullama.house import Share


@dataclass(frozen=True)
class LowRank:
    """y += up (down x) + bias.

    Attributes:
        down: [R, K].
        up: [N, R], scaled.
        bias: [N] or None.
    """

    down: Tensor
    up: Tensor
    bias: Tensor | None

    def __call__(self, x: Tensor, *, apart: bool = False) -> Tensor:
        """[M, K] to what is added, [M, N].

        Rows go `apart`, one by one, where the last bit of one must not depend on their number.
        """
        parts = x.split(1) if apart else (x,)
        added = torch.cat([(part @ self.down.T) @ self.up.T for part in parts])
        return added if self.bias is None else added + self.bias


def base_linear(module: Any) -> Any:
    """The linear under any LoRA."""
    return getattr(module, "base_layer", module)


def low_rank(
    modules: Sequence[nn.Module], shares: Sequence[Share | None], dtype: torch.dtype
) -> LowRank | None:
    """All that is added to fused linears now; None if nothing is.

    Args:
        modules: the linears, in the order they were fused in, LoRA around them or not.
        shares: what house packs add to each.
        dtype: to compute in.
    """
    rows = [base_linear(module).out_features for module in modules]
    like = base_linear(modules[0]).weight
    downs: list[Tensor] = []
    ups: list[Tensor] = []
    bias = torch.zeros(sum(rows), dtype=dtype, device=like.device)
    first = 0
    for module, share, count in zip(modules, shares, rows, strict=True):
        parts = _lora(module)
        parts += [] if share is None else [(*share, None)]
        for down, up, added in parts:
            placed = torch.zeros(sum(rows), up.shape[1], dtype=dtype, device=like.device)
            placed[first : first + count] = up
            downs.append(down.to(placed))
            ups.append(placed)
            if added is not None:
                bias[first : first + count] += added
        first += count
    if not downs:
        return None
    return LowRank(torch.cat(downs), torch.cat(ups, dim=1), bias if bias.any() else None)


def is_plain_lora(module: Any) -> bool:
    """Whether what is around a linear is nothing, or LoRA without further inventions."""
    return not getattr(module, "lora_variant", None)


def norm_weight(module: Any) -> Tensor:
    """The weight of a norm, of its own copy where LoRA came with one."""
    copies: Mapping[str, Any] | None = getattr(module, "modules_to_save", None)
    if copies and not module.disable_adapters:
        module = copies[module.active_adapters[0]]
    weight: Tensor = module.weight
    return weight


def _lora(module: Any) -> list[tuple[Tensor, Tensor, Tensor | None]]:
    """Down, scaled up and scaled bias of every active adapter that is not merged."""
    if not hasattr(module, "lora_A") or module.disable_adapters or module.merged:
        return []
    found = []
    for name in module.active_adapters:
        if name in module.lora_A:
            up, scale = module.lora_B[name], module.scaling[name]
            added = None if up.bias is None else up.bias * scale
            found.append((module.lora_A[name].weight, up.weight * scale, added))
    return found
