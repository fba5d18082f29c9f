"""Waveform overview in BBC audiowaveform's binary format, version 2, 8 bits.

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


def peaks(mix: npt.NDArray[np.int32], samples_per_pixel: int = 480) -> bytes:
    """The lowest and highest sample of each channel in every `samples_per_pixel` samples.

    Args:
        mix: [channels, n], 24-bit values.
        samples_per_pixel: samples behind one point of the drawing; the last may have fewer.

    Returns:
        A .dat file: header, then per point and channel a minimum and a maximum as signed bytes.
    """
    channels, samples = mix.shape
    starts = np.arange(0, samples, samples_per_pixel)
    points = np.zeros((len(starts), channels, 2), dtype=np.int8)
    if samples:
        for channel in range(channels):
            lowest = np.minimum.reduceat(mix[channel], starts)
            highest = np.maximum.reduceat(mix[channel], starts)
            points[:, channel, 0] = lowest >> _TO_EIGHT_BIT
            points[:, channel, 1] = highest >> _TO_EIGHT_BIT
    header = struct.pack(
        "<iIiiIi", _VERSION, _EIGHT_BIT, SAMPLE_RATE, samples_per_pixel, len(starts), channels
    )
    return header + points.tobytes()
