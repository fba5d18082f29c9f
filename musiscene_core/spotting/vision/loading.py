"""Models of transformers from local folders: safetensors only, nothing in them is run."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from transformers.utils import logging as transformers_logging

from musiscene_core.errors import EngineError
from musiscene_core.spotting.vision.folders import ModelFolder

ONLY_LOCAL: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}


def load_model(kind: Any, folder: ModelFolder, device: str) -> Any:
    """The model in `folder`, on `device`, ready to be asked.

    Args:
        kind: a class of transformers with from_pretrained.
        folder: see folders.look_into.
        device: as torch names it; on "cpu" in 32 bits, else in bfloat16.

    Raises:
        EngineError: it cannot be loaded.
    """
    dtype = torch.float32 if device == "cpu" else torch.bfloat16
    with understood(folder), quiet():
        model, told = kind.from_pretrained(
            folder.path, dtype=dtype, use_safetensors=True, output_loading_info=True, **ONLY_LOCAL
        )
    missing = sorted(told["missing_keys"])
    if missing:
        raise EngineError(
            f"The weights in {folder.path} lack {missing[0]}, and {len(missing) - 1} more.",
            hint="Copy the folder again.",
        )
    return model.requires_grad_(False).eval().to(device)


@contextmanager
def understood(folder: ModelFolder) -> Iterator[None]:
    """Have what transformers says of a bad folder said as one of our errors."""
    try:
        yield
    except EngineError:
        raise
    except ImportError as error:
        # Its message is a page on how to install torchvision and the like.
        needed = next((name for name in _FURTHER if name in str(error).casefold()), "more")
        raise EngineError(
            f"The model in {folder.path} needs {needed}, which is not installed.",
            hint=f"Install {needed}, or choose another model.",
        ) from error
    # Damaged weights are errors of safetensors' own, which derive from Exception alone.
    except Exception as error:
        if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
            raise
        said = str(error).strip().partition("\n")[0][:300]
        raise EngineError(
            f"The model in {folder.path} cannot be loaded: {said}",
            hint="Copy it again, or choose another.",
        ) from error


_FURTHER = ("torchvision", "num2words", "pillow")


@contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers from drawing bars and warning of what is no matter here."""
    shown, level = (
        transformers_logging.is_progress_bar_enabled(),
        transformers_logging.get_verbosity(),
    )
    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        transformers_logging.set_verbosity(level)
        if shown:
            transformers_logging.enable_progress_bar()
