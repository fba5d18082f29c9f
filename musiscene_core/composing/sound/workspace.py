"""Where the stems of a cue lie while it is made and read: in memory, or for long cues on disk.

Fifteen minutes of five stems and a mix are 2 GB. Long arrays are therefore maps of unnamed
temporary files, whose pages the system can take back; they vanish with the arrays.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from musiscene_core.errors import OutputError
from musiscene_core.timecode import SAMPLE_RATE

_LONGEST_IN_MEMORY = 5 * 60 * SAMPLE_RATE
_WRITTEN_AT_ONCE = 1 << 22

Value = TypeVar("Value", np.float32, np.int32)


class Workspace:
    """Makes the stereo arrays of one cue of `samples` samples."""

    def __init__(self, samples: int) -> None:
        self._samples = samples
        self._maps: list[mmap.mmap] = []

    def stereo(self, kind: type[Value]) -> npt.NDArray[Value]:
        """Zeros [2, samples] of float32 or int32.

        Raises:
            OutputError: the disk has no room for a long cue.
        """
        if self._samples <= _LONGEST_IN_MEMORY:
            return np.zeros((2, self._samples), dtype=kind)
        size = 2 * self._samples * np.dtype(kind).itemsize
        try:
            with tempfile.TemporaryFile(prefix="musiscene-") as file:
                _reserve(file.fileno(), size)
                pages = mmap.mmap(file.fileno(), size)
        except OSError as error:
            raise OutputError.from_os(error, "A temporary file for a long cue") from error
        self._maps.append(pages)
        return np.frombuffer(pages, dtype=kind).reshape(2, self._samples)

    def rest(self) -> None:
        """Give the pages of arrays on disk back to the system; reading them fetches them again."""
        if hasattr(mmap, "MADV_DONTNEED"):
            for pages in self._maps:
                pages.madvise(mmap.MADV_DONTNEED)


def _reserve(handle: int, size: int) -> None:
    """Take the space now: a map over a full disk would end the process, not raise."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(handle, 0, size)
        return
    zeros = bytes(_WRITTEN_AT_ONCE)
    for start in range(0, size, _WRITTEN_AT_ONCE):
        os.write(handle, zeros[: size - start])
