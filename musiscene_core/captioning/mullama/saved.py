"""A captioner's folder: the manifest, the adapter's file, and where the models under it lie."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import torch
from torch import Tensor

from musiscene_core.captioning.mullama.backbone import (
    fill_lora,
    load_backbone,
    lora_tensors,
    shapes_of,
    with_lora,
)
from musiscene_core.captioning.mullama.config import (
    ADAPTER_FILE,
    MANIFEST,
    Manifest,
    ModelReference,
    read_manifest,
)
from musiscene_core.captioning.mullama.encoder import Encoder, hubert_config
from musiscene_core.captioning.mullama.filling import check_numbers
from musiscene_core.captioning.mullama.footprint import Precision
from musiscene_core.captioning.mullama.model import MuLlama
from musiscene_core.captioning.mullama.tokens import load_tokens
from musiscene_core.codec import read_json, to_json, write_atomically
from musiscene_core.errors import InputError, ModelError
from musiscene_core.neural.tensors import (
    WEIGHTS,
    file_sha256,
    fingerprint,
    read,
    shapes_in,
    write,
)
from musiscene_core.progress import Portion, Progress, silent

_OURS = ("adapter.", "prefix.")
_LOADING = "Loading the captioner"


def load(
    folder: Path,
    *,
    device: str = "cpu",
    precision: Precision = "float32",
    to_answer: bool = False,
    progress: Progress = silent,
) -> MuLlama:
    """The captioner in `folder`, ready to be asked.

    Args:
        folder: as `save` or a conversion wrote it.
        device: where it shall run, as torch names it.
        precision: of the language model; encoder, adapter and prefix stay in float32.
        to_answer: keep only what answering takes, so that less memory is needed.
        progress: told of each part; what it raises passes through with nothing left loaded.

    Raises:
        ModelError: something is missing, damaged, or not what the adapter was made for; the
            message names the file or the tensor.
    """
    manifest = read_manifest(folder)
    progress(_LOADING, 0.0)
    base = _same_as_ever(folder, manifest.base, "language model")
    hearing = _same_as_ever(folder, manifest.encoder, "audio encoder")
    if file_sha256(folder / ADAPTER_FILE) != manifest.adapter_sha256:
        raise ModelError(
            f"{folder / ADAPTER_FILE} is not the file that its manifest describes.",
            hint="Copy the whole folder again.",
        )
    progress(_LOADING, 0.1)
    encoder = load_encoder(hearing).to(device)
    progress(_LOADING, 0.2)
    backbone = load_backbone(
        base,
        _dtype(precision, device, to_answer=to_answer),
        four_bits=precision == "int4",
        device=device,
        progress=Portion(progress, 0.2, 0.7),
    )
    if manifest.config.lora_rank:
        backbone = with_lora(backbone, manifest.config)
    progress(_LOADING, 0.8)
    tokens = load_tokens(base)
    with torch.device("meta"):
        model = MuLlama(
            manifest.config,
            encoder,
            backbone,
            tokens,
            manifest.prompt_profile,
            None if precision == "int4" else precision,
        )
    own = read(folder / ADAPTER_FILE, shapes_in(own_tensors(model)))
    for name, tensor in own.items():
        check_numbers(name, tensor, folder / ADAPTER_FILE)
    _fill(model, own)
    model.requires_grad_(False)
    model.eval().to(device)
    if to_answer:
        model.settle(Portion(progress, 0.8, 1.0))
    progress(_LOADING, 1.0)
    return model


def _dtype(precision: Precision, device: str, *, to_answer: bool) -> torch.dtype | None:
    """What the weights are loaded in; None where they are mapped, to be packed in 8 bits."""
    if precision == "float32":
        return torch.float32
    if precision == "int8" and to_answer and device == "cpu":
        return None
    halves = device == "cpu" or torch.cuda.is_bf16_supported()
    return torch.bfloat16 if halves else torch.float16


def save(folder: Path, tensors: dict[str, Tensor], manifest: Manifest) -> None:
    """Write an adapter and its manifest, which is made to fit; the models stay where they are.

    Args:
        folder: exists; ends up with manifest and adapter.
        tensors: as `own_tensors` gives them.
        manifest: `adapter_sha256` is filled in here.

    Raises:
        OutputError: no space or no permission.
    """
    write(folder / ADAPTER_FILE, tensors)
    digest = file_sha256(folder / ADAPTER_FILE)
    complete = msgspec.structs.replace(manifest, adapter_sha256=digest)
    write_atomically(folder / MANIFEST, to_json(complete))


def own_tensors(model: MuLlama) -> dict[str, Tensor]:
    """All that is a captioner's own: adapter, prefix, and LoRA with its norms if there is any."""
    mine = {name: tensor for name, tensor in model.state_dict().items() if name.startswith(_OURS)}
    return mine | lora_tensors(model.backbone)


def reference(folder: Path, beside: Path) -> ModelReference:
    """How a manifest in `beside` names the model in `folder`, which it holds to from now on."""
    inside = folder.resolve().is_relative_to(beside.resolve())
    path = folder.resolve().relative_to(beside.resolve()) if inside else folder.resolve()
    return ModelReference(path=path.as_posix(), fingerprint=fingerprint(folder))


def load_encoder(folder: Path) -> Encoder:
    """The MERT in `folder`, config.json and model.safetensors in HubertModel's names.

    Raises:
        ModelError: missing, damaged, or not the tensors that its config asks for.
    """
    with torch.device("meta"):
        encoder = empty_encoder(folder)
    tensors = read(folder / WEIGHTS, shapes_of(encoder.hubert))
    for name, tensor in tensors.items():
        check_numbers(name, tensor, folder / WEIGHTS)
    encoder.hubert.load_state_dict(
        {name: _own_copy(tensor) for name, tensor in tensors.items()}, assign=True
    )
    encoder.requires_grad_(False)
    return encoder


def empty_encoder(folder: Path) -> Encoder:
    """An encoder of the shape that config.json in `folder` describes.

    Raises:
        ModelError: it describes none.
    """
    path = folder / "config.json"
    try:
        return Encoder(hubert_config(read_json(path, dict[str, Any])))
    except InputError as error:
        raise ModelError(error.message, hint="Name a folder of MERT-v1.") from error
    # transformers checks a config with validators whose errors share no narrower type.
    except Exception as error:
        raise ModelError(f"{path} describes no MERT.", hint="Copy it again.") from error


def _same_as_ever(folder: Path, named: ModelReference, what: str) -> Path:
    path = folder / named.path
    if not path.is_dir():
        raise ModelError(
            f"The {what} is not at {path}.", hint=f"Put the folder there, or mend {MANIFEST}."
        )
    if fingerprint(path) != named.fingerprint:
        raise ModelError(
            f"The {what} in {path} is not the one that the captioner was made for.",
            hint="Name the one it was made for, or convert again with this one.",
        )
    return path


def _fill(model: MuLlama, tensors: dict[str, Tensor]) -> None:
    mine = {name: tensor for name, tensor in tensors.items() if name.startswith(_OURS)}
    model.adapter.load_state_dict(_under("adapter.", mine), assign=True)
    model.prefix.load_state_dict(_under("prefix.", mine), assign=True)
    theirs = {name: tensor for name, tensor in tensors.items() if name not in mine}
    if theirs:
        fill_lora(model.backbone, theirs)


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): _own_copy(tensor)
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }


def _own_copy(tensor: Tensor) -> Tensor:
    """In float32, no longer mapped from a file that may go away."""
    return tensor.to(torch.float32, copy=True)


def write_config(folder: Path, fields: dict[str, Any]) -> None:
    """Write a model's config.json.

    Raises:
        OutputError: no space or no permission.
    """
    write_atomically(folder / "config.json", json.dumps(fields, indent=2).encode() + b"\n")
