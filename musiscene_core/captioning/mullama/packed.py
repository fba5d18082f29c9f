"""A language model's weights as its decoder wants them: packed, projections of one input fused.

Llama, Mistral, Qwen2 and Qwen3 are one architecture with or without biases and norms of the heads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from torch import Tensor, nn

from musiscene_core.captioning.mullama.backbone import FAMILIES, decoder_layers
from musiscene_core.captioning.mullama.low_rank import base_linear, is_plain_lora
from musiscene_core.neural.linear import ACTIVATIONS, Kernel, PackedLinear, Precision, fuse
from musiscene_core.neural.speed import Shape, fastest

GROUPS = (
    ("self_attn", ("q_proj", "k_proj", "v_proj")),
    ("self_attn", ("o_proj",)),
    ("mlp", ("gate_proj", "up_proj")),
    ("mlp", ("down_proj",)),
)
"""The linears of a layer in the order of their use, those of one input together."""
_STEADY_ROPES = ("default", "linear", "llama3", "yarn")
"""Rotations that depend on the position alone, not on how long a text has become."""


@dataclass(frozen=True)
class PackedLayer:
    """One decoder layer.

    Attributes:
        linears: as GROUPS has them.
        head_norms: [heads + key heads, d], of queries and keys; None where they have none.
    """

    linears: tuple[PackedLinear, PackedLinear, PackedLinear, PackedLinear]
    head_norms: Tensor | None


class PackedModel:
    """What a decoder needs of a language model, its norms and LoRA left in their places.

    Attributes:
        whole: the model of transformers, without peft around it.
        layers: its layers.
        head: scores of the next token.
        kernel: how products are made.
        dtype: of all between the products: float32 on a processor, where it costs nothing.
        heads, key_heads, head_width: of the attention.
        eps: of its norms.
    """

    def __init__(
        self,
        backbone: Any,
        precision: Precision = "float32",
        folder: Path | None = None,
        after_layer: Callable[[Any], None] = lambda layer: None,
    ) -> None:
        """Pack the weights of `backbone`, whose own stay where they are.

        Args:
            backbone: a model that `packable` takes.
            precision: what a weight may take; the fastest kernel of it on this machine is used.
            folder: where measured speeds are remembered; the cache folder if None.
            after_layer: hears of each layer once it is packed; may free its own weights, and what
                it raises passes through.
        """
        self.whole = whole_model(backbone)
        config = self.whole.config
        layers = decoder_layers(backbone)
        attention = layers[0].self_attn
        self.heads: int = config.num_attention_heads
        self.key_heads: int = config.num_key_value_heads
        self.head_width: int = attention.head_dim
        self.eps: float = config.rms_norm_eps
        device = self.whole.lm_head.weight.device.type
        # For one row, whatever the batch: an answer must not depend on how many are asked for.
        self.kernel: Kernel = fastest(
            precision, _shapes(backbone), rows=1, device=device, rows_apart=True, folder=folder
        )
        self.dtype = torch.float32 if device == "cpu" else ACTIVATIONS[self.kernel]
        self.layers: list[PackedLayer] = []
        for layer in layers:
            self.layers.append(self._pack(layer))
            after_layer(layer)
        self.head = PackedLinear(self.whole.lm_head.weight, None, self.kernel)

    @property
    def step_bytes(self) -> int:
        """Bytes of weights read for each token."""
        linears = [linear for layer in self.layers for linear in layer.linears]
        return sum(linear.weight_bytes for linear in [self.head, *linears])

    def _pack(self, layer: Any) -> PackedLayer:
        qkv, out, gate_up, down = (
            PackedLinear(*fuse([_weights(module) for module in modules]), self.kernel)
            for modules in grouped(layer)
        )
        return PackedLayer((qkv, out, gate_up, down), self._head_norms(layer.self_attn))

    def _head_norms(self, attention: Any) -> Tensor | None:
        if not hasattr(attention, "q_norm"):
            return None
        queries = attention.q_norm.weight.expand(self.heads, -1)
        keys = attention.k_norm.weight.expand(self.key_heads, -1)
        return torch.cat((queries, keys)).detach().to(self.dtype)


def whole_model(backbone: Any) -> Any:
    """The model of transformers under any LoRA."""
    return backbone.get_base_model() if isinstance(backbone, PeftModel) else backbone


def grouped(layer: Any) -> list[list[nn.Module]]:
    """The linears of a layer, as GROUPS has them."""
    return [[getattr(getattr(layer, parent), one) for one in names] for parent, names in GROUPS]


def packable(backbone: Any, length: int) -> bool:
    """Whether texts of `length` tokens can be decoded with packed weights.

    Not so where weights are quantised already, attention slides, or rotations depend on the length.
    """
    whole = whole_model(backbone)
    config = whole.config
    slides = "sliding_attention" in (getattr(config, "layer_types", None) or ["sliding_attention"])
    window = getattr(config, "sliding_window", None) or length
    modules = [
        module for layer in decoder_layers(backbone) for group in grouped(layer) for module in group
    ]
    return (
        config.model_type in FAMILIES
        and config.hidden_act == "silu"
        and config.rope_parameters.get("rope_type", "default") in _STEADY_ROPES
        and not (slides and length > window)
        and all(_is_packable(module) for module in [*modules, whole.lm_head])
    )


def identity(backbone: Any) -> tuple[object, ...]:
    """What changes when packed weights would be out of date: other tensors, or changed in place."""
    weights = [
        base_linear(module).weight
        for layer in decoder_layers(backbone)
        for group in grouped(layer)
        for module in group
    ]
    weights.append(whole_model(backbone).lm_head.weight)
    return tuple((one.data_ptr(), 0 if one.is_inference() else one._version) for one in weights)


def _is_packable(module: Any) -> bool:
    linear = base_linear(module)
    plain = type(linear) is nn.Linear and linear.weight.dtype.is_floating_point
    return plain and is_plain_lora(module)


def _weights(module: nn.Module) -> tuple[Tensor, Tensor | None]:
    linear = base_linear(module)
    return linear.weight.detach(), None if linear.bias is None else linear.bias.detach()


def _shapes(backbone: Any) -> Sequence[Shape]:
    shapes: list[Shape] = []
    for layer in decoder_layers(backbone):
        for group in grouped(layer):
            linears = [base_linear(module) for module in group]
            shapes.append((sum(one.out_features for one in linears), linears[0].in_features))
    head = whole_model(backbone).lm_head
    return [*shapes, (head.out_features, head.in_features)]
