"""Loudness by ITU-R BS.1770-4, measured as the sound streams by.

K-weighted power is kept in short slots, from which momentary and integrated loudness are read:
for the sound as it was heard, or under a gain curve without filtering it again. Knows nothing of
files, true peaks or what the loudness is for.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from musiscene_core.filtering import SectionFilter, Sections
from musiscene_core.timecode import SAMPLE_RATE

Powers = npt.NDArray[np.float64]
"""Mean K-weighted power [n] in slots of equal length, all channels together."""

SILENCE_LUFS = -200.0
"""Stands for the loudness of silence, which is minus infinity."""

STEP_S = 0.1
"""From one window to the next."""

_STEPS = 4
"""In a window: the gating block of BS.1770, the momentary window of EBU Tech 3341."""

_OFFSET_LU = -0.691
_ABSOLUTE_GATE_LUFS = -70.0
_RELATIVE_GATE_LU = -10.0
_BLOCK_S = 0.001
_PIECE = 10 * SAMPLE_RATE


class LoudnessMeter:
    """Hears a signal piece by piece."""

    def __init__(
        self, sample_rate: int = SAMPLE_RATE, channels: int = 2, *, slots_per_s: int = 100
    ) -> None:
        """Measure `channels` of equal weight.

        Args:
            sample_rate: a whole number of kilohertz.
            channels: 1 or 2; BS.1770 weighs left, right and centre alike.
            slots_per_s: a multiple of 10 that divides 1000.
        """
        self._filter = SectionFilter(
            k_weighting(sample_rate), channels, block=round(_BLOCK_S * sample_rate)
        )
        self._slot = sample_rate // slots_per_s
        self._kept = np.zeros((channels, 0), dtype=np.float32)
        self._slots: list[Powers] = []

    def hear(self, piece: npt.NDArray[np.floating]) -> None:
        """Listen on: `piece` [channels, n], of any length."""
        if self._kept.shape[1]:
            piece = np.concatenate([self._kept, piece], axis=1)
        whole = piece.shape[1] // self._slot * self._slot
        self._kept = piece[:, whole:].astype(np.float32)
        if whole:
            weighted = self._filter.run(np.asarray(piece[:, :whole], dtype=np.float32))
            self._slots.append(self._power(weighted, self._slot))

    def finish(self) -> Powers:
        """Power in each slot; the last may be a shorter one. Call it once, at the end."""
        rest = self._kept.shape[1]
        if rest:
            padded = np.pad(self._kept, ((0, 0), (0, self._slot - rest)))
            self._slots.append(self._power(self._filter.run(padded)[:, :rest], rest))
        return np.concatenate([np.zeros(0), *self._slots])

    def _power(self, weighted: npt.NDArray[np.float32], slot: int) -> Powers:
        slots = weighted.reshape(len(weighted), -1, slot)
        return np.asarray(np.einsum("cst,cst->s", slots, slots) / slot, dtype=np.float64)


def k_weighting(sample_rate: int) -> Sections:
    """BS.1770's high shelf and high-pass at `sample_rate`: at 48 kHz, its tables 1 and 2."""
    high = 10 ** (3.999843853973347 / 20)
    middle = high**0.4996667741545416
    shelf = (1681.974450955533, 0.7071752369554196, (high, middle, 1.0))
    high_pass = (38.13547087602444, 0.5003270373238773, (1.0, 0.0, 0.0))
    sections = []
    for hertz, quality, (squared, linear, constant) in (shelf, high_pass):
        # The bilinear transform of the analogue filter whose tables are the digital form.
        k = np.tan(np.pi * hertz / sample_rate)
        numerator = (
            squared + linear * k / quality + constant * k * k,
            2 * (constant * k * k - squared),
            squared - linear * k / quality + constant * k * k,
        )
        denominator = (1 + k / quality + k * k, 2 * (k * k - 1), 1 - k / quality + k * k)
        sections.append(np.array([*numerator, *denominator]) / denominator[0])
    # The standard leaves the high-pass's numerator as it is for every rate.
    sections[1][:3] = (1.0, -2.0, 1.0)
    return np.array(sections)


def momentary(slots: Powers, slots_per_s: int = 100) -> Powers:
    """Loudness in LUFS every STEP_S, of the window around it: value i is centred on i * STEP_S."""
    steps = _stepped(slots, slots_per_s)
    around = np.concatenate([np.zeros(_STEPS // 2), steps, np.zeros(_STEPS // 2)])
    return lufs_of(_windowed(around)[: len(steps)])


def integrated(slots: Powers, slots_per_s: int = 100) -> float:
    """Gated loudness in LUFS; SILENCE_LUFS for silence.

    What is shorter than one gating block counts as one block.
    """
    if not len(slots):
        return SILENCE_LUFS
    blocks = _windowed(_stepped(slots, slots_per_s, whole=True))
    if not len(blocks):
        return float(lufs_of(slots.mean()))
    blocks = blocks[blocks > _power_of(_ABSOLUTE_GATE_LUFS)]
    if not len(blocks):
        return SILENCE_LUFS
    gate_lufs = float(lufs_of(blocks.mean())) + _RELATIVE_GATE_LU
    return float(lufs_of(blocks[blocks > _power_of(gate_lufs)].mean()))


def loudness_of(sound: npt.NDArray[np.floating], heed: Callable[[], None] = lambda: None) -> float:
    """Integrated loudness in LUFS of `sound` [2, n] at 48 kHz.

    `heed` is asked every ten seconds of it, and may raise to stop.
    """
    meter = LoudnessMeter()
    for first in range(0, sound.shape[1], _PIECE):
        heed()
        meter.hear(sound[:, first : first + _PIECE])
    return integrated(meter.finish())


def _stepped(slots: Powers, slots_per_s: int, *, whole: bool = False) -> Powers:
    """Mean power in each STEP_S; the last, if not whole, as if silence followed."""
    each = round(STEP_S * slots_per_s)
    count = len(slots) // each if whole else -(-len(slots) // each)
    padded = np.zeros(count * each)
    heard = slots[: len(padded)]
    padded[: len(heard)] = heard
    return np.asarray(padded.reshape(count, each).mean(axis=1))


def _windowed(steps: Powers) -> Powers:
    """Mean power in the windows of whole steps."""
    count = max(0, len(steps) - _STEPS + 1)
    return np.asarray(sum(steps[first : first + count] for first in range(_STEPS)) / _STEPS)


def lufs_of(power: npt.ArrayLike) -> Powers:
    """Mean K-weighted power as loudness in LUFS, SILENCE_LUFS at least."""
    lufs = _OFFSET_LU + 10 * np.log10(np.maximum(power, 1e-30))
    return np.asarray(np.maximum(SILENCE_LUFS, lufs))


def _power_of(lufs: float) -> float:
    return float(10.0 ** ((lufs - _OFFSET_LU) / 10.0))
