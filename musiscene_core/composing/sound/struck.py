"""Struck and plucked sounds: decaying modes, a hammer's noise, and a falling tone for drums.

All modes are summed by one matrix product: a decaying sine is z^(aB + b) = z^(aB) z^b, so rows a
and columns b of the sound come from two small tables. Exactly in tune, no aliasing, and far
cheaper than running a resonator per mode. A plucked string is its harmonics with the decays that
a lossy string (Karplus-Strong) gives them. Two layers, soft and hard, are mixed by velocity.
"""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt

from musiscene_core.composing.sound.noise import shared_noise, wrapped
from musiscene_core.composing.sound.signal import (
    HIGHEST_PARTIAL_HZ,
    SHORTEST_RAMP_S,
    Audio,
    control_times,
    decibels,
    drawn_out,
    hertz,
    rms,
)
from musiscene_core.composing.sound.spectrum import Spectrum
from musiscene_core.composing.sound.voice import Strike
from musiscene_core.filtering import product
from musiscene_core.timecode import SAMPLE_RATE

_COLUMNS = 128
_MOST_MODES = 60
_LONGEST_NOISE = 1 << 16
_DECAY_60_DB = 6.908
"""A mode has fallen 60 dB after this many time constants: ln 1000."""

_SPEAKS_S = SHORTEST_RAMP_S
"""When a stroke is at its highest: as the ramp is over, so that low drums do not speak late."""


class Burst(msgspec.Struct, frozen=True, kw_only=True):
    """A burst of noise: a hammer, a stick, a snare, a cymbal's wash.

    Attributes:
        low_hz: lower edge.
        high_hz: upper edge.
        level_db: against the modes at a hard stroke.
        ring_s: time to fall 60 dB.
        soft_db: how much less at a soft stroke.
        rise_s: how long it builds up.
    """

    low_hz: float
    high_hz: float
    level_db: float
    ring_s: float
    soft_db: float = -8.0
    rise_s: float = SHORTEST_RAMP_S


class Fall(msgspec.Struct, frozen=True, kw_only=True):
    """A sine that falls to its pitch, as a drum's skin does when it is hit hard.

    Attributes:
        from_hz: where it begins.
        to_hz: where it stays.
        settle_s: time constant of the fall.
        level_db: against the modes.
        ring_s: time to fall 60 dB.
    """

    from_hz: float
    to_hz: float
    settle_s: float
    level_db: float
    ring_s: float


class Modes(msgspec.Struct, frozen=True, kw_only=True):
    """Decaying partials.

    Attributes:
        ratios: of the partials to the fundamental; empty is a string's, 1, 2, 3 and so on.
        stiffness: stretches a string's partials: k sqrt(1 + stiffness k^2).
        soft: strengths at a soft stroke.
        hard: strengths at a hard stroke.
        ring_s: time for the fundamental of middle C to fall 60 dB.
        ring_slope: how much shorter higher notes ring: halves per octave at 1.
        damping: how much shorter higher partials ring.
        pluck: where the string is plucked, as a share of its length; 0 leaves it out.
        beating_cents: detuning of a second, longer-ringing string; 0 has one string.
        spread: how far the partials lie apart from left to right, 0 to 1.
        scatter: how far the partials' phases differ: 0 (all speak at once, as a drum's do) to 1.
    """

    soft: Spectrum
    hard: Spectrum
    ring_s: float
    ratios: tuple[float, ...] = ()
    stiffness: float = 0.0
    ring_slope: float = 0.5
    damping: float = 0.3
    pluck: float = 0.0
    beating_cents: float = 0.0
    spread: float = 0.5
    scatter: float = 1.0


class Struck(msgspec.Struct, frozen=True, kw_only=True):
    """A struck or plucked instrument.

    Attributes:
        modes: its partials.
        bursts: its noises.
        release_s: from the note's end until the damper has silenced it.
        attack_s: the stroke's softness.
    """

    modes: Modes
    bursts: tuple[Burst, ...] = ()
    release_s: float = 0.3
    attack_s: float = SHORTEST_RAMP_S

    def source(self, pitch: int, longest: int, random: np.random.Generator) -> StruckSource:
        """Sound `pitch` once, softly and hard, for all its notes."""
        fundamental_hz = hertz(pitch)
        ring_s = self.modes.ring_s * (261.6 / fundamental_hz) ** self.modes.ring_slope
        release = int(self.release_s * SAMPLE_RATE)
        samples = min(longest + release, int(1.3 * ring_s * SAMPLE_RATE))
        layers = struck_layers(
            self.modes, fundamental_hz, ring_s, self.bursts, (), max(64, samples), random
        )
        return StruckSource(layers, release, self.attack_s)


class StruckSource:
    """Plays one pitch out of its layers [soft or hard, channel, samples]."""

    def __init__(self, layers: Audio, release: int, attack_s: float, *, damped: bool = True):
        self._layers = layers
        self._release = release
        self._attack_s = max(SHORTEST_RAMP_S, attack_s)
        self._damped = damped

    @property
    def nbytes(self) -> int:
        """Memory of its layers."""
        return self._layers.nbytes

    def length(self, strike: Strike) -> int:
        """Samples until it has rung out or been damped."""
        whole = int(self._layers.shape[2])
        return min(whole, strike.held + self._release) if self._damped else whole

    def play(self, strike: Strike, samples: int, random: np.random.Generator) -> Audio:
        """Strike: harder is brighter, no two strokes quite alike."""
        hardness = strike.velocity**1.5 + 0.05 * (random.random() - 0.5)
        hardness = float(np.clip(hardness, 0.0, 1.0))
        soft, hard = self._layers[:, :, :samples]
        note: Audio = soft * np.float32(1.0 - hardness)
        note += hard * np.float32(hardness)
        rising = min(samples, round(self._attack_s * SAMPLE_RATE))
        note[:, :rising] *= np.sin(np.pi / 2 * np.arange(rising) / rising) ** 2
        if self._damped and samples > strike.held:
            time_s = control_times(samples - strike.held)
            gone = np.minimum(1.0, time_s * SAMPLE_RATE / self._release)
            note[:, strike.held :] *= drawn_out(
                np.cos(np.pi / 2 * gone) ** 3, samples - strike.held
            )
        return note


def struck_layers(
    modes: Modes | None,
    fundamental_hz: float,
    ring_s: float,
    bursts: tuple[Burst, ...],
    falls: tuple[Fall, ...],
    samples: int,
    random: np.random.Generator,
) -> Audio:
    """The sound of a soft and a hard stroke, [2, 2, samples], at unit RMS over their beginning."""
    layers: Audio = np.zeros((2, 2, samples), dtype=np.float32)
    if modes is not None:
        layers += _modal(modes, fundamental_hz, ring_s, samples, random)
        layers /= max(1e-9, _opening_level(layers[1]))
    time_s = np.arange(samples) / SAMPLE_RATE
    for fall in falls:
        tone = np.cos(2 * np.pi * (_turns(fall, time_s) - _turns(fall, _SPEAKS_S)))
        tone *= np.exp(-_DECAY_60_DB * time_s / fall.ring_s) * decibels(fall.level_db) * 1.4
        layers += tone.astype(np.float32)
    for burst in bursts:
        count = min(samples, int(1.3 * burst.ring_s * SAMPLE_RATE))
        length = min(_LONGEST_NOISE, 1 << max(12, (count - 1).bit_length()))
        loop = shared_noise(burst.low_hz, burst.high_hz, length)
        noise = wrapped(loop, int(random.integers(length)), count)
        shape = np.exp(-_DECAY_60_DB * time_s[:count] / burst.ring_s)
        shape *= np.minimum(1.0, time_s[:count] / burst.rise_s)
        sound = (noise * shape * decibels(burst.level_db)).astype(np.float32)
        layers[0, :, :count] += sound * np.float32(decibels(burst.soft_db))
        layers[1, :, :count] += sound
    # The end of the table is a short fade, for noise and modes are only nearly silent there.
    tail = min(samples, SAMPLE_RATE // 50)
    layers[:, :, samples - tail :] *= np.linspace(1.0, 0.0, tail, dtype=np.float32)
    for layer in layers:
        layer /= max(1e-9, _opening_level(layer))
    return layers


def _turns(fall: Fall, time_s: npt.ArrayLike) -> npt.NDArray[np.float64]:
    time_s = np.asarray(time_s)
    drop = (fall.from_hz - fall.to_hz) * fall.settle_s * (1 - np.exp(-time_s / fall.settle_s))
    return np.asarray(fall.to_hz * time_s + drop)


def _opening_level(layer: Audio) -> float:
    return rms(layer[:, : SAMPLE_RATE // 5])


def _modal(
    modes: Modes, fundamental_hz: float, ring_s: float, samples: int, random: np.random.Generator
) -> Audio:
    """All modes, soft and hard, left and right: [2, 2, samples]."""
    if modes.ratios:
        ratios = np.array(modes.ratios)
    else:
        number = np.arange(1, _MOST_MODES + 1)
        ratios = number * np.sqrt(1 + modes.stiffness * number**2)
        # The stretch belongs to the partials: the note itself stays in tune.
        ratios /= ratios[0]
    ratios = ratios[ratios * fundamental_hz < HIGHEST_PARTIAL_HZ]
    frequencies = ratios * fundamental_hz
    strengths = np.stack(
        [spectrum.strengths(fundamental_hz, frequencies) for spectrum in (modes.soft, modes.hard)]
    )
    if modes.pluck:
        strengths *= np.abs(np.sin(np.pi * modes.pluck * ratios)) + 0.02
    decay = _DECAY_60_DB / ring_s * (1 + modes.damping * (ratios - 1) + 0.02 * (ratios - 1) ** 1.5)
    phases = np.exp(
        2j * np.pi * (modes.scatter * (random.random(len(ratios)) - 0.5) - frequencies * _SPEAKS_S)
    )
    place = modes.spread * random.uniform(-1.0, 1.0, len(ratios))
    place[:1] *= 0.3
    sides = np.sqrt(np.stack([1 - place, 1 + place]))
    amplitudes = strengths[:, None, :] * sides[None] * phases
    if modes.beating_cents:
        # A piano's two-stage decay: a second string, softer, slightly off, ringing longer.
        off = 2.0 ** (modes.beating_cents / 1200.0)
        frequencies = np.concatenate([frequencies, frequencies * off])
        decay = np.concatenate([decay * 1.6, decay * 0.6])
        amplitudes = np.concatenate([amplitudes, 0.35 * amplitudes], axis=-1)
    return decaying_sines(frequencies, decay, amplitudes.reshape(4, -1), samples).reshape(
        2, 2, samples
    )


def decaying_sines(
    frequencies_hz: npt.NDArray[np.float64],
    decay_per_s: npt.NDArray[np.float64],
    amplitudes: npt.NDArray[np.complex128],
    samples: int,
) -> Audio:
    """Sums of decaying sines, one per row of complex `amplitudes` [r, k]: [r, samples]."""
    if not len(frequencies_hz):
        return np.zeros((len(amplitudes), samples), dtype=np.float32)
    rate = (2j * np.pi * frequencies_hz - decay_per_s) / SAMPLE_RATE
    rows = -(-samples // _COLUMNS)
    starts = np.exp(np.multiply.outer(np.arange(rows) * _COLUMNS, rate))
    left = amplitudes[:, None, :] * starts[None]
    right = np.exp(np.multiply.outer(rate, np.arange(_COLUMNS)))
    flat = left.reshape(-1, len(rate))
    # Re(xy) = Re x Re y - Im x Im y, as one real product.
    real = np.concatenate([flat.real, -flat.imag], axis=1).astype(np.float32)
    table = np.concatenate([right.real, right.imag], axis=0).astype(np.float32)
    return product(real, table).reshape(len(amplitudes), -1)[:, :samples]
