"""Ensembles and pads: many players on one note, as one long loop built in the frequency domain.

Each partial is a cluster of detuned lines in a haze of random phases (Nasca's PADsynth, with a
sharp centre so that the pitch stays clear). The inverse transform is a seamless loop: no partial
above the limit, so no aliasing; left and right differ in phase, so it is wide. Two loops, dark
and bright, share their phases and are cross-faded by velocity and time.
"""

from __future__ import annotations

import functools

import msgspec
import numpy as np
import numpy.typing as npt
import scipy.fft

from musiscene_core.composing.sound.envelope import Envelope
from musiscene_core.composing.sound.noise import Breath, breathed
from musiscene_core.composing.sound.signal import (
    HIGHEST_PARTIAL_HZ,
    Audio,
    Points,
    control_times,
    decibels,
    drawn_out,
    hertz,
    rms,
)
from musiscene_core.composing.sound.spectrum import Spectrum
from musiscene_core.composing.sound.voice import Strike, brightness_of, loudness_of
from musiscene_core.timecode import SAMPLE_RATE

_MOST_PARTIALS = 120
_LOW_HZ = 160.0
_LOOPS = {"low": (118_000, 150_000), "high": (59_000, 75_000)}
"""Loop lengths in samples: low notes need the finer frequency grid of a longer loop."""


class Rank(msgspec.Struct, frozen=True):
    """A further tone above or below the note, like an organ's rank of pipes.

    Attributes:
        ratio: its frequency against the note's.
        gain_db: its level.
    """

    ratio: float
    gain_db: float


class Ensemble(msgspec.Struct, frozen=True, kw_only=True):
    """Many players, or a pad.

    Attributes:
        dark: spectrum of the softest note.
        bright: spectrum that velocity and time fade in.
        envelope: the note's shape.
        sections_cents: detuning of the groups of players.
        haze_cents: how far players stray around each group.
        haze_db: level of the haze against the groups' centres.
        ranks: which tones sound; one at the note's own pitch unless said otherwise.
        width: 0 (mono) to 1 (left and right unrelated).
        motion_db: slow wandering of the level.
        motion_hz: how fast it wanders.
        breath: bow noise or air; None is noiseless.
    """

    dark: Spectrum
    bright: Spectrum
    envelope: Envelope
    sections_cents: tuple[float, ...] = (-7.0, 4.0, 9.0)
    haze_cents: float = 12.0
    haze_db: float = -3.0
    ranks: tuple[Rank, ...] = (Rank(1.0, 0.0),)
    width: float = 0.6
    motion_db: float = 1.0
    motion_hz: float = 0.25
    breath: Breath | None = None

    def source(self, pitch: int, longest: int, random: np.random.Generator) -> EnsembleSource:
        """Build the two loops for `pitch`."""
        return EnsembleSource(self, _loops(self, hertz(pitch), random))


class EnsembleSource:
    """Plays one pitch of an ensemble out of its loops [dark or bright, channel, loop]."""

    def __init__(self, voice: Ensemble, loops: Audio) -> None:
        self._voice = voice
        self._loops = loops

    @property
    def nbytes(self) -> int:
        """Memory of its loops."""
        return self._loops.nbytes

    def length(self, strike: Strike) -> int:
        """Samples until the release has ended."""
        return strike.held + int(self._voice.envelope.release_s * SAMPLE_RATE)

    def play(self, strike: Strike, samples: int, random: np.random.Generator) -> Audio:
        """Cut the note out of the loops, from a place of its own, under its envelope."""
        envelope, held_s = self._voice.envelope, strike.held / SAMPLE_RATE
        time_s = control_times(samples)
        level = envelope.level(time_s, held_s, strike.velocity) * self._wander(time_s, random)
        bright = envelope.brightness(time_s, held_s, strike.velocity)
        expression = strike.expression(time_s)
        level *= loudness_of(expression)
        bright *= brightness_of(expression)
        dark_gain = drawn_out(level * (1.0 - bright), samples)
        bright_gain = drawn_out(level * bright, samples)
        note: Audio = np.empty((2, samples), dtype=np.float32)
        dark_loop, bright_loop = self._loops
        period = dark_loop.shape[1]
        at, where = 0, int(random.integers(period))
        while at < samples:
            count = min(samples - at, period - where, 16_384)
            piece = note[:, at : at + count]
            np.multiply(dark_loop[:, where : where + count], dark_gain[at : at + count], piece)
            piece += bright_loop[:, where : where + count] * bright_gain[at : at + count]
            at, where = at + count, (where + count) % period
        if self._voice.breath is not None:
            breathed(note, self._voice.breath, level, strike.velocity, random)
        return note

    def _wander(self, time_s: Points, random: np.random.Generator) -> Points:
        first, second = random.random(2) * 2 * np.pi
        rate = 2 * np.pi * self._voice.motion_hz
        motion = np.sin(rate * time_s + first) + 0.6 * np.sin(1.618 * rate * time_s + second)
        return np.asarray(10.0 ** (self._voice.motion_db / 20.0 * motion / 1.6))


def _loops(voice: Ensemble, fundamental_hz: float, random: np.random.Generator) -> Audio:
    low, high = _LOOPS["low" if fundamental_hz < _LOW_HZ else "high"]
    length = _loop_length(fundamental_hz, low, high)
    bins = length // 2 + 1
    magnitudes = np.zeros((2, bins))
    for rank in voice.ranks:
        root = fundamental_hz * rank.ratio
        count = int(min(_MOST_PARTIALS, HIGHEST_PARTIAL_HZ // root))
        partials = root * np.arange(1, count + 1)
        gain = decibels(rank.gain_db)
        for layer, spectrum in enumerate((voice.dark, voice.bright)):
            strengths = gain * spectrum.strengths(root, partials)
            _add_partials(magnitudes[layer], partials * length / SAMPLE_RATE, strengths, voice)
    left = random.random(bins) * 2 * np.pi
    right = left + voice.width * np.pi * random.uniform(-1.0, 1.0, bins)
    turns = np.exp(1j * np.stack([left, right])).astype(np.complex64)
    spectra = magnitudes.astype(np.float32)[:, None, :] * turns[None]
    loops: Audio = scipy.fft.irfft(spectra, n=length, axis=-1)
    for layer in loops:
        layer /= max(1e-12, rms(layer))
    return loops


def _add_partials(
    magnitude: npt.NDArray[np.float64],
    places: npt.NDArray[np.float64],
    strengths: npt.NDArray[np.float64],
    voice: Ensemble,
) -> None:
    """Add partials centred on the bins `places` to `magnitude` [bins]."""
    detuned = 2.0 ** (np.array([0.0, *voice.sections_cents]) / 1200.0)
    weights = np.array([1.0] + [0.55] * len(voice.sections_cents))
    lines = np.rint(np.multiply.outer(places, detuned)).astype(np.intp)
    inside = lines < len(magnitude)
    np.add.at(magnitude, lines[inside], np.multiply.outer(strengths, weights)[inside])
    haze = decibels(voice.haze_db)
    spread = places * (2.0 ** (voice.haze_cents / 1200.0) - 1.0)
    for place, strength, sigma in zip(places, strengths, spread, strict=True):
        if sigma < 0.3:
            continue
        first, last = int(place - 3 * sigma), min(len(magnitude), int(place + 3 * sigma) + 2)
        offset = (np.arange(first, last) - place) / sigma
        bell = np.exp(-0.5 * offset * offset)
        magnitude[first:last] += haze * strength / np.sqrt(sigma) * bell


@functools.lru_cache(maxsize=256)
def _loop_length(fundamental_hz: float, low: int, high: int) -> int:
    """A fast transform length between the bounds that holds nearly whole periods of the note."""
    lengths, candidate = [], low
    while candidate <= high:
        candidate = scipy.fft.next_fast_len(candidate, real=True)
        lengths.append(candidate)
        candidate += 1
    periods = np.array(lengths) * fundamental_hz / SAMPLE_RATE
    error = np.abs(np.log2(np.maximum(1.0, np.rint(periods)) / periods))
    return lengths[int(np.argmin(error))]
