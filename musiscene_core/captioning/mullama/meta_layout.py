"""LLaMA's tensors from Meta's names and order to those of transformers.

Meta turns neighbouring pairs of a head's numbers by position, transformers its two halves; the
rows of what makes queries and keys are moved accordingly, and nothing else changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from musiscene_core.captioning.mullama.originals import LlamaParams, OriginalLlama
from musiscene_core.errors import ModelError
from musiscene_core.neural.tensors import Shape, check

LINEARS: Mapping[str, str] = MappingProxyType(
    {
        "attention.wq": "self_attn.q_proj",
        "attention.wk": "self_attn.k_proj",
        "attention.wv": "self_attn.v_proj",
        "attention.wo": "self_attn.o_proj",
        "feed_forward.w1": "mlp.gate_proj",
        "feed_forward.w2": "mlp.down_proj",
        "feed_forward.w3": "mlp.up_proj",
    }
)
NORMS: Mapping[str, str] = MappingProxyType(
    {"attention_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm"}
)
_OUTSIDE: Mapping[str, str] = MappingProxyType(
    {
        "tok_embeddings.weight": "model.embed_tokens.weight",
        "norm.weight": "model.norm.weight",
        "output.weight": "lm_head.weight",
    }
)
_SPLIT_BY_COLUMNS = ("attention.wo", "feed_forward.w2")
_CONTEXT = 4096
"""Tokens that LLaMA-2 was trained to read; params.json does not say."""


def rotary_rows(rows: Tensor, heads: int) -> Tensor:
    """Rows [heads * d, ..] of a query or key projection, from Meta's order to transformers'."""
    pairs = rows.unflatten(0, (heads, -1, 2))
    return pairs.transpose(1, 2).flatten(0, 2)


def rotary_heads(meta_name: str, params: LlamaParams) -> int | None:
    """Heads of the rows to move, where a linear ("attention.wq") makes queries or keys."""
    return {
        "attention.wq": params.n_heads,
        "attention.wk": params.n_kv_heads or params.n_heads,
    }.get(meta_name)


def llama_fields(llama: OriginalLlama) -> dict[str, Any]:
    """The config.json that transformers reads, for `llama`."""
    params = llama.params
    wanted = llama_shapes(llama)
    return {
        "model_type": "llama",
        "architectures": ["LlamaForCausalLM"],
        "hidden_size": params.dim,
        "intermediate_size": wanted["layers.0.feed_forward.w1.weight"][0],
        "num_hidden_layers": params.n_layers,
        "num_attention_heads": params.n_heads,
        "num_key_value_heads": params.n_kv_heads or params.n_heads,
        "rms_norm_eps": params.norm_eps,
        "rope_parameters": {"rope_type": "default", "rope_theta": params.rope_theta},
        "vocab_size": wanted["output.weight"][0],
        "max_position_embeddings": _CONTEXT,
        "tie_word_embeddings": False,
        "bos_token_id": 1,
        "eos_token_id": 2,
    }


def llama_shapes(llama: OriginalLlama) -> dict[str, Shape]:
    """What each tensor must be once its shards are put together, in Meta's names.

    Raises:
        ModelError: the tensors that tell the inner width and the vocabulary are missing.
    """
    params, ranks = llama.params, len(llama.shards)
    first = llama.shards[0]
    telling = ("layers.0.feed_forward.w1.weight", "output.weight")
    for name in telling:
        if name not in first or first[name].ndim != 2:
            raise ModelError(f"{llama.folder} lacks the tensor {name}.", hint="Download it again.")
    inner, vocabulary = (first[name].shape[0] * ranks for name in telling)
    dim = params.dim
    narrow = dim // params.n_heads * (params.n_kv_heads or params.n_heads)
    wide = {"attention.wk": (narrow, dim), "attention.wv": (narrow, dim)}
    wide |= {"feed_forward.w1": (inner, dim), "feed_forward.w3": (inner, dim)}
    wide |= {"feed_forward.w2": (dim, inner)}
    wanted: dict[str, Shape] = {"tok_embeddings.weight": (vocabulary, dim)}
    for layer in range(params.n_layers):
        begin = f"layers.{layer}."
        wanted |= {f"{begin}{name}.weight": wide.get(name, (dim, dim)) for name in LINEARS}
        wanted |= {f"{begin}{name}.weight": (dim,) for name in NORMS}
    return wanted | {"norm.weight": (dim,), "output.weight": (vocabulary, dim)}


def merged(llama: OriginalLlama, name: str) -> Tensor:
    """A tensor put together from all ranks, in Meta's order.

    Norms are the same on every rank; embeddings are split by columns in LLaMA 1 and 2 and by rows
    since; the rest as its linear's name says.
    """
    parts = [shard[name] for shard in llama.shards]
    for part in parts[1:]:
        check({name: tuple(part.shape)}, {name: tuple(parts[0].shape)}, llama.folder)
    if len(parts) == 1 or parts[0].ndim != 2:
        return parts[0]
    columns = any(split in name for split in _SPLIT_BY_COLUMNS)
    if name == "tok_embeddings.weight":
        columns = parts[0].shape[1] != llama.params.dim
    return torch.cat(parts, dim=1 if columns else 0)


def check_whole(llama: OriginalLlama) -> None:
    """Refuse a LLaMA whose tensors do not make up what its params.json says; reads none of them.

    Raises:
        ModelError: a tensor is missing or of another shape, as where a rank's file is not there.
    """
    wanted = llama_shapes(llama)
    check(dict.fromkeys(llama.shards[0], ()), dict.fromkeys(wanted, ()), llama.folder)
    outlines = tuple({name: shard[name].to("meta") for name in wanted} for shard in llama.shards)
    empty = OriginalLlama(llama.folder, llama.params, outlines)
    check({name: tuple(merged(empty, name).shape) for name in wanted}, wanted, llama.folder)


def to_transformers(llama: OriginalLlama) -> Iterator[tuple[str, Tensor]]:
    """Every tensor of a whole `llama`, named and ordered for transformers, one at a time."""
    for name in llama_shapes(llama):
        yield _renamed(name), _moved(name, merged(llama, name), llama.params)


def _renamed(name: str) -> str:
    if name in _OUTSIDE:
        return _OUTSIDE[name]
    _, layer, rest = name.split(".", 2)
    part = rest.removesuffix(".weight")
    ours = {**LINEARS, **NORMS}[part]
    return f"model.layers.{layer}.{ours}.weight"


def _moved(name: str, whole: Tensor, params: LlamaParams) -> Tensor:
    heads = rotary_heads(".".join(name.split(".")[2:4]), params)
    return whole if heads is None else rotary_rows(whole, heads)
