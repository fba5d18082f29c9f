"""The mel scale: triangular filters over a spectrum, as most listeners use them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

_LOWEST_HZ, _HIGHEST_HZ = 30.0, 8000.0


def mel_filters(size: int, sample_rate: int, bands: int) -> Floats:
    """Triangular filters [bins, bands] on the mel scale, each at least one bin wide.

    Args:
        size: samples in a frame, which has size // 2 + 1 bins.
        sample_rate: samples a second.
        bands: how many.
    """
    edges = band_edges(sample_rate, bands)
    frequencies = np.fft.rfftfreq(size, 1 / sample_rate)[:, None]
    width = sample_rate / size
    rising = (frequencies - edges[:-2]) / np.maximum(edges[1:-1] - edges[:-2], width)
    falling = (edges[2:] - frequencies) / np.maximum(edges[2:] - edges[1:-1], width)
    return np.clip(np.minimum(rising, falling), 0, None).astype(np.float32)


def band_edges(sample_rate: int, bands: int) -> npt.NDArray[np.float64]:
    """Frequencies [bands + 2] in Hz; band i rises from edge i, peaks at i + 1, ends at i + 2."""
    top = min(_HIGHEST_HZ, sample_rate / 2)
    mels = np.linspace(_mel(_LOWEST_HZ), _mel(top), bands + 2)
    edges: npt.NDArray[np.float64] = 700.0 * (np.exp(mels / 1127.0) - 1.0)
    return edges


def _mel(hertz: float) -> float:
    return float(1127.0 * np.log(1.0 + hertz / 700.0))
