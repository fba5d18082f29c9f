"""Ensembles and pads: many players on one note, as one long loop built in the frequency domain.

Each partial is a cluster of detuned lines in a haze of random phases (Nasca's PADsynth, with a
sharp centre so that the pitch stays clear). The inverse transform is a seamless loop: no partial
above the limit, so no aliasing; left and right differ in phase, so it is wide. Two loops, dark
and bright, share their phases and are cross-faded by velocity and time. Players who use vibrato
have the same two once more with it, which a note turns to when it has lasted long enough.
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
from musiscene_core.composing.sound.vibrato import Vibrato
from musiscene_core.composing.sound.voice import Strike, brightness_of, loudness_of
from musiscene_core.timecode import SAMPLE_RATE

_MOST_PARTIALS = 120
_LOW_HZ = 160.0
_LOOPS = {"low": (118_000, 150_000), "high": (59_000, 75_000)}
"""Loop lengths in samples: low notes need the finer frequency grid of a longer loop."""
_UNLIKE = 0.2
"""How far apart, as a share, the groups' rates of vibrato are."""
_FAINTEST_BAND = 0.003
"""Side bands 50 dB below their line are left out."""


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
        vibrato: each group of players has one of its own; None plays straight.
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
    vibrato: Vibrato | None = None
    breath: Breath | None = None

    def source(self, pitch: int, longest: int, random: np.random.Generator) -> EnsembleSource:
        """Build the loops for `pitch`."""
        shaken = self.vibrato is not None and longest > self.vibrato.delay_s * SAMPLE_RATE
        return EnsembleSource(self, *_loops(self, hertz(pitch), random, shaken=shaken))


class EnsembleSource:
    """Plays one pitch of an ensemble out of its loops [dark or bright, channel, loop]."""

    def __init__(self, voice: Ensemble, straight: Audio, shaken: Audio | None = None) -> None:
        self._voice = voice
        self._straight = straight
        self._shaken = shaken

    @property
    def nbytes(self) -> int:
        """Memory of its loops."""
        return self._straight.nbytes + (0 if self._shaken is None else self._shaken.nbytes)

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
        where = int(random.integers(self._straight.shape[-1]))
        shake = self._voice.vibrato
        if shake is None or self._shaken is None:
            self._cut(self._straight, where, dark_gain, bright_gain, note)
        else:
            # The straight loops until the vibrato begins, both while it grows, then the others.
            begun = min(samples, round(shake.delay_s * SAMPLE_RATE))
            grown = min(samples, round((shake.delay_s + shake.rise_s) * SAMPLE_RATE))
            depth = drawn_out(shake.depth(time_s), samples)
            growing = slice(begun, grown)
            rising = np.empty((2, grown - begun), dtype=np.float32)
            after = (where + begun) % self._straight.shape[-1]
            self._cut(self._shaken, after, dark_gain[begun:], bright_gain[begun:], note[:, begun:])
            note[:, growing] *= depth[growing]
            left = 1.0 - depth[growing]
            dark_left, bright_left = dark_gain[growing] * left, bright_gain[growing] * left
            self._cut(self._straight, after, dark_left, bright_left, rising)
            note[:, growing] += rising
            self._cut(
                self._straight, where, dark_gain[:begun], bright_gain[:begun], note[:, :begun]
            )
        if self._voice.breath is not None:
            breathed(note, self._voice.breath, level, strike.velocity, random)
        return note

    def _cut(self, loops: Audio, where: int, dark: Audio, bright: Audio, into: Audio) -> None:
        """Fill `into` [2, n] from place `where` of `loops` on, under the gains [n]."""
        dark_loop, bright_loop = loops
        at, samples, period = 0, into.shape[1], dark_loop.shape[1]
        while at < samples:
            count = min(samples - at, period - where, 16_384)
            piece = into[:, at : at + count]
            np.multiply(dark_loop[:, where : where + count], dark[at : at + count], piece)
            piece += bright_loop[:, where : where + count] * bright[at : at + count]
            at, where = at + count, (where + count) % period

    def _wander(self, time_s: Points, random: np.random.Generator) -> Points:
        first, second = random.random(2) * 2 * np.pi
        rate = 2 * np.pi * self._voice.motion_hz
        motion = np.sin(rate * time_s + first) + 0.6 * np.sin(1.618 * rate * time_s + second)
        return np.asarray(10.0 ** (self._voice.motion_db / 20.0 * motion / 1.6))


def _loops(
    voice: Ensemble, fundamental_hz: float, random: np.random.Generator, *, shaken: bool
) -> list[Audio]:
    """The straight loops and, if wanted, those with vibrato, [2, 2, loop] each."""
    low, high = _LOOPS["low" if fundamental_hz < _LOW_HZ else "high"]
    length = _loop_length(fundamental_hz, low, high)
    bins = length // 2 + 1
    haze = np.zeros((2, bins))
    lines, strengths = _lines(voice, fundamental_hz, length)
    _add_haze(haze, lines[:, 0], strengths[:, :, 0], voice)
    left = random.random(bins) * 2 * np.pi
    right = left + voice.width * np.pi * random.uniform(-1.0, 1.0, bins)
    turns = np.exp(1j * np.stack([left, right])).astype(np.complex64)
    places = np.rint(lines).astype(np.intp)
    inside = places < bins
    straight = haze.copy()
    for layer, strength in zip(straight, strengths, strict=True):
        np.add.at(layer, places[inside], strength[inside])
    spectra = [straight.astype(np.float32)[:, None, :] * turns[None]]
    if shaken and voice.vibrato is not None:
        swinging = haze.astype(np.float32)[:, None, :] * turns[None]
        _add_swinging(swinging, places, strengths, turns, voice.vibrato, length, random)
        spectra.append(swinging)
    found: list[Audio] = []
    for spectrum in spectra:
        loops: Audio = scipy.fft.irfft(spectrum, n=length, axis=-1)
        for loop in loops:
            loop /= max(1e-12, rms(loop))
        found.append(loops)
    return found


def _lines(
    voice: Ensemble, fundamental_hz: float, length: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Bins [partials, groups] of the groups' partials, and their strengths [2, partials, groups].

    The first group plays exactly in tune.
    """
    detuned = 2.0 ** (np.array([0.0, *voice.sections_cents]) / 1200.0)
    weights = np.array([1.0] + [0.55] * len(voice.sections_cents))
    every, strong = [], []
    for rank in voice.ranks:
        root = fundamental_hz * rank.ratio
        count = int(min(_MOST_PARTIALS, HIGHEST_PARTIAL_HZ // root))
        partials = root * np.arange(1, count + 1)
        every.append(partials * length / SAMPLE_RATE)
        layers = [spectrum.strengths(root, partials) for spectrum in (voice.dark, voice.bright)]
        strong.append(decibels(rank.gain_db) * np.stack(layers))
    places, strengths = np.concatenate(every), np.concatenate(strong, axis=1)
    return np.multiply.outer(places, detuned), np.multiply.outer(strengths, weights)


def _add_haze(
    haze: npt.NDArray[np.float64],
    places: npt.NDArray[np.float64],
    strengths: npt.NDArray[np.float64],
    voice: Ensemble,
) -> None:
    """Add to `haze` [2, bins] what strays around partials at the bins `places`."""
    level = decibels(voice.haze_db)
    spread = places * (2.0 ** (voice.haze_cents / 1200.0) - 1.0)
    for place, strength, sigma in zip(places, strengths.T, spread, strict=True):
        if sigma < 0.3:
            continue
        first, last = int(place - 3 * sigma), min(haze.shape[1], int(place + 3 * sigma) + 2)
        offset = (np.arange(first, last) - place) / sigma
        bell = np.exp(-0.5 * offset * offset)
        haze[:, first:last] += np.multiply.outer(level * strength / np.sqrt(sigma), bell)


def _add_swinging(
    spectra: npt.NDArray[np.complex64],
    places: npt.NDArray[np.intp],
    strengths: npt.NDArray[np.float64],
    turns: npt.NDArray[np.complex64],
    shake: Vibrato,
    length: int,
    random: np.random.Generator,
) -> None:
    """Add to `spectra` [2, 2, bins] the lines at `places` [partials, groups], each with vibrato.

    A tone whose pitch swings is a line with side bands as strong as Bessel functions say
    (Chowning, The Synthesis of Complex Audio Spectra by Means of Frequency Modulation, 1973).
    Every group swings at a rate and in a phase of its own, a whole number of times a loop.
    """
    bins, groups = spectra.shape[-1], places.shape[1]
    rates = shake.hz * (1.0 + _UNLIKE * (np.arange(groups) / max(1, groups - 1) - 0.5))
    steps = np.maximum(1, np.rint(rates * length / SAMPLE_RATE)).astype(np.intp)
    phases = np.asarray(random.uniform(0.0, 2 * np.pi, groups))
    swing = places / steps * (2.0 ** (shake.cents / 1200.0) - 1.0)
    # One turn of the swing, transformed, gives every side band's strength at once.
    most = int(swing.max()) + 4
    count = 2 * most
    turn = np.exp(1j * np.multiply.outer(swing, np.sin(2 * np.pi * np.arange(count) / count)))
    bands = scipy.fft.fft(turn, axis=-1) / count
    orders = (np.arange(count) + most) % count - most
    at = places[..., None] + np.multiply.outer(steps, orders)
    heard = (np.abs(bands) > _FAINTEST_BAND) & (at > 0) & (at < bins) & (places < bins)[..., None]
    line, group, order = np.nonzero(heard)
    swung = bands[heard] * np.exp(1j * orders[order] * phases[group])
    at, own = at[heard], places[line, group]
    for layer, strength in zip(spectra, strengths, strict=True):
        for channel, phase in zip(layer, turns, strict=True):
            tone = (strength[line, group] * swung * phase[own]).astype(np.complex64)
            np.add.at(channel, at, tone)


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
