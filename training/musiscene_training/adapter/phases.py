"""What trains in each phase; everything else of the captioner stays as it is, bit for bit.

By phase:

    pretrain    adapter, prefix queries, gates                  Liu et al. 2023 (MU-LLaMA)
    finetune    norms, LoRA on all seven linears, and a bias    MU-LLaMA's published code
                on all of them but keys and values
    msi         the adapter alone                               Izzati et al. (MusiScene), 3.2
    house       a LoRA without bias, beside the captioner       a house pack
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import msgspec
import torch
from torch import Tensor, nn

from musiscene_core.captioning.mullama.backbone import decoder_layers, with_lora
from musiscene_core.captioning.mullama.config import CaptionerConfig
from musiscene_core.captioning.mullama.house import Share, tensor_names
from musiscene_core.captioning.mullama.model import MuLlama
from musiscene_core.captioning.mullama.packs import PackManifest
from musiscene_core.errors import RequestError
from musiscene_training.adapter.settings import Phase, Settings

_BEGINNINGS = {"pretrain": ("adapter.", "prefix."), "msi": ("adapter.",)}
_WITHOUT_BIAS = (".k_proj.lora_B.", ".v_proj.lora_B.")


class HouseLora(nn.Module):
    """The matrices of a house pack in the making: down random, up zero (Hu et al. 2021)."""

    def __init__(self, model: MuLlama, manifest: PackManifest) -> None:
        """New matrices for the linears that `manifest` names, in float32."""
        super().__init__()
        self._scale = manifest.alpha / manifest.rank
        self._names: list[str] = []
        self._matrices = nn.ParameterDict()
        device = model.prefix.query.device
        for name, shape in model.house.shapes(manifest).items():
            matrix = torch.zeros(shape, device=device)
            if ".lora_A." in name:
                nn.init.kaiming_uniform_(matrix, a=math.sqrt(5))
                self._names.append(name.removeprefix("base_model.model.model.").split(".lora_A")[0])
            self._matrices[_key(name)] = nn.Parameter(matrix)

    def shares(self, dtype: torch.dtype) -> dict[str, Share]:
        """What it adds to each linear now, with gradients, to be computed in `dtype`."""
        found = {}
        for name in self._names:
            down, up = (self._matrices[_key(one)] for one in tensor_names(name))
            found[name] = (down.to(dtype), (up * self._scale).to(dtype))
        return found

    def tensors(self) -> dict[str, Tensor]:
        """The matrices as a pack's file names them, in bfloat16."""
        return {
            one: self._matrices[_key(one)].detach().to(torch.bfloat16)
            for name in self._names
            for one in tensor_names(name)
        }


def _key(name: str) -> str:
    """A tensor's name as one of a module's own, in which there may be no dots."""
    return name.replace(".", "/")


@dataclass(frozen=True)
class Trained:
    """A captioner made ready for a phase.

    Attributes:
        model: the captioner.
        lora: the house pack in the making; None in other phases.
        parameters: what trains, by name, in float32; nothing else asks for gradients.
    """

    model: MuLlama
    lora: HouseLora | None
    parameters: dict[str, nn.Parameter]

    @property
    def count(self) -> int:
        """How many numbers train."""
        return sum(parameter.numel() for parameter in self.parameters.values())


def prepare(model: MuLlama, settings: Settings) -> Trained:
    """Make a captioner ready for a phase; new weights follow from the seed.

    Raises:
        RequestError: the captioner does not listen yet, so that the phase would change nothing.
    """
    torch.manual_seed(settings.seed)
    if settings.phase != "pretrain" and not model.prefix.gates.any():
        raise RequestError(
            "All gates of this captioner are zero: it does not listen yet, and the phase "
            f"{settings.phase} would teach it nothing about music.",
            hint="Run the phase pretrain first, and train further what comes of it.",
        )
    lora = None
    if settings.phase == "house":
        lora = HouseLora(model, pack_manifest(settings))
    elif settings.phase == "finetune" and not model.config.lora_rank:
        model = _with_new_lora(model, settings)
    model.requires_grad_(False)
    named = dict(lora.named_parameters()) if lora is not None else dict(model.named_parameters())
    chosen = {name: one for name, one in named.items() if trains(settings.phase, name)}
    for parameter in chosen.values():
        parameter.data = parameter.data.float()
        parameter.requires_grad_(True)
    return Trained(model, lora, chosen)


def trains(phase: Phase, name: str) -> bool:
    """Whether a parameter trains in a phase, by its name in the captioner or the new pack."""
    if phase == "house":
        return True
    if phase == "finetune":
        if name.endswith(".bias") and any(part in name for part in _WITHOUT_BIAS):
            return False
        return ".lora_A." in name or ".lora_B." in name or ".modules_to_save." in name
    return name.startswith(_BEGINNINGS[phase])


def pack_manifest(settings: Settings) -> PackManifest:
    """What is known of a house pack before it is made."""
    return PackManifest(
        captioner="",
        pack_sha256="",
        rank=settings.rank,
        alpha=settings.alpha,
        linears=settings.linears,
    )


def _with_new_lora(model: MuLlama, settings: Settings) -> MuLlama:
    config: CaptionerConfig = msgspec.structs.replace(
        model.config, lora_rank=settings.rank, lora_alpha=settings.alpha
    )
    tuned = MuLlama(
        config,
        model.encoder,
        with_lora(model.backbone, config),
        model.tokens,
        model.profile,
        model.precision,
    )
    tuned.adapter, tuned.prefix = model.adapter, model.prefix
    tuned.prefix.attach(decoder_layers(tuned.backbone))
    return tuned.eval()
