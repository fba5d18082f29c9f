"""Solo lines and basses: one player (or a few) per note, with vibrato, breath and glides.

Band-limited wave tables, dark and bright, cross-faded by velocity and time; two or three detuned
oscillators spread over the stereo field. Vibrato waits, then grows, as a player's does.
"""

from __future__ import annotations

import msgspec
import numpy as np
import scipy.fft

from musiscene_core.composing.sound.envelope import Envelope
from musiscene_core.composing.sound.noise import Breath, breathed
from musiscene_core.composing.sound.signal import (
    HIGHEST_PARTIAL_HZ,
    HOP,
    Audio,
    Points,
    control_times,
    decibels,
    drawn_out,
    hertz,
    rms,
)
from musiscene_core.composing.sound.spectrum import Spectrum
from musiscene_core.composing.sound.vibrato import Vibrato
from musiscene_core.composing.sound.voice import Strike, brightness_of, loudness_of
from musiscene_core.timecode import SAMPLE_RATE

_TABLE = 4096
_MOST_PARTIALS = 128
_LOWEST_HZ = 28.0
"""Below this an octave doubling only takes headroom."""
_BEND_HEADROOM = 1.06
"""Partials stay below the limit even when vibrato and scoop pull them up a semitone."""


class Solo(msgspec.Struct, frozen=True, kw_only=True):
    """A solo instrument or a bass.

    Attributes:
        dark: spectrum of the softest note.
        bright: spectrum that velocity and time fade in.
        envelope: the note's shape.
        detune_cents: one oscillator each.
        spread: 0 (all in the middle) to 1 (outermost oscillators at the sides).
        vibrato: None plays straight.
        breath: None is noiseless.
        scoop_cents: how far below the note it begins, sliding up in 50 ms.
        octave_down_db: level of a sine an octave below, where that can be heard; None has none.
    """

    dark: Spectrum
    bright: Spectrum
    envelope: Envelope
    detune_cents: tuple[float, ...] = (-3.0, 3.0)
    spread: float = 0.5
    vibrato: Vibrato | None = None
    breath: Breath | None = None
    scoop_cents: float = 0.0
    octave_down_db: float | None = None

    def source(self, pitch: int, longest: int, random: np.random.Generator) -> SoloSource:
        """Build the wave tables for `pitch`."""
        return SoloSource(self, pitch)


class SoloSource:
    """Plays one pitch of a solo instrument."""

    def __init__(self, voice: Solo, pitch: int) -> None:
        self._voice = voice
        self._hertz = hertz(pitch)
        self._tables = [
            _wave_table(spectrum, self._hertz) for spectrum in (voice.dark, voice.bright)
        ]

    @property
    def nbytes(self) -> int:
        """Memory of its tables."""
        return sum(table.nbytes for table in self._tables)

    def length(self, strike: Strike) -> int:
        """Samples until the release has ended."""
        return strike.held + int(self._voice.envelope.release_s * SAMPLE_RATE)

    def play(self, strike: Strike, samples: int, random: np.random.Generator) -> Audio:
        """Sing the note."""
        voice, held_s = self._voice, strike.held / SAMPLE_RATE
        time_s = control_times(samples)
        level = voice.envelope.level(time_s, held_s, strike.velocity)
        bright = voice.envelope.brightness(time_s, held_s, strike.velocity)
        expression = strike.expression(time_s)
        level *= loudness_of(expression)
        bright *= brightness_of(expression)
        dark_gain = drawn_out(level * (1.0 - bright), samples)
        bright_gain = drawn_out(level * bright, samples)
        note: Audio = np.zeros((2, samples), dtype=np.float32)
        share = 1.0 / np.sqrt(len(voice.detune_cents))
        places = np.linspace(-voice.spread, voice.spread, len(voice.detune_cents))
        if len(voice.detune_cents) == 1:
            places[:] = 0.0
        for cents, place in zip(voice.detune_cents, places, strict=True):
            phase = _phase(self._hertz, self._bend(time_s, cents, random), samples, random)
            tone, bright_tone = _looked_up(self._tables, phase)
            tone *= dark_gain
            tone += bright_tone * bright_gain
            angle = (place + 1.0) * np.pi / 4
            note[0] += tone * np.float32(share * np.sqrt(2) * np.cos(angle))
            note[1] += tone * np.float32(share * np.sqrt(2) * np.sin(angle))
        if voice.octave_down_db is not None and self._hertz / 2 >= _LOWEST_HZ:
            phase = _phase(self._hertz / 2, self._bend(time_s, 0.0, random), samples, random)
            deep = np.sin(np.float32(2 * np.pi) * phase) * drawn_out(level, samples)
            note += deep * np.float32(decibels(voice.octave_down_db) * np.sqrt(2))
        if voice.breath is not None:
            breathed(note, voice.breath, level, strike.velocity, random)
        return note

    def _bend(self, time_s: Points, detune_cents: float, random: np.random.Generator) -> Points:
        """Cents off the written pitch at the control points."""
        voice = self._voice
        cents = np.full_like(time_s, detune_cents)
        if voice.scoop_cents:
            cents -= voice.scoop_cents * np.exp(-time_s / 0.05)
        if voice.vibrato is not None:
            shake = voice.vibrato
            depth = shake.cents * shake.depth(time_s)
            rate = shake.hz * (1.0 + 0.04 * (random.random() - 0.5))
            cents += depth * np.sin(2 * np.pi * (rate * time_s + random.random()))
        return cents


def _phase(
    fundamental_hz: float, cents: Points, samples: int, random: np.random.Generator
) -> Audio:
    """Phase in turns, [samples], each hop of it starting in [0, 1) so that float32 holds it."""
    steps = fundamental_hz * 2.0 ** (cents[:-1] / 1200.0) * (HOP / SAMPLE_RATE)
    starts = random.random() + np.concatenate([[0.0], np.cumsum(steps[:-1])])
    ramp = np.arange(HOP, dtype=np.float32) / np.float32(HOP)
    phase: Audio = np.multiply.outer(steps.astype(np.float32), ramp)
    phase += (starts % 1.0).astype(np.float32)[:, None]
    return phase.reshape(-1)[:samples]


def _looked_up(tables: list[Audio], phase: Audio) -> list[Audio]:
    """Each table [T + 1] read at `phase` turns, in straight lines between its values."""
    place = phase * np.float32(_TABLE)
    whole = place.astype(np.int32)
    place -= whole
    whole &= _TABLE - 1
    read = [table.take(whole) for table in tables]
    whole += 1
    for value, table in zip(read, tables, strict=True):
        value += (table.take(whole) - value) * place
    return read


def _wave_table(spectrum: Spectrum, fundamental_hz: float) -> Audio:
    """One period [T + 1] at unit RMS, its last value equal to its first."""
    highest = HIGHEST_PARTIAL_HZ / (fundamental_hz * _BEND_HEADROOM)
    count = max(1, int(min(_MOST_PARTIALS, highest)))
    number = np.arange(1, count + 1)
    spectra = np.zeros(_TABLE // 2 + 1, dtype=np.complex128)
    # Schroeder's phases keep the wave from bunching into one tall peak a period.
    phases = -np.pi * number * (number - 1) / count - np.pi / 2
    spectra[1 : count + 1] = spectrum.strengths(fundamental_hz, fundamental_hz * number) * np.exp(
        1j * phases
    )
    period = scipy.fft.irfft(spectra, n=_TABLE).astype(np.float32)
    period /= rms(period)
    return np.append(period, period[0])
