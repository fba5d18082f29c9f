"""A stem's channel strip: high-pass, equaliser and the hall, as one impulse response.

Being linear and the same from first sample to last, the strip runs as one fast convolution, block
by block and in place. Every stem has its own send into the same hall, so stems sum to the mix.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
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
_RETURN_LOW_HZ, _RETURN_HIGH_HZ = 180.0, 6000.0
_BAND_RINGS = SAMPLE_RATE // 4
"""Samples after which the return's filters have died away, far below the noise of float32."""

_BLOCK = 5 << 16
_BLOCKS_AT_ONCE = 2


class Strip(msgspec.Struct, frozen=True, kw_only=True):
    """A channel strip's settings.

    Attributes:
        send_db: the hall's energy against the dry sound's.
        lowest_hz: high-pass corner.
        low_shelf_db: below 120 Hz.
        bells: (hertz, decibels, Q).
        high_shelf_db: above 5 kHz.
    """

    send_db: float
    lowest_hz: float = 28.0
    low_shelf_db: float = 0.0
    bells: tuple[tuple[float, float, float], ...] = ()
    high_shelf_db: float = 0.0

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
            send_db=-8.0, lowest_hz=60.0, bells=((1500.0, 3.0, 0.6),), high_shelf_db=-2.5
        ),
        "bass": Strip(send_db=-22.0, lowest_hz=30.0),
        "melody": Strip(
            send_db=-8.0, lowest_hz=90.0, bells=((1500.0, 2.5, 0.6),), high_shelf_db=-2.0
        ),
        "percussion": Strip(send_db=-12.0),
        "texture": Strip(send_db=-8.0),
    }
)
"""Each stem's strip."""


def run_strip(strip: Strip, stem: Audio, checkpoint: Callable[[], None]) -> None:
    """Put `stem` [2, n] through the strip in place; `checkpoint` is called between blocks."""
    samples = stem.shape[1]
    if not samples:
        return
    dry, wet = _responses(strip)
    reach = min(wet.shape[1], samples)
    transform = min(_BLOCK, scipy.fft.next_fast_len(samples + reach, real=True))
    hop = transform - reach + 1
    count = min(_BLOCKS_AT_ONCE, -(-samples // hop))
    dry_spectrum = scipy.fft.rfft(dry[:reach], n=transform)
    wet_spectra = scipy.fft.rfft(wet[:, :reach], n=transform, axis=-1)
    carried = np.zeros((2, reach - 1), dtype=np.float32)
    for first in range(0, samples, hop * count):
        checkpoint()
        blocks = np.zeros((2, count, transform), dtype=np.float32)
        for block in range(count):
            piece = stem[:, first + block * hop : first + (block + 1) * hop]
            blocks[:, block, : piece.shape[1]] = piece
        if not blocks.any() and not carried.any():
            continue
        spectra = scipy.fft.rfft(blocks, axis=-1)
        sent = (spectra[0] + spectra[1]) * np.complex64(0.5)
        spectra *= dry_spectrum
        for side in (0, 1):
            spectra[side] += sent * wet_spectra[side]
        blocks = scipy.fft.irfft(spectra, n=transform, axis=-1, overwrite_x=True)
        for block in range(count):
            at = first + block * hop
            if at >= samples:
                break
            out = blocks[:, block]
            out[:, : reach - 1] += carried
            carried = out[:, hop:].copy()
            stem[:, at : at + hop] = out[:, : min(hop, samples - at)]


@functools.lru_cache(maxsize=8)
def _responses(strip: Strip) -> tuple[Audio, Audio]:
    """Impulse responses of the dry path [n] and of send, hall and return [2, n]."""
    hall = _hall()
    paths = np.zeros((3, hall.shape[1]))
    paths[0, 0] = 1.0
    paths[1:] = hall * decibels(strip.send_db)
    responses: Audio = filtered(np.array(strip.sections()), paths).astype(np.float32)
    return responses[0], responses[1:]


@functools.lru_cache(maxsize=1)
def _hall() -> Audio:
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
    hall = np.zeros((2, samples))
    hall[:, delay:] = tail + echoes
    hall /= np.sqrt(np.sum(hall**2, axis=1, keepdims=True))
    return hall.astype(np.float32)
