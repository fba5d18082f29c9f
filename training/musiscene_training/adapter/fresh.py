"""A captioner that has learned nothing yet, over a language model and an encoder that have."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import torch

from musiscene_core.captioning.mullama.adapter import Adapter
from musiscene_core.captioning.mullama.backbone import backbone_config
from musiscene_core.captioning.mullama.config import CaptionerConfig, Manifest
from musiscene_core.captioning.mullama.conversion import ENCODER, read_encoder, write_encoder
from musiscene_core.captioning.mullama.prefix import Prefix
from musiscene_core.captioning.mullama.saved import reference, save
from musiscene_core.captioning.mullama.tokens import load_tokens
from musiscene_core.errors import OutputError, RequestError

_PREFIX_SHARE = 20 / 32
"""Of LLaMA's layers, the published captioner speaks to so many."""


def make(
    base: Path,
    encoder: Path,
    target: Path,
    *,
    prefix_layers: int = 0,
    query_len: int = 1,
    seed: int = 0,
    licence: str = "",
) -> Manifest:
    """Write a captioner with a random adapter and gates at zero, for the phase pretrain.

    Args:
        base: a language model of transformers, which stays where it is.
        encoder: MERT-v1 as published or converted; copied.
        target: a folder that is not there yet.
        prefix_layers: of the language model that shall hear; 0 for the published share.
        query_len: prefix tokens a layer.
        seed: of the random weights.
        licence: what the two models allow.

    Raises:
        ModelError: a model cannot be read, or is of a family that the prefix does not fit.
        RequestError: more layers shall hear than there are.
        OutputError: `target` exists already, or cannot be written.
    """
    if target.exists() or target.is_symlink():
        raise OutputError(f"{target} exists already.", hint="Choose another folder.")
    language = backbone_config(base)
    load_tokens(base)
    layers = int(language.num_hidden_layers)
    if prefix_layers > layers:
        raise RequestError(
            f"{prefix_layers} layers cannot hear: the language model has {layers}.",
            hint=f"Set --prefix-layers to {layers} at most.",
        )
    hearing, states = read_encoder(encoder)
    config = CaptionerConfig(
        encoder_states=hearing.hubert.config.num_hidden_layers + 1,
        encoder_width=hearing.hubert.config.hidden_size,
        width=language.hidden_size,
        prefix_layers=prefix_layers or max(1, round(layers * _PREFIX_SHARE)),
        query_len=query_len,
    )
    torch.manual_seed(seed)
    parts: dict[str, torch.nn.Module] = {
        "adapter": Adapter(config),
        "prefix": Prefix(config, language.num_attention_heads),
    }
    tensors = {
        f"{part}.{name}": tensor
        for part, module in parts.items()
        for name, tensor in module.state_dict().items()
    }
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    except OSError as error:
        raise OutputError.from_os(error, target) from error
    try:
        write_encoder(work / ENCODER, encoder, states)
        manifest = Manifest(
            base=reference(base, work),
            encoder=reference(work / ENCODER, work),
            config=config,
            adapter_sha256="",
            licence=licence,
            source="random",
        )
        save(work, tensors, manifest)
        work.chmod(0o755)
        os.rename(work, target)
    except OSError as error:
        raise OutputError.from_os(error, target) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return manifest
