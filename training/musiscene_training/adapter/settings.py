"""What a training does, and with which numbers. Loads no torch.

The defaults are those of the published trainings: Liu et al. 2023 (MU-LLaMA) for `pretrain` and
`finetune`, Izzati et al. (MusiScene, section 4.1) for `msi`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal

import msgspec

from musiscene_core.captioning.mullama.packs import PackedLinear
from musiscene_core.errors import RequestError

Phase = Literal["pretrain", "finetune", "msi", "house"]
Precision = Literal["float32", "bf16"]
Sharing = Literal["ddp", "fsdp"]

_RATE_PER = 256
"""The base rate is that of a batch of so many."""
_SEVEN: tuple[PackedLinear, ...] = (
    "q_proj",
    "k_proj",
    "v_proj",
    "o_proj",
    "gate_proj",
    "up_proj",
    "down_proj",
)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers of one training.

    Attributes:
        phase: what trains; see musiscene_training.adapter.phases.
        epochs: times that all rows are seen.
        batch: rows a step, over all processes together.
        base_rate: learning rate of a batch of 256; it falls in proportion with the batch.
        rate: learning rate as it is, instead; 0 to go by `base_rate`.
        warmup_epochs: over which the rate rises from 0; it falls to 0 as a cosine after.
        weight_decay: of tensors of two dimensions and more.
        clip: largest norm of the gradients; 0 for any.
        most_tokens: of a row, prompt included; longer ones are cut.
        pack_tokens: of rows side by side in one forward pass: what memory allows.
        rank: of the LoRA in phases that make one.
        alpha: that LoRA is scaled by alpha / rank.
        linears: that the LoRA of `house` goes around.
        seed: of initial weights and of the order of rows.
        precision: of the frozen weights and of all products; what trains is held in float32.
        sharing: with several processes, each holds everything (ddp) or a share of the frozen
            weights (fsdp).
        compile: let torch compile norms and feed-forward blocks.
        patience: epochs without a better validation before training ends; 0 for never.
        save_every: steps between checkpoints; one is written after each epoch as well.
        shown: validation rows whose captions are written after each epoch.
        shown_tokens: length of those captions at most.
    """

    phase: Phase
    epochs: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 20
    batch: Annotated[int, msgspec.Meta(ge=1, le=1 << 16)] = 32
    base_rate: Annotated[float, msgspec.Meta(ge=0)] = 1e-3
    rate: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    warmup_epochs: Annotated[float, msgspec.Meta(ge=0)] = 1.0
    weight_decay: Annotated[float, msgspec.Meta(ge=0)] = 0.05
    clip: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    most_tokens: Annotated[int, msgspec.Meta(ge=2, le=1 << 20)] = 512
    pack_tokens: Annotated[int, msgspec.Meta(ge=2, le=1 << 24)] = 8192
    rank: Annotated[int, msgspec.Meta(ge=1, le=1 << 10)] = 16
    alpha: Annotated[float, msgspec.Meta(gt=0, le=1 << 16)] = 16.0
    linears: Annotated[tuple[PackedLinear, ...], msgspec.Meta(min_length=1)] = _SEVEN
    seed: Annotated[int, msgspec.Meta(ge=0, lt=1 << 62)] = 0
    precision: Precision = "float32"
    sharing: Sharing = "ddp"
    compile: bool = False
    patience: Annotated[int, msgspec.Meta(ge=0)] = 0
    save_every: Annotated[int, msgspec.Meta(ge=1)] = 100
    shown: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 4
    shown_tokens: Annotated[int, msgspec.Meta(ge=1, le=4096)] = 64

    @property
    def peak_rate(self) -> float:
        """The learning rate after warming up."""
        return self.rate or self.base_rate * self.batch / _RATE_PER


DEFAULTS: Mapping[Phase, Mapping[str, Any]] = MappingProxyType(
    {
        "pretrain": {"epochs": 150, "batch": 4, "base_rate": 1e-4, "most_tokens": 96},
        "finetune": {},
        "msi": {},
        "house": {"epochs": 10, "batch": 8, "rate": 3e-4, "rank": 8, "patience": 3},
    }
)
"""Where a phase differs from the defaults of Settings."""


def settings_for(phase: Phase, wanted: Mapping[str, Any]) -> Settings:
    """A phase's settings, with those changed that the user names.

    Raises:
        RequestError: one makes no sense.
    """
    given = {**DEFAULTS[phase], **wanted, "phase": phase}
    try:
        return msgspec.convert(given, Settings)
    except msgspec.ValidationError as error:
        raise RequestError(
            f"These settings make no sense: {error}.", hint="See musiscene-train adapter --help."
        ) from error


def differences(before: Settings, now: Settings) -> list[str]:
    """What of a training's settings is not as it was, in words."""
    old, new = msgspec.to_builtins(before), msgspec.to_builtins(now)
    return [f"{name} was {old[name]}, not {new[name]}" for name in new if old[name] != new[name]]
