"""Drum kits: which drum each General MIDI percussion note strikes, and how it sounds.

The recipes are data; `struck` makes the sound. A stroke rings for its own time whatever the
note's length, unless another stroke of its choke group cuts it off.
"""

from __future__ import annotations

import msgspec
import numpy as np

from musiscene_core.composing.sound.signal import Audio, decibels
from musiscene_core.composing.sound.spectrum import Spectrum
from musiscene_core.composing.sound.struck import Burst, Fall, Modes, StruckSource, struck_layers
from musiscene_core.composing.sound.voice import Strike
from musiscene_core.timecode import SAMPLE_RATE

CHOKE_S = 0.012
"""How fast a choked cymbal falls silent."""

_MEMBRANE = (1.0, 1.59, 2.14, 2.30, 2.65, 2.92, 3.50)
"""Modes of a circular membrane against its lowest."""


class Drum(msgspec.Struct, frozen=True, kw_only=True):
    """One drum.

    Attributes:
        pitches: General MIDI percussion notes that strike it.
        ring_s: time for its lowest mode to fall 60 dB.
        hz: its lowest mode.
        modes: its modes; None has none.
        bursts: its noises.
        falls: its falling tones.
        level_db: against the kit.
        pan: -1 (left) to 1.
        choke: strokes of one group cut each other off; empty rings freely.
    """

    pitches: tuple[int, ...]
    ring_s: float
    hz: float = 100.0
    modes: Modes | None = None
    bursts: tuple[Burst, ...] = ()
    falls: tuple[Fall, ...] = ()
    level_db: float = 0.0
    pan: float = 0.0
    choke: str = ""


class Kit(msgspec.Struct, frozen=True, kw_only=True):
    """A drum kit.

    Attributes:
        drums: its drums.
    """

    drums: tuple[Drum, ...]

    @property
    def struck(self) -> bool:
        """Its pitches are drums."""
        return True

    @property
    def pitches(self) -> tuple[int, ...]:
        """The notes it has drums on."""
        return tuple(pitch for drum in self.drums for pitch in drum.pitches)

    def has(self, pitch: int) -> bool:
        """Whether there is a drum on `pitch`."""
        return self.drum(pitch) is not None

    def choke(self, pitch: int) -> str:
        """The choke group of the drum on `pitch`; empty rings freely."""
        drum = self.drum(pitch)
        return drum.choke if drum is not None else ""

    def drum(self, pitch: int) -> Drum | None:
        """The drum that `pitch` strikes, or None."""
        return next((drum for drum in self.drums if pitch in drum.pitches), None)

    def source(self, pitch: int, longest: int, random: np.random.Generator) -> DrumSource:
        """Sound the drum on `pitch` once, softly and hard; `pitch` must be one the kit has."""
        drum = self.drum(pitch)
        if drum is None:
            raise KeyError(pitch)
        return DrumSource(drum, random)


class DrumSource:
    """Plays one drum."""

    def __init__(self, drum: Drum, random: np.random.Generator) -> None:
        noises = (burst.ring_s for burst in drum.bursts)
        ring = max([drum.ring_s, *noises, *(fall.ring_s for fall in drum.falls)])
        samples = int(1.1 * ring * SAMPLE_RATE)
        layers = struck_layers(
            drum.modes, drum.hz, drum.ring_s, drum.bursts, drum.falls, samples, random
        )
        angle = (drum.pan + 1) * np.pi / 4
        sides = np.array([np.cos(angle), np.sin(angle)]) * np.sqrt(2) * decibels(drum.level_db)
        layers *= sides.astype(np.float32)[:, None]
        self._samples = samples
        self._ringing = StruckSource(layers, int(CHOKE_S * SAMPLE_RATE), 0.0)

    @property
    def nbytes(self) -> int:
        """Memory of its two layers."""
        return self._ringing.nbytes

    def length(self, strike: Strike) -> int:
        """Samples until it has rung out or been choked."""
        return self._ringing.length(strike)

    def play(self, strike: Strike, samples: int, random: np.random.Generator) -> Audio:
        """Strike it."""
        return self._ringing.play(strike, samples, random)


def _metal(low: float, count: int, spacing: float) -> tuple[float, ...]:
    """Inharmonic ratios, ever denser: a cymbal's."""
    steps = np.arange(count)
    wobble = 0.13 * np.sin(steps * 2.399)
    return tuple(float(low + spacing * step + w) for step, w in zip(steps, wobble, strict=True))


_FLAT = Spectrum(slope_db=1.5)
_FALLING = Spectrum(slope_db=7.0)
_STEEP = Spectrum(slope_db=12.0)


def _skin(soft: Spectrum = _STEEP, hard: Spectrum = _FALLING, damping: float = 0.7) -> Modes:
    return Modes(
        ratios=_MEMBRANE,
        soft=soft,
        hard=hard,
        ring_s=1.0,
        damping=damping,
        spread=0.35,
        scatter=0.25,
    )


def _kick(deep_hz: float, ring_s: float, click_db: float) -> Drum:
    return Drum(
        pitches=(35, 36),
        ring_s=ring_s,
        falls=(
            Fall(from_hz=deep_hz * 3.2, to_hz=deep_hz, settle_s=0.022, level_db=3, ring_s=ring_s),
        ),
        bursts=(
            Burst(low_hz=900, high_hz=4200, level_db=click_db, ring_s=0.03, soft_db=-12),
            Burst(low_hz=60, high_hz=260, level_db=-6, ring_s=0.16),
        ),
        level_db=2.5,
    )


def _snare(hz: float, ring_s: float, wires_db: float) -> Drum:
    return Drum(
        pitches=(38, 40),
        ring_s=0.35,
        hz=hz,
        modes=_skin(),
        bursts=(
            Burst(low_hz=1400, high_hz=8500, level_db=wires_db, ring_s=ring_s, soft_db=-5),
            Burst(low_hz=300, high_hz=1600, level_db=wires_db - 4, ring_s=0.09),
        ),
        falls=(Fall(from_hz=hz * 1.5, to_hz=hz, settle_s=0.01, level_db=-2, ring_s=0.22),),
        pan=0.05,
    )


def _taiko(pitch: int, hz: float, ring_s: float, pan: float, skin_db: float) -> Drum:
    return Drum(
        pitches=(pitch,),
        ring_s=ring_s,
        hz=hz,
        modes=_skin(damping=0.55),
        falls=(Fall(from_hz=hz * 1.7, to_hz=hz, settle_s=0.035, level_db=2, ring_s=ring_s),),
        bursts=(
            Burst(low_hz=180, high_hz=1500, level_db=skin_db, ring_s=0.14, soft_db=-9),
            Burst(low_hz=1500, high_hz=5000, level_db=skin_db - 7, ring_s=0.03, soft_db=-14),
        ),
        level_db=2.5,
        pan=pan,
    )


def _toms(lowest_hz: float, ring_s: float, skin_db: float) -> tuple[Drum, ...]:
    places = zip((41, 43, 45, 47, 48, 50), (-0.5, -0.3, -0.1, 0.15, 0.35, 0.5), strict=True)
    return tuple(
        _taiko(pitch, lowest_hz * 1.19**step, ring_s * 0.93**step, pan, skin_db)
        for step, (pitch, pan) in enumerate(places)
    )


def _hat(pitches: tuple[int, ...], ring_s: float, level_db: float) -> Drum:
    return Drum(
        pitches=pitches,
        ring_s=ring_s,
        hz=3150.0,
        modes=Modes(ratios=_metal(1.0, 18, 0.21), soft=_FLAT, hard=_FLAT, ring_s=1.0, damping=0.05),
        bursts=(Burst(low_hz=6500, high_hz=15_000, level_db=2, ring_s=ring_s, soft_db=-3),),
        level_db=level_db,
        pan=0.3,
        choke="hats",
    )


def _cymbal(pitches: tuple[int, ...], hz: float, ring_s: float, wash_db: float, pan: float) -> Drum:
    return Drum(
        pitches=pitches,
        ring_s=ring_s,
        hz=hz,
        modes=Modes(
            ratios=_metal(1.0, 46, 0.37), soft=_FALLING, hard=_FLAT, ring_s=1.0, damping=0.06
        ),
        bursts=(
            Burst(low_hz=3000, high_hz=11_000, level_db=wash_db, ring_s=ring_s * 0.8, soft_db=-6),
            Burst(low_hz=600, high_hz=3500, level_db=wash_db - 5, ring_s=ring_s * 0.35),
        ),
        level_db=-6.0,
        pan=pan,
    )


def _shaken(pitch: int, low_hz: float, ring_s: float, pan: float, level_db: float) -> Drum:
    return Drum(
        pitches=(pitch,),
        ring_s=ring_s,
        bursts=(
            Burst(low_hz=low_hz, high_hz=13_000, level_db=0, ring_s=ring_s, soft_db=-2),
            Burst(low_hz=low_hz * 0.7, high_hz=low_hz * 2, level_db=-8, ring_s=ring_s * 0.5),
        ),
        level_db=level_db,
        pan=pan,
    )


def _wooden(pitch: int, hz: float, ring_s: float, pan: float) -> Drum:
    return Drum(
        pitches=(pitch,),
        ring_s=ring_s,
        hz=hz,
        modes=Modes(
            ratios=(1.0, 2.42, 3.9, 5.3), soft=_STEEP, hard=_FALLING, ring_s=1.0, damping=0.4
        ),
        bursts=(Burst(low_hz=1500, high_hz=6000, level_db=-9, ring_s=0.02),),
        level_db=-4.0,
        pan=pan,
    )


def _small_percussion() -> tuple[Drum, ...]:
    jingle = Modes(ratios=_metal(1.0, 14, 0.17), soft=_FLAT, hard=_FLAT, ring_s=1.0, damping=0.1)
    ringing = Modes(
        ratios=(1.0, 2.76, 4.1, 5.4, 7.2), soft=_FALLING, hard=_FLAT, ring_s=1.0, damping=0.08
    )
    return (
        _shaken(69, 5200, 0.11, 0.4, -9),
        _shaken(70, 6500, 0.07, -0.4, -10),
        Drum(
            pitches=(54,),
            ring_s=0.35,
            hz=5200,
            modes=jingle,
            bursts=(Burst(low_hz=5000, high_hz=14_000, level_db=-1, ring_s=0.2, soft_db=-3),),
            level_db=-9,
            pan=0.35,
        ),
        _wooden(75, 2450, 0.11, -0.25),
        _wooden(76, 880, 0.13, 0.25),
        _wooden(77, 640, 0.15, 0.3),
        Drum(pitches=(81,), ring_s=2.2, hz=2350, modes=ringing, level_db=-13, pan=-0.35),
    )


CINEMATIC_KIT = Kit(
    drums=(
        _kick(46.0, 0.75, -7.0),
        _snare(178.0, 0.34, 0.0),
        *_toms(58.0, 1.35, -1.0),
        _hat((42, 44), 0.09, -11.0),
        _hat((46,), 0.6, -11.0),
        _cymbal((49, 57), 420.0, 3.6, 3.0, -0.3),
        _cymbal((51,), 610.0, 2.4, -7.0, 0.4),
        _cymbal((55,), 760.0, 1.2, 2.0, 0.2),
        *_small_percussion(),
    )
)
"""Big drums in a big room: taikos for toms, a deep kick, long cymbals."""

SOFT_KIT = Kit(
    drums=(
        _kick(54.0, 0.4, -16.0),
        _snare(205.0, 0.2, -4.0),
        *_toms(84.0, 0.7, -6.0),
        _hat((42, 44), 0.06, -14.0),
        _hat((46,), 0.35, -14.0),
        _cymbal((49, 57), 560.0, 2.6, -3.0, -0.3),
        _cymbal((51,), 760.0, 1.8, -10.0, 0.4),
        _cymbal((55,), 930.0, 0.9, -1.0, 0.2),
        *_small_percussion(),
    )
)
"""A small, dry, gently played kit."""
