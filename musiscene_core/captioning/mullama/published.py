"""MU-LLaMA's published tensors as ours: which is which, of what shape, and in what order.

A checkpoint of the first phase holds adapter, prefix and gates; one of the second also LoRA,
biases and norms. LLaMA and MERT may lie in either, unchanged but for the norms.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import torch
from torch import Tensor

from musiscene_core.captioning.mullama.config import CaptionerConfig
from musiscene_core.captioning.mullama.meta_layout import (
    LINEARS,
    NORMS,
    llama_shapes,
    merged,
    rotary_heads,
    rotary_rows,
)
from musiscene_core.captioning.mullama.originals import LlamaParams, OriginalLlama
from musiscene_core.errors import ModelError
from musiscene_core.neural.pickled import Tensors
from musiscene_core.neural.tensors import Shape, check, shapes_in

LLAMA = "llama."
BRIDGES = 3
_PEFT = "base_model.model.model."
_BRIDGE_PARTS: Mapping[str, str] = MappingProxyType(
    {"norm": "norm", "f1": "gate", "f2": "down", "f3": "up"}
)
_BIASED = ("attention.wq", "attention.wo", "feed_forward.w1", "feed_forward.w2", "feed_forward.w3")
_SAMPLED_ROWS = 16


def config_of(
    tensors: Tensors, llama: OriginalLlama, query_len: int, encoder_states: int, encoder_width: int
) -> CaptionerConfig:
    """The shape of the captioner in a checkpoint.

    Raises:
        ModelError: a tensor is missing, or of a shape that does not fit the LLaMA or the encoder.
    """
    dim = llama.params.dim
    inner = _first_axis(tensors, "mu_mert_f1_1.weight")
    queries = _first_axis(tensors, "prefix_query.weight")
    if inner % dim or queries % query_len or queries // query_len > llama.params.n_layers:
        name = "mu_mert_f1_1.weight" if inner % dim else "prefix_query.weight"
        raise ModelError(
            f"The tensor {name} does not fit a language model {dim} wide, "
            f"{llama.params.n_layers} layers deep.",
            hint="Name the LLaMA that the checkpoint was trained with, and its prefix tokens a "
            f"layer (--query-len, now {query_len}).",
        )
    rank_of = "llama.layers.0.attention.lora_wq_l1.weight"
    rank = _first_axis(tensors, rank_of) if rank_of in tensors else 0
    return CaptionerConfig(
        encoder_states=encoder_states,
        encoder_width=encoder_width,
        width=dim,
        bridges=BRIDGES,
        bridge_expansion=inner // dim,
        prefix_layers=queries // query_len,
        query_len=query_len,
        lora_rank=rank,
        lora_alpha=float(max(rank, 1)),
    )


def ours(tensors: Tensors, llama: OriginalLlama, config: CaptionerConfig, where: Path) -> Tensors:
    """The own tensors of the checkpoint at `where` in our names and transformers' order.

    Raises:
        ModelError: one is missing or of another shape.
    """
    wanted = _wanted(llama, config)
    check(shapes_in(tensors), wanted, where)
    result = _adapter(tensors, config)
    layers = llama.params.n_layers
    shape = (config.prefix_layers, config.query_len, config.width)
    result["prefix.query"] = tensors["prefix_query.weight"].reshape(shape)
    top = range(layers - config.prefix_layers, layers)
    result["prefix.gates"] = torch.stack([tensors[_gate(layer)].flatten() for layer in top])
    if config.lora_rank:
        result |= _lora(tensors, llama.params)
    return result


def check_same_base(tensors: Tensors, llama: OriginalLlama, tuned: bool) -> None:
    """Refuse a checkpoint that was trained on another LLaMA than `llama`.

    Compares the first rows of each tensor that the checkpoint has of LLaMA and did not train.

    Raises:
        ModelError: a tensor differs.
    """
    for name in llama_shapes(llama):
        if LLAMA + name not in tensors or (tuned and "norm" in name):
            continue
        trained_on, given = tensors[LLAMA + name], merged(llama, name)
        check_same(LLAMA + name, trained_on, given, "LLaMA")


def check_same(name: str, trained_on: Tensor, given: Tensor, model: str) -> None:
    """Refuse `given` where it is not what a checkpoint was trained on, but for its precision.

    Raises:
        ModelError: the shapes or the values differ.
    """
    same = trained_on.shape == given.shape and torch.allclose(
        trained_on[:_SAMPLED_ROWS].float(), given[:_SAMPLED_ROWS].float(), rtol=1e-2, atol=1e-4
    )
    if not same:
        raise ModelError(
            f"The checkpoint was trained with another {model}: the tensor {name} differs.",
            hint=f"Name the {model} that it was trained with.",
        )


def _first_axis(tensors: Tensors, name: str) -> int:
    if name not in tensors or tensors[name].ndim < 1 or tensors[name].shape[0] < 1:
        raise ModelError(
            f"The checkpoint lacks the tensor {name}.", hint="Name a checkpoint of MU-LLaMA."
        )
    return int(tensors[name].shape[0])


def _gate(layer: int) -> str:
    return f"{LLAMA}layers.{layer}.attention.gate"


def _wanted(llama: OriginalLlama, config: CaptionerConfig) -> dict[str, Shape]:
    width, inner = config.width, config.inner
    wanted: dict[str, Shape] = {
        "mu_mert_agg.weight": (1, config.encoder_states, 1),
        "mu_mert_agg.bias": (1,),
        "mu_mert_proj.weight": (width, config.encoder_width),
        "mu_mert_proj.bias": (width,),
        "prefix_query.weight": (config.prefix_layers * config.query_len, width),
    }
    for bridge in range(1, config.bridges + 1):
        wanted[f"mu_mert_norm_{bridge}.weight"] = (width,)
        wanted[f"mu_mert_f1_{bridge}.weight"] = (inner, width)
        wanted[f"mu_mert_f2_{bridge}.weight"] = (width, inner)
        wanted[f"mu_mert_f3_{bridge}.weight"] = (inner, width)
    layers = llama.params.n_layers
    for layer in range(layers - config.prefix_layers, layers):
        wanted[_gate(layer)] = (1, llama.params.n_heads, 1, 1)
    if not config.lora_rank:
        return wanted
    for name, shape in llama_shapes(llama).items():
        if "norm" in name:
            wanted[LLAMA + name] = shape
    for layer in range(layers):
        for linear in LINEARS:
            rows, columns = llama_shapes(llama)[f"layers.{layer}.{linear}.weight"]
            down, up = _lora_names(layer, linear)
            wanted[down], wanted[up] = (config.lora_rank, columns), (rows, config.lora_rank)
            if linear in _BIASED:
                wanted[f"{LLAMA}layers.{layer}.{linear}.bias"] = (rows,)
    return wanted


def _lora_names(layer: int, linear: str) -> tuple[str, str]:
    block, short = linear.split(".")
    begin = f"{LLAMA}layers.{layer}.{block}.lora_{short}"
    return f"{begin}_l1.weight", f"{begin}_l2.weight"


def _adapter(tensors: Tensors, config: CaptionerConfig) -> Tensors:
    result = {
        f"adapter.{ours}.{kind}": tensors[f"mu_mert_{theirs}.{kind}"]
        for ours, theirs in (("aggregator", "agg"), ("projection", "proj"))
        for kind in ("weight", "bias")
    }
    for bridge in range(config.bridges):
        for theirs, part in _BRIDGE_PARTS.items():
            name = f"adapter.bridges.{bridge}.{part}.weight"
            result[name] = tensors[f"mu_mert_{theirs}_{bridge + 1}.weight"]
    return result


def _lora(tensors: Tensors, params: LlamaParams) -> Tensors:
    """LoRA, biases and norms in peft's names; wk and wv have no bias, which is one of zeros."""
    result = {f"{_PEFT}norm.weight": tensors[f"{LLAMA}norm.weight"]}
    for layer in range(params.n_layers):
        theirs, begin = f"{LLAMA}layers.{layer}.", f"{_PEFT}layers.{layer}."
        for meta, name in NORMS.items():
            result[f"{begin}{name}.weight"] = tensors[f"{theirs}{meta}.weight"]
        for meta, name in LINEARS.items():
            down, up = (tensors[one] for one in _lora_names(layer, meta))
            bias = tensors.get(f"{theirs}{meta}.bias", torch.zeros(up.shape[0], dtype=up.dtype))
            heads = rotary_heads(meta, params)
            if heads is not None:
                up, bias = rotary_rows(up, heads), rotary_rows(bias, heads)
            result[f"{begin}{name}.lora_A.weight"] = down
            result[f"{begin}{name}.lora_B.weight"] = up
            result[f"{begin}{name}.lora_B.bias"] = bias
    return result
