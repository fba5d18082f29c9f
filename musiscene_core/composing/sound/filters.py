"""Second-order filters by the Audio EQ Cookbook (R. Bristow-Johnson), as rows of SOS arrays.

And the Butterworth band, as a frequency response.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from musiscene_core.composing.sound.signal import decibels
from musiscene_core.timecode import SAMPLE_RATE

Section = npt.NDArray[np.float64]
"""One second-order section: b0 b1 b2 a0 a1 a2, with a0 = 1."""


def _angle(hz: float, q: float) -> tuple[float, float]:
    omega = 2 * np.pi * hz / SAMPLE_RATE
    return float(np.cos(omega)), float(np.sin(omega) / (2 * q))


def _section(b: tuple[float, float, float], a: tuple[float, float, float]) -> Section:
    return np.array([*b, *a]) / a[0]


def high_pass(hz: float, q: float = 0.7071) -> Section:
    """12 dB an octave below `hz`, nothing at 0 Hz."""
    cosine, alpha = _angle(hz, q)
    edge = (1 + cosine) / 2
    return _section((edge, -1 - cosine, edge), (1 + alpha, -2 * cosine, 1 - alpha))


def peaking(hz: float, gain_db: float, q: float) -> Section:
    """A bell of `gain_db` at `hz`."""
    cosine, alpha = _angle(hz, q)
    gain = decibels(gain_db / 2)
    return _section(
        (1 + alpha * gain, -2 * cosine, 1 - alpha * gain),
        (1 + alpha / gain, -2 * cosine, 1 - alpha / gain),
    )


def band_pass(hz: float, q: float) -> Section:
    """Gain 1 at `hz`, falling to both sides; added to its input it makes a bell of this Q."""
    cosine, alpha = _angle(hz, q)
    return _section((alpha, 0.0, -alpha), (1 + alpha, -2 * cosine, 1 - alpha))


def butterworth_band(
    order: int, low_hz: float, high_hz: float, size: int
) -> npt.NDArray[np.complex128]:
    """Response of a Butterworth band-pass of order 1 or 2, at 3 dB corners, for an rfft of `size`.

    The digital filter that the bilinear transform makes, so causal and stable.
    """
    # The bilinear transform's frequency axis, on which the band is an analogue one.
    axis = np.tan(np.pi * np.arange(size // 2 + 1) / size)
    low, high = np.tan(np.pi * np.array([low_hz, high_hz]) / SAMPLE_RATE)
    response = np.zeros(len(axis), dtype=np.complex128)
    s = 1j * (axis[1:] ** 2 - low * high) / (axis[1:] * (high - low))
    response[1:] = 1 / (s + 1) if order == 1 else 1 / (s * s + np.sqrt(2) * s + 1)
    return response


def low_shelf(hz: float, gain_db: float) -> Section:
    """`gain_db` below `hz`."""
    return _shelf(hz, gain_db, 1.0)


def high_shelf(hz: float, gain_db: float) -> Section:
    """`gain_db` above `hz`."""
    return _shelf(hz, gain_db, -1.0)


def _shelf(hz: float, gain_db: float, sign: float) -> Section:
    cosine, alpha = _angle(hz, 0.7071)
    gain = decibels(gain_db / 2)
    root = 2 * np.sqrt(gain) * alpha
    up, down = gain + 1, gain - 1
    b = (
        gain * (up - sign * down * cosine + root),
        sign * 2 * gain * (down - sign * up * cosine),
        gain * (up - sign * down * cosine - root),
    )
    a = (
        up + sign * down * cosine + root,
        -sign * 2 * (down + sign * up * cosine),
        up + sign * down * cosine - root,
    )
    return _section(b, a)
