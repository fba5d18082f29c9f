"""Integrated loudness by ITU-R BS.1770-4, measured as the sound streams by.

K-weighted power is kept in 10 ms slots, so that loudness can be found again for the same sound
under a gain curve without filtering it again.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy.signal

from musiscene_core.composing.sound.signal import Audio, Points
from musiscene_core.timecode import SAMPLE_RATE

SLOT = SAMPLE_RATE // 100
"""Samples in a slot."""

SILENCE_LUFS = -200.0
"""Stands for the loudness of silence, which is minus infinity."""

_HIGH_SHELF = (
    *(1.53512485958697, -2.69169618940638, 1.19839281085285),
    *(1.0, -1.69065929318241, 0.73248077421585),
)
_HIGH_PASS = (1.0, -2.0, 1.0, 1.0, -1.99004745483398, 0.99007225036621)
_K_WEIGHTING = np.array([_HIGH_SHELF, _HIGH_PASS])
"""BS.1770-4 tables 1 and 2: the coefficients at 48 kHz."""

_BLOCK_SLOTS, _STEP_SLOTS = 40, 10
_OFFSET_LU = -0.691
_ABSOLUTE_GATE_LUFS = -70.0
_RELATIVE_GATE_LU = -10.0


class LoudnessMeter:
    """Hears a stereo signal piece by piece."""

    def __init__(self) -> None:
        self._state = np.zeros((len(_K_WEIGHTING), 2, 2))
        self._slots: list[Points] = []

    def hear(self, piece: npt.NDArray[np.floating]) -> None:
        """Listen on: `piece` [2, n], a whole number of slots but for the last piece."""
        weighted, self._state = scipy.signal.sosfilt(_K_WEIGHTING, piece, axis=-1, zi=self._state)
        power = np.square(weighted).sum(axis=0)
        whole = len(power) // SLOT * SLOT
        self._slots.append(power[:whole].reshape(-1, SLOT).mean(axis=1))
        if whole < len(power):
            self._slots.append(power[whole:].mean(keepdims=True))

    def slots(self) -> Points:
        """Power in each slot, both channels together; the last may be a shorter one."""
        return np.concatenate([np.zeros(0), *self._slots])


def integrated(slots: Points) -> float:
    """Gated loudness in LUFS of slots of K-weighted power; SILENCE_LUFS for silence.

    What is shorter than one gating block of 0.4 s counts as one block.
    """
    if not len(slots):
        return SILENCE_LUFS
    if len(slots) < _BLOCK_SLOTS:
        return _lufs(float(slots.mean()))
    sums = np.concatenate([[0.0], np.cumsum(slots)])
    starts = np.arange(0, len(slots) - _BLOCK_SLOTS + 1, _STEP_SLOTS)
    blocks = np.maximum(0.0, sums[starts + _BLOCK_SLOTS] - sums[starts]) / _BLOCK_SLOTS
    blocks = blocks[blocks > _power(_ABSOLUTE_GATE_LUFS)]
    if not len(blocks):
        return SILENCE_LUFS
    gate_lufs = _lufs(float(blocks.mean())) + _RELATIVE_GATE_LU
    return _lufs(float(blocks[blocks > _power(gate_lufs)].mean()))


def measured(signal: Audio) -> float:
    """Integrated loudness of `signal` [2, n]."""
    meter = LoudnessMeter()
    meter.hear(signal)
    return integrated(meter.slots())


def _lufs(power: float) -> float:
    return max(SILENCE_LUFS, _OFFSET_LU + 10 * float(np.log10(max(power, 1e-30))))


def _power(lufs: float) -> float:
    return float(10.0 ** ((lufs - _OFFSET_LU) / 10.0))
