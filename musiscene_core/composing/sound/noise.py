"""Coloured noise, and swells and risers made of it.

Noise comes as long seamless loops made in the frequency domain, so any note is cut out of one.
"""

from __future__ import annotations

import functools

import msgspec
import numpy as np
import scipy.fft

from musiscene_core.composing.sound.signal import (
    Audio,
    Points,
    control_times,
    decibels,
    drawn_out,
    generator,
    hertz,
    rms,
)
from musiscene_core.composing.sound.voice import Strike
from musiscene_core.timecode import SAMPLE_RATE

_LOOP = 1 << 16
_NOISE_SEED = 1928
"""Of the noise that all share."""

_BANDS = 7
_INAUDIBLE = 0.003


def noise_loop(
    low_hz: float, high_hz: float, random: np.random.Generator, *, length: int = _LOOP
) -> Audio:
    """Stereo noise between two frequencies as a loop [2, length] at unit RMS, sides unrelated."""
    frequencies = np.fft.rfftfreq(length, 1 / SAMPLE_RATE)
    with np.errstate(divide="ignore"):
        below = (low_hz / frequencies) ** 4
    shape = 1.0 / np.sqrt((1.0 + below) * (1.0 + (frequencies / high_hz) ** 6))
    # Pink rather than white: equal strength per octave inside the band.
    shape[1:] /= np.sqrt(frequencies[1:] / low_hz)
    shape[0] = 0.0
    spectra = random.standard_normal((2, 2 * len(frequencies)), dtype=np.float32)
    loop: Audio = scipy.fft.irfft(
        spectra.view(np.complex64) * shape.astype(np.float32), n=length, axis=-1, overwrite_x=True
    )
    loop /= rms(loop)
    return loop


@functools.lru_cache(maxsize=48)
def shared_noise(low_hz: float, high_hz: float, length: int = _LOOP) -> Audio:
    """A loop that all notes and takes cut their noise from, each at a place of its own."""
    loop = noise_loop(low_hz, high_hz, generator(_NOISE_SEED, "noise"), length=length)
    loop.flags.writeable = False
    return loop


def wrapped(loop: Audio, start: int, samples: int) -> Audio:
    """`samples` of `loop` [2, period] from `start` on, round and round."""
    period = loop.shape[1]
    turns = -(-(start + samples) // period)
    return (
        np.tile(loop, turns)[:, start : start + samples]
        if turns > 1
        else loop[:, start : start + samples]
    )


class Breath(msgspec.Struct, frozen=True, kw_only=True):
    """Air or bow noise that goes with the tone.

    Attributes:
        level_db: against the tone.
        low_hz: lower edge of the noise.
        high_hz: upper edge of the noise.
        onset_db: extra level while the note speaks.
    """

    level_db: float
    low_hz: float
    high_hz: float
    onset_db: float = 6.0


def breathed(
    note: Audio,
    breath: Breath,
    level: Points,
    velocity: float,
    random: np.random.Generator,
) -> None:
    """Add to `note` [2, n] the noise that goes with its `level` at control points."""
    samples = note.shape[1]
    time_s = control_times(samples)
    speaking = decibels(breath.onset_db) - 1.0
    air = level * (1.0 + speaking * np.exp(-time_s / 0.05))
    air *= decibels(breath.level_db) * (0.4 + 0.6 * velocity)
    loop = shared_noise(breath.low_hz, breath.high_hz)
    start = int(random.integers(loop.shape[1]))
    note += wrapped(loop, start, samples) * drawn_out(air, samples)


class Sweep(msgspec.Struct, frozen=True, kw_only=True):
    """A band of noise that moves and grows through its note: risers and swells.

    Attributes:
        from_hz: where the band begins.
        to_hz: where it is at the note's end.
        octaves: half width of the band.
        growth: exponent of the crescendo; 1 is a straight line, 3 saves it for the end.
        release_s: from the note's end to silence.
        tone_db: level of a rising tone beneath, an octave up in all; None has none.
        tremolo_hz: the speed of a flutter that grows with it; 0 has none.
    """

    from_hz: float
    to_hz: float
    octaves: float = 1.0
    growth: float = 2.5
    release_s: float = 0.12
    tone_db: float | None = None
    tremolo_hz: float = 0.0

    def source(self, pitch: int, longest: int, random: np.random.Generator) -> SweepSource:
        """Make the bands of noise."""
        return SweepSource(self, pitch)


class SweepSource:
    """Plays sweeps out of bands of noise [band, 2, loop] that fade into each other."""

    def __init__(self, voice: Sweep, pitch: int) -> None:
        self._voice = voice
        self._hertz = hertz(pitch)
        low, high = sorted((voice.from_hz, voice.to_hz))
        self._edges = np.linspace(np.log2(low) - 1.0, min(np.log2(high) + 1.0, 14.2), _BANDS + 1)
        self._bands = [
            shared_noise(float(2.0**first), float(2.0**last))
            for first, last in zip(self._edges[:-1], self._edges[1:], strict=True)
        ]

    @property
    def nbytes(self) -> int:
        """None of its own: the noise belongs to all."""
        return 0

    def length(self, strike: Strike) -> int:
        """Samples until the release has ended."""
        return strike.held + int(self._voice.release_s * SAMPLE_RATE)

    def play(self, strike: Strike, samples: int, random: np.random.Generator) -> Audio:
        """Sweep from one band to the other over the note, loudest at its end."""
        voice = self._voice
        time_s = control_times(samples)
        held_s = max(0.02, strike.held / SAMPLE_RATE)
        through = np.minimum(1.0, time_s / held_s)
        level = through**voice.growth * self._release(time_s, held_s)
        if voice.tremolo_hz:
            depth = 0.35 * through
            level *= 1.0 - depth * (0.5 - 0.5 * np.cos(2 * np.pi * voice.tremolo_hz * time_s))
        span = np.log2(voice.to_hz / voice.from_hz)
        centre = np.log2(voice.from_hz) + span * through
        note: Audio = np.zeros((2, samples), dtype=np.float32)
        middles = (self._edges[:-1] + self._edges[1:]) / 2
        for band, middle in zip(self._bands, middles, strict=True):
            gain = np.exp(-(((middle - centre) / voice.octaves) ** 2))
            if gain.max() < _INAUDIBLE:
                continue
            start = int(random.integers(_LOOP))
            note += wrapped(band, start, samples) * drawn_out(level * gain, samples)
        if voice.tone_db is not None:
            note += self._tone(time_s, through, samples) * drawn_out(
                level * decibels(voice.tone_db), samples
            )
        return note

    def _release(self, time_s: Points, held_s: float) -> Points:
        gone = np.clip((time_s - held_s) / self._voice.release_s, 0.0, 1.0)
        return np.asarray(np.cos(np.pi / 2 * gone) ** 3)

    def _tone(self, time_s: Points, through: Points, samples: int) -> Audio:
        step = time_s[1] - time_s[0]
        speed = self._hertz * 2.0 ** (through**2)
        turns = np.concatenate([[0.0], np.cumsum(speed[:-1] * step)])
        # Drawn out in two parts, for float32 cannot count many turns and stay exact.
        whole = np.floor(turns[:-1])
        hop = round(step * SAMPLE_RATE)
        ramp = np.arange(hop) / hop
        inner = (turns[:-1] - whole)[:, None] + np.diff(turns)[:, None] * ramp
        phase = (2 * np.pi * inner.reshape(-1)[:samples]).astype(np.float32)
        return np.asarray(np.sin(phase) + 0.5 * np.sin(2 * phase) + 0.25 * np.sin(3 * phase))
