"""Safetensors files: names and shapes checked before a byte is loaded, and how to know a folder.

A mistake is named by its tensor. Knows nothing of what the tensors mean, and loads torch only to
read or write some: what a folder holds can be told without.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from safetensors import SafetensorError, safe_open

from musiscene_core import whole_files
from musiscene_core.errors import ModelError, OutputError

if TYPE_CHECKING:
    from torch import Tensor

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
Shape = tuple[int, ...]

_SHARD_BYTES = 2 << 30
_SAMPLED_BYTES = 4096
_GET_AGAIN = "Copy, download or convert the weights again."


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files of a model's folder, as its index or the usual name says.

    Raises:
        ModelError: there are none, or the index cannot be read.
    """
    index = folder / INDEX
    if not index.exists():
        names = {WEIGHTS}
    else:
        try:
            names = set(json.loads(index.read_bytes())["weight_map"].values())
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise ModelError(f"{index} cannot be read.", hint=_GET_AGAIN) from error
    for name in names:
        if not isinstance(name, str) or Path(name).name != name:
            raise ModelError(f"{index} names a file outside its folder.", hint=_GET_AGAIN)
        path = folder / name
        if path.is_symlink() and not path.exists():
            raise ModelError(
                f"{path} is missing: its download did not end.",
                hint="Download the model again; what is there already is gone on from.",
            )
        if not path.is_file():
            raise ModelError(f"{path} is missing.", hint=_GET_AGAIN)
    return [folder / name for name in sorted(names)]


def shapes(files: Iterable[Path]) -> dict[str, Shape]:
    """Every tensor's shape, by name.

    Raises:
        ModelError: a file is damaged.
    """
    return {name: shape for path in files for name, shape, _ in _entries(path)}


def check(given: Mapping[str, Shape], wanted: Mapping[str, Shape], where: Path | str) -> None:
    """Refuse tensors that do not fit a model.

    Raises:
        ModelError: one is missing, or has another shape; extra ones are no matter.
    """
    for name, shape in wanted.items():
        if name not in given:
            raise ModelError(f"{where} lacks the tensor {name}.", hint=_GET_AGAIN)
        if given[name] != shape:
            raise ModelError(
                f"The tensor {name} of {where} is {_shown(given[name])}, not {_shown(shape)}.",
                hint="These weights belong to another model; name the one they were made for.",
            )


def check_exactly(given: Mapping[str, Shape], wanted: Mapping[str, Shape], where: Path) -> None:
    """As `check`, and refuse tensors that the model lacks too.

    Raises:
        ModelError: one is missing, of another shape, or too many.
    """
    check(given, wanted, where)
    for name in given:
        if name not in wanted:
            raise ModelError(f"{where} has a tensor {name} that its model lacks.", hint=_GET_AGAIN)


def shapes_in(tensors: Mapping[str, Tensor]) -> dict[str, Shape]:
    """The shapes of named tensors."""
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


def read(path: Path, wanted: Mapping[str, Shape]) -> dict[str, Tensor]:
    """The tensors of one file, which must be exactly the wanted ones.

    Raises:
        ModelError: damaged, one is missing, of another shape, or too many.
    """
    check_exactly(shapes([path]), wanted, path)
    return read_all(path)


def read_all(path: Path) -> dict[str, Tensor]:
    """The tensors of one file.

    Raises:
        ModelError: it is damaged.
    """
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path} cannot be read: {error}.", hint=_GET_AGAIN) from error


def fingerprint(folder: Path) -> str:
    """SHA-256 over every tensor's name, type, shape and first 4 KiB, in hex.

    Other weights of the same shape differ in it, and it reads megabytes where a whole digest would
    read gigabytes at each start. It shows the wrong model, not a forged one.

    Raises:
        ModelError: there are no weights, or they are damaged.
    """
    entries = {
        name: (f"{kind} {list(shape)}", path)
        for path in weight_files(folder)
        for name, shape, kind in _entries(path)
    }
    known = hashlib.sha256()
    opened = {path: safe_open(path, framework="pt") for _, path in entries.values()}
    for name in sorted(entries):
        described, path = entries[name]
        known.update(f"{name} {described}\n".encode())
        known.update(_first_bytes(opened[path], name))
    return known.hexdigest()


def file_sha256(path: Path) -> str:
    """SHA-256 of a whole file, in hex.

    Raises:
        ModelError: it cannot be read.
    """
    try:
        return whole_files.file_sha256(path)
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}.", hint=_GET_AGAIN) from error


def write(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write one safetensors file.

    Raises:
        OutputError: no space or no permission.
    """
    from safetensors.torch import save_file

    try:
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path)
    except OSError as error:
        raise OutputError.from_os(error, path) from error
    except SafetensorError as error:
        raise OutputError(f"{path} cannot be written: {error}.", hint="Free some space.") from error


def write_sharded(
    folder: Path, tensors: Iterator[tuple[str, Tensor]], shard_bytes: int = _SHARD_BYTES
) -> None:
    """Write tensors as they come, in files of about `shard_bytes` with the index that names them.

    No more than one file's tensors are held at a time.
    """
    held: dict[str, Tensor] = {}
    placed: dict[str, str] = {}
    size = total = 0

    def flush() -> None:
        file = f"model-{len(set(placed.values())) + 1:05d}.safetensors"
        write(folder / file, held)
        placed.update(dict.fromkeys(held, file))
        held.clear()

    for name, tensor in tensors:
        held[name] = tensor
        size += tensor.nbytes
        total += tensor.nbytes
        if size >= shard_bytes:
            flush()
            size = 0
    if held:
        flush()
    index = {"metadata": {"total_size": total}, "weight_map": placed}
    try:
        (folder / INDEX).write_text(json.dumps(index, indent=2), encoding="utf-8")
    except OSError as error:
        raise OutputError.from_os(error, folder / INDEX) from error


def _entries(path: Path) -> list[tuple[str, Shape, str]]:
    """Name, shape and type of each tensor in a file."""
    try:
        with safe_open(path, framework="np") as file:
            slices = [(name, file.get_slice(name)) for name in file.keys()]  # noqa: SIM118
            return [(name, tuple(part.get_shape()), part.get_dtype()) for name, part in slices]
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path} cannot be read: {error}.", hint=_GET_AGAIN) from error


def _first_bytes(file: safe_open, name: str) -> bytes:
    import torch

    part = file.get_slice(name)
    first = part[:1] if len(part.get_shape()) > 1 else file.get_tensor(name)
    data = first.flatten()[:_SAMPLED_BYTES].contiguous().view(torch.uint8)
    return bytes(data.numpy().tobytes()[:_SAMPLED_BYTES])


def _shown(shape: Shape) -> str:
    return "x".join(map(str, shape)) or "a single number"
