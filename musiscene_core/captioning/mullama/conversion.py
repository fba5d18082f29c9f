"""The published weights, once, to a folder of safetensors that loads with no pickle and no fork."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from musiscene_core.captioning.mullama import meta_layout, published, saved
from musiscene_core.captioning.mullama.backbone import shapes_of
from musiscene_core.captioning.mullama.config import CaptionerConfig, Manifest, read_manifest
from musiscene_core.captioning.mullama.encoder import Encoder
from musiscene_core.captioning.mullama.originals import (
    OriginalLlama,
    read_checkpoint,
    read_llama,
)
from musiscene_core.captioning.mullama.tokens import SENTENCEPIECE_FILE, SentencePieceTokens
from musiscene_core.codec import read_json
from musiscene_core.errors import ModelError, OutputError
from musiscene_core.neural.pickled import Tensors, plain_tensors, read_pickled
from musiscene_core.neural.tensors import (
    WEIGHTS,
    check_exactly,
    read_all,
    shapes_in,
    write,
    write_sharded,
)
from musiscene_core.progress import Portion, Progress, silent

BASE, ENCODER = "base", "encoder"
_PICKLED = "pytorch_model.bin"
_WEIGHT_NORM = {
    "conv.weight_g": "conv.parametrizations.weight.original0",
    "conv.weight_v": "conv.parametrizations.weight.original1",
}
"""What weight norm calls its two parts, before and since torch 2."""


@dataclass(frozen=True, kw_only=True)
class Originals:
    """What to convert.

    Attributes:
        llama: a folder as Meta hands it out.
        encoder: a folder of MERT-v1, with pytorch_model.bin or model.safetensors.
        checkpoint: MU-LLaMA's or MusiScene's checkpoint.pth.
        query_len: prefix tokens a layer that the checkpoint was trained with.
        licence: what the makers of the checkpoint let one do with it.
        dataset_digest: SHA-256 of what it was trained on, where known.
    """

    llama: Path
    encoder: Path
    checkpoint: Path
    query_len: int = 1
    licence: str = ""
    dataset_digest: str = ""


def convert(originals: Originals, target: Path, progress: Progress = silent) -> Manifest:
    """Write the captioner that `originals` make to the new folder `target`.

    Memory holds a few gigabytes at most. Nothing half made is left behind.

    Raises:
        ModelError: a file is missing or damaged, or they do not belong together.
        OutputError: `target` exists already, or cannot be written.
    """
    if target.exists() or target.is_symlink():
        raise OutputError(f"{target} exists already.", hint="Choose another folder.")
    progress("Opening the originals", 0.0)
    llama = read_llama(originals.llama)
    meta_layout.check_whole(llama)
    tensors = read_checkpoint(originals.checkpoint)
    encoder, states = read_encoder(originals.encoder)
    config = published.config_of(
        tensors,
        llama,
        originals.query_len,
        encoder.hubert.config.num_hidden_layers + 1,
        encoder.hubert.config.hidden_size,
    )
    own = published.ours(tensors, llama, config, originals.checkpoint)
    progress("Comparing with the checkpoint's own copies", 0.05)
    published.check_same_base(tensors, llama, tuned=config.lora_rank > 0)
    _check_same_encoder(tensors, states)
    work = _work_folder(target)
    try:
        _write_base(work / BASE, llama, Portion(progress, 0.1, 0.9))
        progress("Writing the encoder", 0.9)
        write_encoder(work / ENCODER, originals.encoder, states)
        progress("Writing the adapter", 0.95)
        manifest = _describe(work, originals, config)
        saved.save(work, {name: tensor.float() for name, tensor in own.items()}, manifest)
        os.rename(work, target)
    except OSError as error:
        raise OutputError.from_os(error, target) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    progress("Converted", 1.0)
    return read_manifest(target)


def _work_folder(target: Path) -> Path:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    except OSError as error:
        raise OutputError.from_os(error, target) from error


def read_encoder(folder: Path) -> tuple[Encoder, Tensors]:
    """The shape of the encoder in `folder`, and its tensors in HubertModel's names.

    Raises:
        ModelError: missing, damaged, or not the tensors that its config asks for.
    """
    with torch.device("meta"):
        empty = saved.empty_encoder(folder)
    if (folder / WEIGHTS).exists():
        given = read_all(folder / WEIGHTS)
    else:
        given = plain_tensors(read_pickled(folder / _PICKLED), folder / _PICKLED)
    states = {_current_name(name): tensor for name, tensor in given.items()}
    check_exactly(shapes_in(states), shapes_of(empty.hubert), folder)
    return empty, states


def _current_name(name: str) -> str:
    for old, new in _WEIGHT_NORM.items():
        if name.endswith(old):
            return name.removesuffix(old) + new
    return name


def _check_same_encoder(tensors: Tensors, states: Tensors) -> None:
    """Refuse an encoder other than the copy in the checkpoint, under whatever name that lies."""
    for name, tensor in tensors.items():
        own = _current_name(name.partition(".")[2])
        if own in states:
            published.check_same(name, tensor, states[own], "MERT")


def _write_base(folder: Path, llama: OriginalLlama, progress: Progress) -> None:
    fields = meta_layout.llama_fields(llama)
    tokenizer = llama.folder / SENTENCEPIECE_FILE
    if SentencePieceTokens(tokenizer).size != fields["vocab_size"]:
        raise ModelError(
            f"{tokenizer} does not have the {fields['vocab_size']} tokens of the tensor "
            "output.weight.",
            hint="Put the tokenizer.model there that belongs to these weights.",
        )
    folder.mkdir()
    saved.write_config(folder, fields)
    shutil.copyfile(tokenizer, folder / SENTENCEPIECE_FILE)
    count = len(meta_layout.llama_shapes(llama))

    def counted() -> Iterator[tuple[str, Tensor]]:
        for done, named in enumerate(meta_layout.to_transformers(llama)):
            progress("Writing the language model", done / count)
            yield named

    write_sharded(folder, counted())


def write_encoder(folder: Path, original: Path, states: Tensors) -> None:
    """Write an encoder's config and its tensors, as `read_encoder` gives them, to a new folder."""
    folder.mkdir()
    saved.write_config(folder, read_json(original / "config.json", dict[str, Any]))
    write(folder / WEIGHTS, states)


def _describe(work: Path, originals: Originals, config: CaptionerConfig) -> Manifest:
    return Manifest(
        base=saved.reference(work / BASE, work),
        encoder=saved.reference(work / ENCODER, work),
        config=config,
        adapter_sha256="",
        licence=originals.licence,
        dataset_digest=originals.dataset_digest,
        source=originals.checkpoint.name,
    )
