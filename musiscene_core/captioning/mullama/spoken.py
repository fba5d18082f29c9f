"""A decoder's layer as it is spoken to now: packed weights, LoRA, norms, and the music in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from musiscene_core.captioning.mullama.backbone import decoder_layers
from musiscene_core.captioning.mullama.house import Share
from musiscene_core.captioning.mullama.low_rank import LowRank, low_rank, norm_weight
from musiscene_core.captioning.mullama.packed import GROUPS, PackedModel, grouped
from musiscene_core.captioning.mullama.prefix import Music
from musiscene_core.neural.linear import PackedLinear


@dataclass(frozen=True)
class Spoken:
    """One layer, all in the decoder's precision.

    Attributes:
        linears: packed, as GROUPS has them.
        added: to each, by LoRA and house packs.
        norms: weights [D] before the attention and before the rest.
        head_norms: [heads + key heads, d] or None.
        music: what is heard in it, if anything.
    """

    linears: tuple[PackedLinear, ...]
    added: tuple[LowRank | None, ...]
    norms: tuple[Tensor, Tensor]
    head_norms: Tensor | None
    music: Music | None

    def product(self, which: int, x: Tensor, *, apart: bool) -> Tensor:
        """[M, K] through one of the linears, LoRA included, in the precision of x."""
        linear, added = self.linears[which], self.added[which]
        given = linear(x.to(linear.dtype), apart=apart).to(x.dtype)
        return given if added is None else given + added(x, apart=apart)


def spoken_layers(
    model: PackedModel,
    backbone: torch.nn.Module,
    music: Sequence[Music],
    shares: Mapping[str, Share],
) -> list[Spoken]:
    """What is around the packed weights now.

    Args:
        model: packed from `backbone`.
        backbone: with the LoRA that is active.
        music: what each of the top layers hears, as Prefix.music gives it.
        shares: of house packs, as House.shares gives them.
    """
    layers = decoder_layers(backbone)
    silent: list[Music | None] = [None] * (len(layers) - len(music))
    return [
        Spoken(
            packed.linears,
            tuple(_added(index, layer, shares, model.dtype)),
            (
                norm_weight(layer.input_layernorm).detach().to(model.dtype),
                norm_weight(layer.post_attention_layernorm).detach().to(model.dtype),
            ),
            packed.head_norms,
            None if heard is None else heard.to(model.dtype),
        )
        for index, (layer, packed, heard) in enumerate(
            zip(layers, model.layers, [*silent, *music], strict=True)
        )
    ]


def _added(
    index: int, layer: torch.nn.Module, shares: Mapping[str, Share], dtype: torch.dtype
) -> list[LowRank | None]:
    return [
        low_rank(
            modules,
            [shares.get(f"layers.{index}.{parent}.{name}") for name in names],
            dtype,
        )
        for modules, (parent, names) in zip(grouped(layer), GROUPS, strict=True)
    ]
