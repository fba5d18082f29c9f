"""An embedding without weights: how the spectrum is shaped, and how it moves, in a second.

Mean and spread of 13 MFCCs over each window. A FAD of it tells sets of timbres apart and is of use
to compare runs of one's own; it knows nothing of music, and no published figure is like it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.fft

from musiscene_core.mel import mel_filters
from musiscene_training.evaluate.music.sounds import Floats

_FRAME, _HOP, _BANDS, _KEPT = 1024, 512, 64, 13
_FLOOR = 1e-6


class Mfcc:
    """See the module."""

    name = "mfcc"
    sample_rate = 16_000
    window = 16_000
    hop = 8_000
    labels: tuple[str, ...] = ()
    published = False

    def __init__(self) -> None:
        self._filters = mel_filters(_FRAME, self.sample_rate, _BANDS)
        self._taper = np.hanning(_FRAME + 1)[:-1].astype(np.float32)

    def hear(self, windows: Sequence[Floats]) -> Floats:
        """Means and standard deviations [n, 26]."""
        return np.stack([self._one(window) for window in windows])

    def _one(self, window: Floats) -> Floats:
        sound = np.pad(window, (0, max(0, _FRAME - len(window))))
        frames = np.lib.stride_tricks.sliding_window_view(sound, _FRAME)[::_HOP]
        power = np.square(np.abs(np.fft.rfft(frames * self._taper)))
        bands = np.log(power @ self._filters + _FLOOR)
        kept = scipy.fft.dct(bands, norm="ortho")[:, :_KEPT]
        return np.concatenate([kept.mean(axis=0), kept.std(axis=0)]).astype(np.float32)
