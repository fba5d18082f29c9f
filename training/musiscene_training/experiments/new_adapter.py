"""A captioner with another adapter in it, as wide inside as is wanted, that has learned nothing."""

from __future__ import annotations

from pathlib import Path

import msgspec
import torch

from musiscene_core.captioning.mullama import saved
from musiscene_core.captioning.mullama.adapter import Adapter
from musiscene_core.captioning.mullama.config import ADAPTER_FILE, read_manifest
from musiscene_core.neural.tensors import read_all
from musiscene_training.adapter.results import absolute, replacing


def with_new_adapter(captioner: Path, hidden: int, seed: int, target: Path) -> Path:
    """Write the captioner with a new adapter of this width inside; returns `target`.

    Raises:
        ModelError: the captioner cannot be read.
        OutputError: no space or no permission.
    """
    if target.is_dir():
        return target
    manifest = read_manifest(captioner)
    config = msgspec.structs.replace(manifest.config, bridge_inner=hidden)
    kept = {
        name: one
        for name, one in read_all(captioner / ADAPTER_FILE).items()
        if not name.startswith("adapter.")
    }
    torch.manual_seed(seed)
    fresh = {f"adapter.{name}": one for name, one in Adapter(config).state_dict().items()}
    moved = msgspec.structs.replace(
        manifest,
        config=config,
        base=absolute(manifest.base, captioner),
        encoder=absolute(manifest.encoder, captioner),
        source=f"a new adapter, {hidden} wide inside",
    )
    replacing(target, lambda work: saved.save(work, {**kept, **fresh}, moved))
    return target
