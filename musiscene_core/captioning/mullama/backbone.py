"""The language model: any Llama-shaped one of transformers, with or without LoRA around it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from peft import (
    LoraConfig,
    PeftModel,
    get_peft_model,
    get_peft_model_state_dict,
    set_peft_model_state_dict,
)
from torch import Tensor, nn
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.utils import logging as transformers_logging

from musiscene_core.captioning.mullama.config import CaptionerConfig
from musiscene_core.captioning.mullama.filling import fill, fill_in_four_bits
from musiscene_core.errors import ModelError
from musiscene_core.neural.tensors import (
    Shape,
    check,
    shapes,
    shapes_in,
    weight_files,
)
from musiscene_core.progress import Progress, silent

FAMILIES = ("llama", "mistral", "qwen2", "qwen3")
LINEARS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
"""The seven of a layer that LoRA goes around."""
NORMS = ("input_layernorm", "post_attention_layernorm", "norm")
_HEAD = "lm_head.weight"


def backbone_config(folder: Path) -> Any:
    """The config of the language model in `folder`.

    Raises:
        ModelError: none there, damaged, or of a family that the prefix does not fit.
    """
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ModelError(
            f"{folder} is no folder of a language model.", hint="Name one with a config.json."
        ) from error
    if config.model_type not in FAMILIES:
        raise ModelError(
            f"A language model of the family {config.model_type!r} cannot hear music.",
            hint=f"Choose one of these families: {', '.join(FAMILIES)}.",
        )
    return config


def load_backbone(
    folder: Path,
    dtype: torch.dtype | None = torch.float32,
    *,
    four_bits: bool = False,
    device: str = "cpu",
    progress: Progress = silent,
) -> Any:
    """The language model in `folder`.

    Args:
        folder: its config.json and safetensors.
        dtype: to hold its weights in; None for the files' own, mapped from them.
        four_bits: hold its linears in 4 bits instead.
        device: where, as torch names it.
        progress: told of each tensor; what it raises passes through.

    Raises:
        ModelError: as `backbone_config`, or its weights are missing, damaged, of another shape or
            no numbers.
        EngineError: 4 bits are wanted, and what they need is not installed.
    """
    config = backbone_config(folder)
    with torch.device("meta"):
        empty = AutoModelForCausalLM.from_config(config)
    wanted = shapes_of(empty)
    if config.tie_word_embeddings:
        wanted.pop(_HEAD, None)
    files = weight_files(folder)
    check(shapes(files), wanted, folder)
    if four_bits:
        with _without_bars():
            model = fill_in_four_bits(folder, config, device)
    else:
        model = fill(config, files, wanted, dtype, device, progress)
    return model.requires_grad_(False).eval()


@contextmanager
def _without_bars() -> Iterator[None]:
    """Keep transformers from drawing on the terminal: progress is told by ours."""
    shown = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            transformers_logging.enable_progress_bar()


def shapes_of(module: nn.Module) -> dict[str, Shape]:
    """The shapes of all that `module` saves."""
    return shapes_in(module.state_dict())


def with_lora(backbone: Any, config: CaptionerConfig) -> PeftModel:
    """`backbone` with LoRA with bias around every linear, and norms of its own (Hu et al. 2021)."""
    settings = LoraConfig(
        r=config.lora_rank,
        lora_alpha=config.lora_alpha,
        lora_dropout=0.0,
        lora_bias=True,
        target_modules=list(LINEARS),
        modules_to_save=list(NORMS),
    )
    with _without_false_alarms():
        return get_peft_model(backbone, settings)


def decoder_layers(backbone: Any) -> nn.ModuleList:
    """The layers of a language model, in order, LoRA or not."""
    whole = backbone.get_base_model() if isinstance(backbone, PeftModel) else backbone
    layers: nn.ModuleList = whole.model.layers
    return layers


def lora_tensors(backbone: Any) -> dict[str, Tensor]:
    """What LoRA added, in peft's names; empty without LoRA."""
    if not isinstance(backbone, PeftModel):
        return {}
    with _without_false_alarms():
        tensors: dict[str, Tensor] = get_peft_model_state_dict(backbone)
    return tensors


def fill_lora(backbone: PeftModel, tensors: dict[str, Tensor]) -> None:
    """Give LoRA the weights that `lora_tensors` took from another."""
    with _without_false_alarms():
        set_peft_model_state_dict(backbone, tensors)


@contextmanager
def _without_false_alarms() -> Iterator[None]:
    """Keep peft 0.21 from warning of LoRA with bias, which it takes for half a tensor.

    That it cannot be merged is no loss: this LoRA stays beside its base.
    """
    with warnings.catch_warnings():
        for message in (
            "`lora_bias=True` was passed",
            ".* have invalid shape: .*lora_B.bias",
            "`is_gradient_checkpointing` is deprecated",
        ):
            warnings.filterwarnings("ignore", message=message)
        yield
