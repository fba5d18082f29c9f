"""Cuts a stream of samples into overlapping, centred frames, whatever sizes the blocks have."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


class Framer:
    """Frame i is `size` samples centred on sample i * hop; beyond both ends there is silence."""

    def __init__(self, size: int, hop: int) -> None:
        self._size = size
        self._hop = hop
        self._kept = np.zeros(size // 2, np.float32)
        self._pushed = 0
        self._given = 0

    def push(self, samples: Floats) -> Floats:
        """The frames [k, size] that samples [n] complete: a view, read only."""
        self._pushed += len(samples)
        return self._frames(samples)

    def finish(self) -> Floats:
        """The frames [k, size] left, so that there is one for every hop begun."""
        wanted = -(-self._pushed // self._hop)
        frames = self._frames(np.zeros(self._size, np.float32))
        return frames[: max(0, wanted - self._given + len(frames))]

    def _frames(self, samples: Floats) -> Floats:
        joined = np.concatenate([self._kept, samples])
        if len(joined) < self._size:
            self._kept = joined
            return np.zeros((0, self._size), np.float32)
        frames = np.lib.stride_tricks.sliding_window_view(joined, self._size)[:: self._hop]
        self._kept = joined[len(frames) * self._hop :]
        self._given += len(frames)
        return frames
