"""House packs at work: read, mixed by weight, and exchanged while the captioner stays loaded.

Several packs by weight are one: the sum of w * s * B A over packs is a single pair of matrices of
the ranks' sum, so that a mixture costs what one pack of that rank costs, and is exact. The music's
own way in, through the value projection alone, is left as it was trained.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec
import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from musiscene_core.captioning.mullama.backbone import decoder_layers
from musiscene_core.captioning.mullama.packs import PACK_FILE, PACK_MANIFEST, Pack, PackManifest
from musiscene_core.codec import to_json, write_atomically
from musiscene_core.errors import ModelError, OutputError, RequestError
from musiscene_core.neural.tensors import (
    Shape,
    check_exactly,
    file_sha256,
    read,
    shapes_in,
    write,
)

Share = tuple[Tensor, Tensor]
"""What packs add to a linear: down [R, in] and, scaled and weighted, up [out, R]."""

MOST_WEIGHT = 8.0
_KEPT = 4
"""Packs whose tensors stay in memory when others are in use."""
_PARENT = MappingProxyType(
    dict.fromkeys(("q_proj", "k_proj", "v_proj", "o_proj"), "self_attn")
    | dict.fromkeys(("gate_proj", "up_proj", "down_proj"), "mlp")
)


class House:
    """The packs around one captioner's language model. One mixture at a time."""

    def __init__(self, backbone: Any) -> None:
        """No pack yet.

        Args:
            backbone: the language model, LoRA already around it where it has some of its own.
        """
        self._backbone = backbone
        self._layers = decoder_layers(backbone)
        self._read: OrderedDict[str, dict[str, Tensor]] = OrderedDict()
        self._shares: dict[str, Share] = {}

    @property
    def shares(self) -> Mapping[str, Share]:
        """What is added now, by linear, such as "layers.3.self_attn.q_proj"."""
        return MappingProxyType(self._shares)

    @contextmanager
    def mixed(self, mixture: Sequence[tuple[Pack, float]]) -> Iterator[None]:
        """Within it, the language model speaks with `mixture`: packs, each with its weight.

        Raises:
            ModelError: a pack is damaged or does not fit; the tensor is named.
            RequestError: a weight is no sensible number.
        """
        for pack, weight in mixture:
            if not math.isfinite(weight) or abs(weight) > MOST_WEIGHT:
                raise RequestError(
                    f"The house pack {pack.name} cannot have the weight {weight:g}.",
                    hint=f"Weights go from -{MOST_WEIGHT:g} to {MOST_WEIGHT:g}; 1 is as trained.",
                )
        with self.added(self._mix(mixture)):
            yield

    @contextmanager
    def added(self, shares: Mapping[str, Share]) -> Iterator[None]:
        """Within it, `shares` are added to their linears, as they are and with their gradients.

        Args:
            shares: by linear, as `shares` gives them; any other linear speaks as it is.
        """
        if self._shares:
            raise RuntimeError("house packs are in use already; wait until they are not")
        hooks: list[RemovableHandle] = []
        try:
            self._shares = dict(shares)
            for name, share in self._shares.items():
                linear = self._linear(name)
                # First of all, so that others who watch this linear see the packs' part too.
                hooks.append(linear.register_forward_hook(_adding(*share), prepend=True))
            yield
        finally:
            for hook in hooks:
                hook.remove()
            self._shares = {}

    def _mix(self, mixture: Sequence[tuple[Pack, float]]) -> dict[str, Share]:
        downs: dict[str, list[Tensor]] = {}
        ups: dict[str, list[Tensor]] = {}
        for pack, weight in mixture:
            if not weight:
                continue
            tensors = self._tensors(pack)
            scale = weight * pack.manifest.alpha / pack.manifest.rank
            for name in self._names(pack.manifest):
                down, up = (tensors[one] for one in tensor_names(name))
                downs.setdefault(name, []).append(down)
                ups.setdefault(name, []).append(up * scale)
        # The embedding is where the model is, in what it computes in, whatever its linears hold.
        like = self._backbone.get_input_embeddings().weight
        return {
            name: (torch.cat(downs[name]).to(like), torch.cat(ups[name], dim=1).to(like))
            for name in downs
        }

    def _tensors(self, pack: Pack) -> dict[str, Tensor]:
        key, wanted = pack.manifest.pack_sha256, self.shapes(pack.manifest)
        if key in self._read:
            check_exactly(shapes_in(self._read[key]), wanted, pack.folder / PACK_FILE)
        else:
            self._read[key] = read_tensors(pack, wanted)
            while len(self._read) > _KEPT:
                self._read.popitem(last=False)
        self._read.move_to_end(key)
        return self._read[key]

    def shapes(self, manifest: PackManifest) -> dict[str, Shape]:
        """The tensors that a pack must have, by its manifest, over this language model."""
        wanted: dict[str, Shape] = {}
        for name in self._names(manifest):
            linear = self._linear(name)
            down, up = tensor_names(name)
            wanted[down] = (manifest.rank, int(linear.in_features))
            wanted[up] = (int(linear.out_features), manifest.rank)
        return wanted

    def _names(self, manifest: PackManifest) -> list[str]:
        return [
            f"layers.{layer}.{_PARENT[linear]}.{linear}"
            for layer in range(len(self._layers))
            for linear in manifest.linears
        ]

    def _linear(self, name: str) -> nn.Module:
        _, layer, parent, linear = name.split(".")
        found: nn.Module = getattr(getattr(self._layers[int(layer)], parent), linear)
        return found


def tensor_names(linear: str) -> tuple[str, str]:
    """What a pack's file calls the tensors of a linear, as peft does: down, up."""
    begin = f"base_model.model.model.{linear}"
    return f"{begin}.lora_A.weight", f"{begin}.lora_B.weight"


def read_tensors(pack: Pack, wanted: Mapping[str, Shape]) -> dict[str, Tensor]:
    """The tensors of a pack, in float32, checked against its manifest and its language model.

    Raises:
        ModelError: the file is damaged, changed, does not fit, or holds what is no number.
    """
    path = pack.folder / PACK_FILE
    if file_sha256(path) != pack.manifest.pack_sha256:
        raise ModelError(
            f"{path} is not the file that its manifest describes.",
            hint="Copy the whole pack again.",
        )
    tensors = {name: part.to(torch.float32, copy=True) for name, part in read(path, wanted).items()}
    for name, tensor in tensors.items():
        if not tensor.isfinite().all():
            raise ModelError(
                f"The tensor {name} of {path} holds what is no number.",
                hint="Have the pack made again.",
            )
    return tensors


def write_pack(folder: Path, tensors: Mapping[str, Tensor], manifest: PackManifest) -> None:
    """Write a house pack; the manifest's `pack_sha256` is filled in here.

    Args:
        folder: made if absent; its name is the pack's.
        tensors: as `tensor_names` calls them, in the precision they shall be kept in.
        manifest: what else is known of it.

    Raises:
        OutputError: no space or no permission.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError.from_os(error, folder) from error
    write(folder / PACK_FILE, tensors)
    complete = msgspec.structs.replace(manifest, pack_sha256=file_sha256(folder / PACK_FILE))
    write_atomically(folder / PACK_MANIFEST, to_json(complete))


def _adding(down: Tensor, up: Tensor) -> Any:
    def add(_: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        share: Tensor = (inputs[0].to(down.dtype) @ down.T) @ up.T
        return output + share.to(output.dtype)

    return add
