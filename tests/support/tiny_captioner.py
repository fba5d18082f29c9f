"""The published files in miniature: real names and layouts, random weights, a few megabytes less.

A LLaMA of 3 layers as Meta hands it out, a MERT-shaped HuBERT, and MU-LLaMA checkpoints of both
phases. Imports torch: tests skip before they import this.
"""

from __future__ import annotations

import argparse
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import sentencepiece
import torch
from torch import Tensor
from transformers import HubertConfig, HubertModel

LAYERS, HEADS, DIM, INNER, RANK, TOP = 3, 4, 32, 48, 4, 2
STATES, HEARD_WIDTH, EXPANSION = 3, 16, 4
WORDS = ("the music is slow and sad", "a chase at night", "below is an instruction", "response")
BIASED = ("attention.wq", "attention.wo", "feed_forward.w1", "feed_forward.w2", "feed_forward.w3")


@dataclass
class Tiny:
    """The originals on disk, and their tensors in Meta's names and order."""

    llama: Path
    encoder: Path
    checkpoint: Path
    vocabulary: int
    kv_heads: int
    query_len: int
    base: dict[str, Tensor] = field(default_factory=dict)
    trained: dict[str, Tensor] = field(default_factory=dict)


def linear_shapes(kv_heads: int) -> dict[str, tuple[int, int]]:
    narrow = DIM // HEADS * kv_heads
    return {
        "attention.wq": (DIM, DIM),
        "attention.wk": (narrow, DIM),
        "attention.wv": (narrow, DIM),
        "attention.wo": (DIM, DIM),
        "feed_forward.w1": (INNER, DIM),
        "feed_forward.w2": (DIM, INNER),
        "feed_forward.w3": (INNER, DIM),
    }


def write_tokenizer(path: Path) -> int:
    """Train a sentencepiece model that can spell anything; returns its vocabulary."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(WORDS),
        model_writer=model,
        vocab_size=300,
        model_type="bpe",
        byte_fallback=True,
        character_coverage=1.0,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    path.write_bytes(model.getvalue())
    return int(sentencepiece.SentencePieceProcessor(model_proto=model.getvalue()).vocab_size())


def make(
    folder: Path,
    *,
    phase: str = "pretrain",
    kv_heads: int = HEADS,
    query_len: int = 1,
    ranks: int = 1,
    seed: int = 0,
) -> Tiny:
    """Write a LLaMA, a MERT and a checkpoint of `phase` into `folder`."""
    chance = torch.Generator().manual_seed(seed)

    def random(*shape: int, scale: float = 0.3) -> Tensor:
        return torch.randn(shape, generator=chance) * scale

    llama, encoder = folder / "llama", folder / "mert"
    llama.mkdir(parents=True)
    encoder.mkdir()
    vocabulary = write_tokenizer(llama / "tokenizer.model")
    tiny = Tiny(llama, encoder, folder / "checkpoint.pth", vocabulary, kv_heads, query_len)
    linears = linear_shapes(kv_heads)
    tiny.base["tok_embeddings.weight"] = random(vocabulary, DIM, scale=1.0)
    for layer in range(LAYERS):
        for name, shape in linears.items():
            tiny.base[f"layers.{layer}.{name}.weight"] = random(*shape)
        for name in ("attention_norm", "ffn_norm"):
            tiny.base[f"layers.{layer}.{name}.weight"] = 1 + random(DIM)
    tiny.base["norm.weight"] = 1 + random(DIM)
    tiny.base["output.weight"] = random(vocabulary, DIM)
    write_llama(tiny, ranks)
    write_encoder(encoder, seed)

    trained = tiny.trained
    trained["mu_mert_agg.weight"] = random(1, STATES, 1)
    trained["mu_mert_agg.bias"] = random(1)
    trained["mu_mert_proj.weight"] = random(DIM, HEARD_WIDTH, scale=1.0)
    trained["mu_mert_proj.bias"] = random(DIM)
    for bridge in (1, 2, 3):
        trained[f"mu_mert_norm_{bridge}.weight"] = 1 + random(DIM)
        trained[f"mu_mert_f1_{bridge}.weight"] = random(DIM * EXPANSION, DIM)
        trained[f"mu_mert_f2_{bridge}.weight"] = random(DIM, DIM * EXPANSION)
        trained[f"mu_mert_f3_{bridge}.weight"] = random(DIM * EXPANSION, DIM)
    trained["prefix_query.weight"] = random(TOP * query_len, DIM)
    for layer in range(LAYERS):
        trained[f"llama.layers.{layer}.attention.gate"] = random(1, HEADS, 1, 1, scale=1.0)
    if phase == "finetune":
        trained["llama.norm.weight"] = 1 + random(DIM)
        for layer in range(LAYERS):
            begin = f"llama.layers.{layer}."
            for name in ("attention_norm", "ffn_norm"):
                trained[f"{begin}{name}.weight"] = 1 + random(DIM)
            for name, (rows, columns) in linears.items():
                block, short = name.split(".")
                trained[f"{begin}{block}.lora_{short}_l1.weight"] = random(RANK, columns)
                trained[f"{begin}{block}.lora_{short}_l2.weight"] = random(rows, RANK)
                if name in BIASED:
                    trained[f"{begin}{name}.bias"] = random(rows)
    write_checkpoint(tiny)
    return tiny


def write_llama(tiny: Tiny, ranks: int) -> None:
    params = {"dim": DIM, "n_layers": LAYERS, "n_heads": HEADS, "norm_eps": 1e-5, "vocab_size": -1}
    if tiny.kv_heads != HEADS:
        params["n_kv_heads"] = tiny.kv_heads
    (tiny.llama / "params.json").write_text(json.dumps(params))
    for rank in range(ranks):
        shard = {name: share(name, whole, rank, ranks) for name, whole in tiny.base.items()}
        torch.save(shard, tiny.llama / f"consolidated.{rank:02d}.pth")


def share(name: str, whole: Tensor, rank: int, ranks: int) -> Tensor:
    if whole.ndim == 1:
        return whole
    by_columns = name.endswith(("wo.weight", "w2.weight", "tok_embeddings.weight"))
    return whole.chunk(ranks, dim=1 if by_columns else 0)[rank].clone()


def write_encoder(folder: Path, seed: int) -> None:
    """MERT's config and weights in the names they were published in."""
    config = {
        "model_type": "mert_model",
        "auto_map": {"AutoModel": "modeling_MERT.MERTModel"},
        "architectures": ["MERTModel"],
        "hidden_size": HEARD_WIDTH,
        "num_hidden_layers": STATES - 1,
        "num_attention_heads": 2,
        "intermediate_size": 24,
        "conv_dim": [8, 8],
        "conv_kernel": [10, 3],
        "conv_stride": [160, 2],
        "conv_bias": False,
        "feat_extract_norm": "group",
        "do_stable_layer_norm": True,
        "num_conv_pos_embeddings": 8,
        "num_conv_pos_embedding_groups": 2,
    }
    (folder / "config.json").write_text(json.dumps(config))
    torch.manual_seed(seed)
    model = HubertModel(tiny_hubert_config(folder))
    old = {
        "conv.parametrizations.weight.original0": "conv.weight_g",
        "conv.parametrizations.weight.original1": "conv.weight_v",
    }
    states = model.state_dict()
    for new, name in old.items():
        states = {key.replace(new, name): tensor for key, tensor in states.items()}
    torch.save(states, folder / "pytorch_model.bin")


def tiny_hubert_config(folder: Path) -> HubertConfig:
    fields = json.loads((folder / "config.json").read_text())
    return HubertConfig(**{k: v for k, v in fields.items() if k not in ("model_type", "auto_map")})


def write_checkpoint(tiny: Tiny, *, without: Sequence[str] = ()) -> None:
    """The checkpoint as the training saves it: LLaMA and MERT in it too, and its arguments."""
    mert = torch.load(tiny.encoder / "pytorch_model.bin", weights_only=True)
    model = {f"llama.{name}": tensor for name, tensor in tiny.base.items()}
    model |= {f"mert_model.{name}": tensor for name, tensor in mert.items()}
    model |= tiny.trained
    saved = {
        "model": {name: tensor for name, tensor in model.items() if name not in without},
        "optimizer": {"state": {}, "param_groups": []},
        "epoch": 3,
        "scaler": {"scale": 65536.0},
        "args": argparse.Namespace(batch_size=1, lr=1e-4, llama_type="7B", output_dir="./out"),
    }
    torch.save(saved, tiny.checkpoint)
