"""A stem's channel strip: high-pass, equaliser and the hall, as one impulse response.

Being linear and the same from first sample to last, the strip runs as one fast convolution, block
by block. Every stem has its own send into the same hall, so stems sum to the mix.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from types import MappingProxyType

import msgspec
import numpy as np
import scipy.fft

from musiscene_core.composing.sound.filters import (
    Section,
    butterworth_band,
    high_pass,
    high_shelf,
    low_shelf,
    peaking,
)
from musiscene_core.composing.sound.signal import Audio, decibels, generator
from musiscene_core.cue import StemRole
from musiscene_core.filtering import filtered
from musiscene_core.timecode import SAMPLE_RATE

_HALL_SEED = 1887
"""One hall for every cue, so that takes can be cut together."""

_PRE_DELAY_S = 0.024
_HALL_S = 2.3
_WIDE_FROM_HZ = 200.0
_RETURN_LOW_HZ, _RETURN_HIGH_HZ = 180.0, 6000.0
_BAND_RINGS = SAMPLE_RATE // 4
"""Samples after which the return's filters have died away, far below the noise of float32."""

_TRANSFORM = 5 << 16
STRIP_BLOCK = 450 * 480
"""Samples a block: what the transform has room for beside the hall, in whole 10 ms."""


class Strip(msgspec.Struct, frozen=True, kw_only=True):
    """A channel strip's settings.

    Attributes:
        send_db: the hall's energy against the dry sound's.
        lowest_hz: high-pass corner.
        low_shelf_db: below 120 Hz.
        bells: (hertz, decibels, Q).
        high_shelf_db: above 5 kHz.
        width_db: what sets left and right apart, against what they share, above 200 Hz.
    """

    send_db: float
    lowest_hz: float = 28.0
    low_shelf_db: float = 0.0
    bells: tuple[tuple[float, float, float], ...] = ()
    high_shelf_db: float = 0.0
    width_db: float = 0.0

    def sections(self) -> list[Section]:
        """Its filters."""
        found = [high_pass(self.lowest_hz)]
        if self.low_shelf_db:
            found.append(low_shelf(120.0, self.low_shelf_db))
        found += [peaking(hz, gain_db, q) for hz, gain_db, q in self.bells]
        if self.high_shelf_db:
            found.append(high_shelf(5000.0, self.high_shelf_db))
        return found


STRIPS: Mapping[StemRole, Strip] = MappingProxyType(
    {
        "harmony": Strip(
            send_db=-8.0,
            lowest_hz=60.0,
            bells=((600.0, -2.0, 1.2), (1800.0, 4.5, 0.6)),
            high_shelf_db=-1.0,
            width_db=5.5,
        ),
        "bass": Strip(
            send_db=-22.0, lowest_hz=32.0, bells=((42.0, -3.5, 1.2), (78.0, 3.5, 1.2)), width_db=6.0
        ),
        "melody": Strip(
            send_db=-8.0,
            lowest_hz=90.0,
            bells=((600.0, -2.0, 1.2), (1800.0, 4.5, 0.6)),
            high_shelf_db=-1.0,
            width_db=7.0,
        ),
        "percussion": Strip(
            send_db=-12.0,
            lowest_hz=32.0,
            bells=((42.0, -2.5, 1.2),),
            high_shelf_db=-4.5,
            width_db=8.5,
        ),
        "texture": Strip(send_db=-8.0, lowest_hz=32.0, width_db=5.0),
    }
)
"""Each stem's strip."""


class StripRunner:
    """Runs a track through its strip block by block, by overlap-add: the hall rings on."""

    def __init__(self, strip: Strip) -> None:
        middle, aside, wet = _responses(strip)
        self._reach = wet.shape[1]
        self._aside = scipy.fft.rfft(aside, n=_TRANSFORM)
        shared = scipy.fft.rfft(middle, n=_TRANSFORM)
        self._shared = shared + scipy.fft.rfft(wet, n=_TRANSFORM, axis=-1)
        self._carried: Audio = np.zeros((2, _TRANSFORM - STRIP_BLOCK), dtype=np.float32)

    def run(self, block: Audio) -> Audio:
        """The next block [2, n], processed; n is STRIP_BLOCK but in the last block."""
        samples = block.shape[1]
        if not block.any() and not self._carried.any():
            return block
        spectra = scipy.fft.rfft(block, n=_TRANSFORM, axis=-1)
        middle = (spectra[0] + spectra[1]) * np.complex64(0.5)
        aside = (spectra[0] - middle) * self._aside
        np.multiply(middle, self._shared, out=spectra)
        spectra[0] += aside
        spectra[1] -= aside
        out: Audio = scipy.fft.irfft(spectra, n=_TRANSFORM, axis=-1, overwrite_x=True)
        out[:, : self._carried.shape[1]] += self._carried
        self._carried = out[:, STRIP_BLOCK:].copy()
        # The transform is a little longer than sound and response together: rounding is all
        # that lies there, and a pause must come back to silence.
        self._carried[:, self._reach - 1 :] = 0.0
        return out[:, :samples]


@functools.lru_cache(maxsize=8)
def _responses(strip: Strip) -> tuple[Audio, Audio, Audio]:
    """Impulse responses [n] to what the sides share and to what differs, and of the hall [2, n]."""
    room = hall()
    paths = np.zeros((3, room.shape[1]))
    paths[0, 0] = 1.0
    paths[1:] = room * decibels(strip.send_db)
    responses: Audio = filtered(np.array(strip.sections()), paths).astype(np.float32)
    middle = responses[0]
    # The shelf's other side: everything louder, and the lows back to where they were.
    wider = low_shelf(_WIDE_FROM_HZ, -strip.width_db)[None, :]
    aside: Audio = filtered(wider, responses[:1])[0] * np.float32(decibels(strip.width_db))
    return middle, aside, responses[1:]


@functools.lru_cache(maxsize=1)
def hall() -> Audio:
    """The hall's impulse response [2, n], of unit energy a side: early echoes, then a tail."""
    random = generator(_HALL_SEED, "hall")
    samples = int((_PRE_DELAY_S + _HALL_S) * SAMPLE_RATE)
    delay = int(_PRE_DELAY_S * SAMPLE_RATE)
    time_s = np.arange(samples - delay) / SAMPLE_RATE
    noise = random.standard_normal((2, samples - delay))
    tail = np.zeros_like(noise)
    size = scipy.fft.next_fast_len(noise.shape[1] + _BAND_RINGS, real=True)
    spectra = scipy.fft.rfft(noise, n=size, axis=-1)
    # Air and walls swallow the highs first: each band has its own time to fall 60 dB.
    edges = (_RETURN_LOW_HZ, 500.0, 1500.0, 3500.0, _RETURN_HIGH_HZ)
    fall_60_db_s = (2.5, 2.35, 2.0, 1.5)
    for low, high, ring_s in zip(edges[:-1], edges[1:], fall_60_db_s, strict=True):
        band = scipy.fft.irfft(spectra * butterworth_band(2, low, high, size), n=size, axis=-1)
        tail += band[:, : tail.shape[1]] * np.exp(-6.908 * time_s / ring_s)
    tail *= 1.0 - np.exp(-time_s / 0.012)
    tail[:, -2400:] *= np.linspace(1.0, 0.0, 2400)
    tail /= np.sqrt(np.sum(tail**2, axis=1, keepdims=True))
    echoes = np.zeros_like(tail)
    for number in range(10):
        for side in (0, 1):
            at = int(random.uniform(0.0, 0.06) * SAMPLE_RATE)
            echoes[side, at] += random.choice((-1.0, 1.0)) * 0.8**number
    colour = butterworth_band(1, _RETURN_LOW_HZ, 0.6 * _RETURN_HIGH_HZ, size)
    spectra = scipy.fft.rfft(echoes, n=size, axis=-1) * colour
    echoes = scipy.fft.irfft(spectra, n=size, axis=-1)[:, : tail.shape[1]]
    echoes *= 0.45 / np.sqrt(np.sum(echoes**2, axis=1, keepdims=True))
    room = np.zeros((2, samples))
    room[:, delay:] = tail + echoes
    room /= np.sqrt(np.sum(room**2, axis=1, keepdims=True))
    return room.astype(np.float32)
