"""What was measured of sound, or made of it, kept by content: a file a block.

A block is BLOCK_S seconds on the grid of a source: block k begins k * BLOCK_S after file time 0, so
ranges that overlap, and clips that were moved, meet the same blocks. Values are arrays by name:
probabilities, spectra, or the samples of a separated part. What a block is known by must name all
that it depends on: the film (films.film_digest), its stream, which block, and what measured it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from musiscene_core.paths import cache_folder
from musiscene_core.spotting.kept_files import place_of, prune, read_checked, write_checked

Arrays = dict[str, npt.NDArray[Any]]

BLOCK_S = 6.4
"""Whole chunks of speech detection, frames of chroma, of onsets and of loudness alike."""
MOST_BYTES = 256 << 20
"""On the disk: some thirty hours of what is measured."""
_KINDS = frozenset({"|u1", "<i2", "<f2", "<f4", "<f8"})


class _Array(msgspec.Struct, frozen=True):
    kind: str
    shape: tuple[int, ...]
    data: bytes


class KeptBlocks:
    """Arrays of blocks of sound, one folder of them."""

    def __init__(
        self, name: str = "sound", *, most_bytes: int = MOST_BYTES, folder: Path | None = None
    ) -> None:
        """Look into a folder.

        Args:
            name: of the folder within the cache folder; one for each kind of thing.
            most_bytes: kept at most; the blocks longest unused go first.
            folder: instead of the one in the cache folder.
        """
        self.folder = folder or cache_folder() / name
        self._most_bytes = most_bytes
        self._wrote = False

    def get(self, known_by: str) -> Arrays | None:
        """The arrays of a block, read only; None where they are not there or damaged."""
        data = read_checked(place_of(self.folder, known_by))
        if data is None:
            return None
        try:
            found = msgspec.msgpack.decode(data, type=dict[str, _Array])
            return {name: _array(one) for name, one in found.items()}
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return None

    def put(self, known_by: str, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Keep the arrays of a block where that is possible.

        Raises:
            ValueError: an array is not of numbers of a kind that is kept.
        """
        packed = {name: _packed(array) for name, array in arrays.items()}
        data = msgspec.msgpack.encode(packed)
        self._wrote |= write_checked(place_of(self.folder, known_by), data)

    def close(self) -> None:
        """Let the oldest go where there is too much."""
        if self._wrote:
            prune(self.folder, self._most_bytes)


def _packed(array: npt.NDArray[Any]) -> _Array:
    little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    if little.dtype.str not in _KINDS:
        raise ValueError(f"arrays of {array.dtype} are not kept")
    return _Array(little.dtype.str, array.shape, little.tobytes())


def _array(packed: _Array) -> npt.NDArray[Any]:
    if packed.kind not in _KINDS or any(size < 0 for size in packed.shape):
        raise ValueError(packed.kind)
    return np.frombuffer(packed.data, packed.kind).reshape(packed.shape)
