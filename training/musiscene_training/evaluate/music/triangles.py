"""Filters that are triangles on the mel scale itself, as HTK, Kaldi and VGGish have them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Filters = npt.NDArray[np.float64]


def mel_triangles(bins: int, step_hz: float, bands: int, low_hz: float, high_hz: float) -> Filters:
    """Filters [bins, bands] for a spectrum whose bin i lies at i * step_hz."""
    mels = _mel(np.arange(bins) * step_hz)[:, None]
    low, high = _mel(np.array([low_hz, high_hz]))
    edges = np.linspace(low, high, bands + 2)
    rising = (mels - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - mels) / (edges[2:] - edges[1:-1])
    return np.asarray(np.clip(np.minimum(rising, falling), 0.0, None))


def _mel(hertz: Filters) -> Filters:
    return np.asarray(1127.0 * np.log1p(hertz / 700.0))
