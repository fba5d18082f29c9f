"""A language model filled with its weights, tensor by tensor.

No tensor is held twice, each is looked at for what is no number, and a user who changes their mind
waits for one tensor at most.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from accelerate import init_empty_weights
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from transformers import AutoModelForCausalLM

from musiscene_core.errors import EngineError, ModelError
from musiscene_core.neural.tensors import Shape
from musiscene_core.progress import Progress

FOUR_BIT_LIBRARY = "bitsandbytes"
_LOADING = "Loading the language model"


def fill(
    config: Any,
    files: Sequence[Path],
    wanted: dict[str, Shape],
    dtype: torch.dtype | None,
    device: str,
    progress: Progress,
) -> Any:
    """A causal language model of transformers with the weights of `files`.

    Args:
        config: its config.
        files: safetensors, which hold what is wanted.
        wanted: names and shapes of the weights; more in the files are no matter.
        dtype: to hold them in; None maps them from the files as they are, which takes no memory
            that the system could not have back, until they are packed.
        device: where, as torch names it.
        progress: told of each tensor; what it raises passes through.

    Raises:
        ModelError: a file is damaged, or a tensor holds what is no number in `dtype`.
    """
    with init_empty_weights(include_buffers=False):
        model = AutoModelForCausalLM.from_config(config)
    done = 0
    for path in files:
        try:
            with safe_open(path, framework="pt") as file:
                for name in sorted(wanted.keys() & set(file.keys())):
                    progress(_LOADING, done / len(wanted))
                    done += 1
                    tensor = file.get_tensor(name)
                    if dtype is not None:
                        tensor = tensor.to(device, dtype, copy=True)
                    check_numbers(name, tensor, path)
                    _put(model, name, tensor)
        except (SafetensorError, OSError) as error:
            raise ModelError(
                f"{path} cannot be read: {error}.", hint="Copy or convert the weights again."
            ) from error
    model.tie_weights()
    return model.to(device)


def check_numbers(name: str, tensor: Tensor, where: Path) -> None:
    """Refuse a tensor that holds what is no number, as where half precision overflows.

    Raises:
        ModelError: it does.
    """
    if not tensor.isfinite().all():
        raise ModelError(
            f"The tensor {name} of {where} holds what is no number in {_name(tensor.dtype)}.",
            hint="Load it in another precision, or convert the weights again.",
        )


def fill_in_four_bits(folder: Path, config: Any, device: str) -> Any:
    """As `fill`, with the linears in 4-bit NormalFloat (Dettmers et al. 2023), by bitsandbytes.

    Raises:
        EngineError: that library is not installed.
    """
    if not four_bits_possible():
        raise EngineError(
            f"Weights in 4 bits need the package {FOUR_BIT_LIBRARY}, which is not installed.",
            hint="Run: pip install 'musiscene[four-bit]', or choose another precision.",
        )
    from transformers import BitsAndBytesConfig

    compute = torch.float32 if device == "cpu" else torch.bfloat16
    settings = BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=compute
    )
    return AutoModelForCausalLM.from_pretrained(
        folder,
        config=config,
        dtype=compute,
        device_map={"": device},
        quantization_config=settings,
        local_files_only=True,
        use_safetensors=True,
    )


def four_bits_possible() -> bool:
    """Whether weights can be held in 4 bits here."""
    return importlib.util.find_spec(FOUR_BIT_LIBRARY) is not None


def _put(model: nn.Module, name: str, tensor: Tensor) -> None:
    place, _, leaf = name.rpartition(".")
    setattr(model.get_submodule(place), leaf, nn.Parameter(tensor, requires_grad=False))


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
