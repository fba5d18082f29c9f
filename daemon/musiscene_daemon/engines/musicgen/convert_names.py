"""Where each tensor of a MusicGen, in transformers' names, lies in audiocraft's files.

audiocraft stacks the projections of queries, keys and values; transformers keeps them apart.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from torch import Tensor

from musiscene_daemon.engines.musicgen.convert_config import MELODY_OUT, TEXT_OUT
from musiscene_daemon.engines.musicgen.shape import BODY, HEADS, MELODY_IN, TEXT_IN, ModelShape

_STACKED = ("q_proj", "k_proj", "v_proj")
_IN_LAYER = {
    "self_attn_layer_norm": "norm1",
    "encoder_attn_layer_norm": "norm_cross",
    "final_layer_norm": "norm2",
    "fc1": "linear1",
    "fc2": "linear2",
    "self_attn": "self_attn",
    "encoder_attn": "cross_attention",
}
_PROJECTIONS = {TEXT_IN: TEXT_OUT, MELODY_IN: MELODY_OUT}
IDLE = ("condition_provider.conditioners.self_wav.chroma.",)
"""Beginnings of tensors that make no music: the window of a spectrum."""
_CODEC = (
    (re.compile(r"^(encoder|decoder)\.model\."), r"\1.layers."),
    (re.compile(r"\.conv\.conv\."), ".conv."),
    (re.compile(r"\.convtr\.convtr\."), ".conv."),
    (re.compile(r"^quantizer\.vq\.layers\."), "quantizer.layers."),
    (re.compile(r"\._codebook\."), ".codebook."),
    (re.compile(r"\.weight_g$"), ".parametrizations.weight.original0"),
    (re.compile(r"\.weight_v$"), ".parametrizations.weight.original1"),
)


@dataclass(frozen=True)
class Place:
    """Where a tensor lies.

    Attributes:
        name: audiocraft's.
        third: which third of its rows; None for all of them.
    """

    name: str
    third: int | None = None

    def taken(self, tensor: Tensor) -> Tensor:
        """The part of `tensor` [rows, ..] that is meant."""
        return tensor if self.third is None else tensor.chunk(3)[self.third]


def places(shape: ModelShape) -> dict[str, Place]:
    """Of every tensor of the language model and of what leads into it."""
    return {name: _place(name) for name in shape.weights()}


def _place(name: str) -> Place:
    for begin, theirs in ((f"{BODY}embed_tokens.", "emb."), (HEADS, "linears.")):
        if name.startswith(begin):
            return Place(theirs + name.removeprefix(begin))
    for ours, theirs in _PROJECTIONS.items():
        if name.startswith(f"{ours}."):
            return Place(theirs + name.removeprefix(ours))
    inside = name.removeprefix(BODY)
    if not inside.startswith("layers."):
        return Place(inside.replace("layer_norm", "out_norm"))
    _, number, part, rest = inside.split(".", 3)
    begin = f"transformer.layers.{number}.{_IN_LAYER[part]}"
    linear = rest.partition(".")[0]
    if linear in _STACKED:
        return Place(f"{begin}.in_proj_weight", _STACKED.index(linear))
    return Place(f"{begin}.{rest}")


def codec_name(name: str) -> str:
    """The name that transformers has for EnCodec's tensor `name`."""
    for pattern, ours in _CODEC:
        name = pattern.sub(ours, name)
    return name
