"""Writing waveform overviews: BBC audiowaveform's binary format, version 2, 8 bits.

Source: github.com/bbc/audiowaveform, doc/DataFormat.md.
"""

from __future__ import annotations

import struct

import numpy as np
import numpy.typing as npt

from musiscene_core.timecode import SAMPLE_RATE

_VERSION = 2
_EIGHT_BIT = 1
_TO_EIGHT_BIT = 16


class Peaks:
    """Draws the overview of a mix as it goes by."""

    def __init__(self, channels: int, samples: int, samples_per_pixel: int = 480) -> None:
        """For `samples` samples; the last point may stand for fewer than the others."""
        self._each = samples_per_pixel
        self._points = np.zeros((-(-samples // self._each), channels, 2), dtype=np.int8)

    def add(self, first: int, samples: npt.NDArray[np.int32]) -> None:
        """Draw `samples` [channels, n], 24-bit values; `first` must be a point's beginning."""
        if first % self._each:
            raise ValueError(f"sample {first} is inside a point")
        starts = np.arange(0, samples.shape[1], self._each)
        if not len(starts):
            return
        points = self._points[first // self._each :][: len(starts)]
        points[:, :, 0] = (np.minimum.reduceat(samples, starts, axis=1) >> _TO_EIGHT_BIT).T
        points[:, :, 1] = (np.maximum.reduceat(samples, starts, axis=1) >> _TO_EIGHT_BIT).T

    def data(self) -> bytes:
        """A .dat file: header, then per point and channel a minimum and a maximum, signed bytes."""
        return as_dat(self._points, self._each)


def as_dat(points: npt.NDArray[np.int8], samples_per_pixel: int) -> bytes:
    """Minima and maxima [points, channels, 2] as a .dat file."""
    count, channels, _ = points.shape
    header = struct.pack(
        "<iIiiIi", _VERSION, _EIGHT_BIT, SAMPLE_RATE, samples_per_pixel, count, channels
    )
    return header + points.tobytes()


def peaks(mix: npt.NDArray[np.int32], samples_per_pixel: int = 480) -> bytes:
    """The overview of a whole mix [channels, n] as a .dat file."""
    channels, samples = mix.shape
    drawn = Peaks(channels, samples, samples_per_pixel)
    drawn.add(0, mix)
    return drawn.data()
