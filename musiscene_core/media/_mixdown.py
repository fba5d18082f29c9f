"""Channels into mono or stereo, with the coefficients of ITU-R BS.775 that libswresample uses.

Coefficients are scaled down so that full scale in every channel stays full scale; the LFE channel
is left out. Channels without a named place (field recorders) are shared out evenly.
"""

from __future__ import annotations

import numpy as np
from av.audio.layout import AudioLayout
from numpy.typing import NDArray

_HALF_POWER = 2**-0.5
_LEFT_RIGHT = {
    "FL": (1.0, 0.0),
    "FR": (0.0, 1.0),
    "FC": (_HALF_POWER, _HALF_POWER),
    "BL": (_HALF_POWER, 0.0),
    "BR": (0.0, _HALF_POWER),
    "SL": (_HALF_POWER, 0.0),
    "SR": (0.0, _HALF_POWER),
    "BC": (0.5, 0.5),
    "FLC": (1.0, 0.0),
    "FRC": (0.0, 1.0),
    "DL": (1.0, 0.0),
    "DR": (0.0, 1.0),
    "LFE": (0.0, 0.0),
    "LFE2": (0.0, 0.0),
}


def mix_matrix(names: tuple[str, ...], channels: int) -> NDArray[np.float32] | None:
    """Weights [channels, C] that mix channels called `names` down; None where nothing changes."""
    count = len(names)
    if channels == count and (channels == 1 or names == ("FL", "FR") or channels > 2):
        return None
    if channels > 2:
        raise ValueError(f"cannot make {channels} channels of {count}")
    if count == 1:
        return np.ones((channels, 1), np.float32)
    if all(name in _LEFT_RIGHT for name in names):
        stereo = np.array([_LEFT_RIGHT[name] for name in names]).T
    else:
        places = np.arange(count) % 2
        stereo = np.array([places == 0, places == 1], float)
    if channels == 1:
        stereo = stereo.sum(axis=0, keepdims=True)
    loudest = stereo.sum(axis=1, keepdims=True).max()
    if loudest == 0:
        return np.full((channels, count), 1 / count, np.float32)
    return np.asarray(stereo / loudest, np.float32)


def channel_names(layout: AudioLayout) -> tuple[str, ...]:
    """The places of a layout's channels ("FL", "FR", ...)."""
    return tuple(channel.name for channel in layout.channels)
