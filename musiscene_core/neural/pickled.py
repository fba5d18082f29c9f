"""Weights that torch.save wrote: tensors are taken out, nothing in the file is ever run."""

from __future__ import annotations

import argparse
import errno
import zipfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from musiscene_core.errors import ModelError

Tensors = dict[str, Tensor]


def read_pickled(path: Path) -> Any:
    """What torch.save wrote: tensors, plain containers, and argparse.Namespace.

    Raises:
        ModelError: missing, damaged, or something in it would have to run to be read.
    """
    try:
        with torch.serialization.safe_globals([argparse.Namespace]):
            return torch.load(
                path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path)
            )
    except OSError as error:
        # Where the bytes are there and make no sense, its reader seeks before the beginning.
        if error.errno == errno.EINVAL and path.is_file():
            raise _damaged(path) from error
        reason = error.strerror or "unreadable"
        raise ModelError(f"{path} cannot be read: {reason}.", hint="Name a file.") from error
    # Damaged bytes lead its reader to nearly any error, and a forbidden object to one whose type
    # lives in the pickle module.
    except Exception as error:
        raise _damaged(path) from error


def _damaged(path: Path) -> ModelError:
    return ModelError(
        f"{path} is damaged, or holds more than weights; nothing in it was run.",
        hint="Download it again from its makers.",
    )


def plain_tensors(saved: Any, path: Path) -> Tensors:
    """`saved` as the named tensors it must be.

    Raises:
        ModelError: it is, or holds, something else.
    """
    if not isinstance(saved, dict):
        raise ModelError(f"{path} holds no named tensors.", hint="Download it again.")
    for name, value in saved.items():
        if not isinstance(name, str) or not _is_plain(value):
            raise ModelError(
                f"{path} holds something that is no plain tensor: {str(name)[:80]}.",
                hint="Download it again from its makers.",
            )
    return dict(saved)


def _is_plain(value: Any) -> bool:
    """Whether it is a tensor with all of its numbers in the file, none told twice by strides."""
    if not isinstance(value, Tensor) or value.layout is not torch.strided or value.is_quantized:
        return False
    return bool(value.nbytes <= value.untyped_storage().nbytes())
