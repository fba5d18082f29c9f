"""How much arithmetic a step cannot do without, to compare with what a machine can do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn

from musiscene_core.captioning.mullama.backbone import LINEARS, decoder_layers
from musiscene_core.captioning.mullama.low_rank import base_linear
from musiscene_training.adapter.phases import Trained
from musiscene_training.adapter.settings import Settings


def step_flops(trained: Trained, settings: Settings, lengths: Sequence[int], labels: int) -> float:
    """Floating-point operations of a step, a multiply and an add being two.

    Counted are the products of frozen linears with each token, forward through all layers and
    backward, for the gradient of what goes in alone, through those that learn or lie above what
    does; attention within texts; and the last linear, where there are labels. Not counted: what
    is made twice, the adapter, LoRA.

    Args:
        trained: what trains.
        settings: the phase decides where the backward pass ends.
        lengths: of the texts, in tokens.
        labels: how many.
    """
    layers = decoder_layers(trained.model.backbone)
    heard = trained.model.config.prefix_layers
    learning = heard if settings.phase in ("pretrain", "msi") else len(layers)
    passes = len(layers) + learning
    linears = _weights(layers[0]) * sum(lengths)
    config = trained.model.backbone.config
    heads = config.num_attention_heads * getattr(
        config, "head_dim", config.hidden_size // config.num_attention_heads
    )
    # Two products of T x T by heads * d, of which causality leaves half; backward makes four.
    attention = heads * sum(length * length for length in lengths)
    head = 2 * labels * config.hidden_size * config.vocab_size
    return 2 * linears * passes + 2 * attention * (len(layers) + 2 * learning) + 2 * head


def _weights(layer: nn.Module) -> int:
    """Numbers in the seven linears of a layer."""
    return sum(
        base_linear(module).weight.numel()
        for name, module in layer.named_modules()
        if name.rpartition(".")[2] in LINEARS
    )


def describe(trained: Trained) -> dict[str, Any]:
    """What a benchmark says of the model that it measured."""
    layers = decoder_layers(trained.model.backbone)
    return {"layers": len(layers), "linears": _weights(layers[0]) * len(layers)}
