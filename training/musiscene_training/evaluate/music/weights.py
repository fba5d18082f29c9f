"""Weights of others' models: .safetensors, or what torch.save wrote, of which nothing is run."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from musiscene_core.errors import ModelError
from musiscene_core.neural.pickled import plain_tensors, read_pickled


def read_weights(path: Path) -> dict[str, Tensor]:
    """Tensors by name.

    Raises:
        ModelError: missing, damaged, or more than weights.
    """
    if path.suffix == ".safetensors":
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return load_file(path)
        except (OSError, SafetensorError) as error:
            raise ModelError(f"{path} cannot be read: {error}.", hint="Get it again.") from error
    held = read_pickled(path)
    if isinstance(held, dict) and isinstance(held.get("state_dict"), dict):
        held = held["state_dict"]
    return plain_tensors(held, path)
