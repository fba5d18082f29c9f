"""Reading the published files: pickles, opened so that nothing in them can run.

LLaMA as Meta hands it out: params.json, tokenizer.model, consolidated.NN.pth, one a model-parallel
rank. MU-LLaMA's checkpoint.pth: `model` with the tensors, `args` with the training's arguments.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec

from musiscene_core.captioning.mullama.config import Count, Width
from musiscene_core.codec import read_json
from musiscene_core.errors import InputError, ModelError
from musiscene_core.neural.pickled import Tensors, plain_tensors, read_pickled
from musiscene_core.neural.tensors import check

PARAMS = "params.json"
_SHARDS = "consolidated.*.pth"


class LlamaParams(msgspec.Struct, frozen=True):
    """Meta's params.json; the widths inside follow from the tensors.

    Attributes:
        dim: width.
        n_layers: layers.
        n_heads: attention heads.
        norm_eps: of its RMSNorms.
        n_kv_heads: key and value heads; None: as many as heads.
        rope_theta: base of the rotary frequencies.
    """

    dim: Width
    n_layers: Count
    n_heads: Count
    norm_eps: Annotated[float, msgspec.Meta(gt=0, lt=1)]
    n_kv_heads: Count | None = None
    rope_theta: Annotated[float, msgspec.Meta(ge=1)] = 10_000.0

    def __post_init__(self) -> None:
        if self.dim % (2 * self.n_heads) or self.n_heads % (self.n_kv_heads or 1):
            raise ValueError(f"{self.dim} cannot be shared among {self.n_heads} heads")


@dataclass(frozen=True)
class OriginalLlama:
    """LLaMA as Meta hands it out.

    Attributes:
        folder: where it lies.
        params: its params.json.
        shards: each rank's tensors, in order; mapped from the disk, not loaded.
    """

    folder: Path
    params: LlamaParams
    shards: tuple[Tensors, ...]


def read_llama(folder: Path) -> OriginalLlama:
    """Open the LLaMA in `folder`.

    Raises:
        ModelError: a file is missing, damaged, or holds more than tensors.
    """
    try:
        params = read_json(folder / PARAMS, LlamaParams)
    except InputError as error:
        raise ModelError(
            error.message, hint="Name a folder with params.json and consolidated.00.pth."
        ) from error
    paths = sorted(folder.glob(_SHARDS))
    if not paths:
        raise ModelError(f"{folder} has no consolidated.00.pth.", hint="Download it again.")
    shards = tuple(plain_tensors(read_pickled(path), path) for path in paths)
    for shard, path in zip(shards[1:], paths[1:], strict=True):
        check(dict.fromkeys(shard, ()), dict.fromkeys(shards[0], ()), path)
    return OriginalLlama(folder, params, shards)


def read_checkpoint(path: Path) -> Tensors:
    """The tensors of a MU-LLaMA checkpoint, mapped from the disk.

    Raises:
        ModelError: missing, damaged, holds more than tensors and arguments, or no model.
    """
    saved = read_pickled(path)
    if not isinstance(saved, dict) or "model" not in saved:
        raise ModelError(f"{path} has no model in it.", hint="Name a checkpoint of MU-LLaMA.")
    return plain_tensors(saved["model"], path)
