"""Weights of others' models: safetensors, or what torch.save wrote, of which nothing is run."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from musiscene_core.errors import ModelError
from musiscene_core.neural.pickled import plain_tensors, read_pickled

_LENGTH = 8


def read_weights(path: Path) -> dict[str, Tensor]:
    """Tensors by name, by what is in the file, whatever it is called.

    Raises:
        ModelError: missing, damaged, or more than weights.
    """
    if path.suffix == ".safetensors" or _is_safetensors(path):
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


def _is_safetensors(path: Path) -> bool:
    """Whether a file begins as such do: the length of a header, and then the header, in JSON."""
    try:
        with path.open("rb") as file:
            return file.read(_LENGTH + 1)[_LENGTH:] == b"{"
    except OSError:
        return False
