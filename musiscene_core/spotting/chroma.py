"""Chroma: how strong each pitch class is, eight times a second, and how tonal the sound is.

Spectral peaks that stand well above their surroundings (notes and their overtones) are counted by
pitch class at a third of a semitone, so that the tuning can be found afterwards. Noise has no such
peaks; speech glides too much to have many in half a second.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from musiscene_core.spotting.framing import Framer

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

STEPS = 36
"""Chroma steps in an octave."""
FRAME_S = 0.512
HOP_S = 0.128
_LOWEST_HZ, _HIGHEST_HZ = 70.0, 2000.0
_GROUP = 32
"""Bins whose median is the surroundings a peak must rise from."""
_PROMINENCE = 4.0
"""12 dB: noise passes that once in a hundred thousand bins."""
_SILENT = 1e-4
_MIDDLE_C_HZ = 440.0 * 2.0 ** (-9 / 12)


class ChromaListener:
    """Hears a soundtrack block by block; keeps 37 numbers every 128 ms (1.2 kB/s)."""

    def __init__(self, sample_rate: int) -> None:
        size = round(FRAME_S * sample_rate)
        self._framer = Framer(size, round(HOP_S * sample_rate))
        self._window = np.hanning(size + 1)[:-1].astype(np.float32)
        self._window *= 2.0 / self._window.sum()
        self._bin_hz = sample_rate / size
        self._first = int(_LOWEST_HZ / self._bin_hz)
        groups = int(min(_HIGHEST_HZ, sample_rate / 2.1) / self._bin_hz - self._first) // _GROUP
        self._last = self._first + groups * _GROUP
        self._chroma = [np.zeros((0, STEPS), np.float32)]
        self._tonal = [np.zeros(0, np.float32)]

    def push(self, samples: Floats) -> None:
        """Hear the next samples [n]."""
        self._measure(self._framer.push(samples))

    def finish(self) -> tuple[Floats, Floats]:
        """Chroma [n, STEPS] from C, and tonal share [n] (0-1); row i is about second i * HOP_S.

        A row's sum is the root of its peaks' level, so loud passages count more, but not much.
        """
        self._measure(self._framer.finish())
        return np.concatenate(self._chroma), np.concatenate(self._tonal)

    def _measure(self, frames: Floats) -> None:
        if not len(frames):
            return
        bins = np.fft.rfft(frames * self._window)[:, : self._last + 1]
        spectrum = np.sqrt(bins.real**2 + bins.imag**2)
        middle = spectrum[:, self._first : self._last]
        groups = middle.reshape(len(frames), -1, _GROUP)
        around = np.repeat(np.median(groups, axis=2), _GROUP, axis=1)
        below = spectrum[:, self._first - 1 : self._last - 1]
        above = spectrum[:, self._first + 1 : self._last + 1]
        peaks = (middle > below) & (middle >= above)
        peaks &= (middle > _PROMINENCE * around) & (middle > _SILENT)
        # A peak under a hundredth of the loudest is more likely leakage than a note.
        peaks &= middle > 0.01 * middle.max(axis=1, keepdims=True)
        frame, place = np.nonzero(peaks)
        left, top, right = (np.log(part[frame, place] + 1e-9) for part in (below, middle, above))
        shift = 0.5 * (left - right) / np.minimum(left - 2 * top + right, -1e-6)
        hertz = (self._first + place + np.clip(shift, -0.5, 0.5)) * self._bin_hz
        step = STEPS * np.log2(hertz / _MIDDLE_C_HZ)
        weight = np.sqrt(middle[frame, place])
        self._chroma.append(_spread(frame, step, weight, len(frames)))
        # A Hann window puts a steady tone's power into its peak and one bin on either side.
        power = np.zeros(len(frames))
        near = below[frame, place] ** 2 + middle[frame, place] ** 2 + above[frame, place] ** 2
        np.add.at(power, frame, near)
        total = (middle.astype(np.float64) ** 2).sum(axis=1)
        self._tonal.append(np.minimum(power / np.maximum(total, 1e-12), 1.0).astype(np.float32))


def _spread(
    frame: npt.NDArray[np.intp], step: npt.NDArray[np.floating], weight: Floats, frames: int
) -> Floats:
    """Chroma [frames, STEPS] with each peak shared by the two steps it lies between."""
    low = np.floor(step).astype(np.int64)
    part = step - low
    chroma = np.zeros((frames, STEPS))
    np.add.at(chroma, (frame, low % STEPS), weight * (1 - part))
    np.add.at(chroma, (frame, (low + 1) % STEPS), weight * part)
    return chroma.astype(np.float32)


def tuned(chroma: npt.NDArray[np.floating]) -> tuple[Doubles, float]:
    """Pitch classes [12] of summed chroma [STEPS], and its tuning against A 440 in cents (±50)."""
    values = np.asarray(chroma, np.float64)
    third = STEPS // 12
    steps = np.arange(STEPS)
    # Notes pile up at one place within the semitone: the angle of their mean is the tuning.
    mean = np.sum(values * np.exp(2j * np.pi * steps / third))
    offset = float(np.angle(mean)) / (2 * np.pi) * third if abs(mean) > 1e-9 else 0.0
    distance = (steps[None, :] - (third * np.arange(12)[:, None] + offset)) % STEPS
    distance = np.minimum(distance, STEPS - distance)
    classes: Doubles = np.maximum(0.0, 1.0 - distance / third) @ values
    return classes, offset * 100.0 / third
