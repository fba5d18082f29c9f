"""What a synthesiser offers the player: a source per pitch, which plays notes at that pitch.

A source is built once for all notes of one instrument at one pitch, so the costly work (tables,
resonances) is shared; it always comes out the same, so it may be thrown away and built again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeVar, runtime_checkable

import msgspec
import numpy as np

from musiscene_core.composing.sound.signal import Audio, Points
from musiscene_core.timecode import SAMPLE_RATE

Value = TypeVar("Value", float, Points)


@dataclass(frozen=True)
class Swell:
    """A part's expression in cue seconds: `values`, 0 to 1, at `times_s`, straight lines between.

    A value is to a sustained note what velocity is to its beginning: level and brightness.
    """

    times_s: Points
    values: Points


class Strike(msgspec.Struct, frozen=True):
    """One note, in samples.

    Attributes:
        start: cue sample of its onset.
        held: samples until its release begins.
        velocity: 0 to 1.
        index: its number in the part: seeds what is random about it.
        swell: the part's expression; None plays at full.
    """

    start: int
    held: int
    velocity: float
    index: int
    swell: Swell | None = None

    def expression(self, time_s: Points) -> Points:
        """The expression, 0 to 1, at seconds of the note's own clock."""
        if self.swell is None:
            return np.ones_like(time_s)
        heard = time_s + self.start / SAMPLE_RATE
        return np.asarray(np.interp(heard, self.swell.times_s, self.swell.values))


class Source(Protocol):
    """Sounds one pitch of one instrument."""

    @property
    def nbytes(self) -> int:
        """Memory it holds."""
        ...

    def length(self, strike: Strike) -> int:
        """Samples from the onset until the note has died away."""
        ...

    def play(self, strike: Strike, samples: int, random: np.random.Generator) -> Audio:
        """The first `samples` of the note, [2, samples], at full level whatever its velocity.

        `samples` is never more than `length`.
        """
        ...


class Voice(Protocol):
    """A synthesiser with its settings."""

    def source(self, pitch: int, longest: int, random: np.random.Generator) -> Source:
        """Prepare to sound `pitch` (MIDI) for notes held up to `longest` samples."""
        ...


@runtime_checkable
class Percussion(Protocol):
    """A voice whose pitches are drums: they ring whatever a note's length, or choke each other."""

    @property
    def struck(self) -> bool:
        """Whether it is one."""
        ...

    def has(self, pitch: int) -> bool:
        """Whether there is a drum on `pitch`."""
        ...

    def choke(self, pitch: int) -> str:
        """Drums of one group cut each other off; empty rings freely."""
        ...


def kit_of(voice: object) -> Percussion | None:
    """The voice, if its pitches are drums."""
    return voice if isinstance(voice, Percussion) and voice.struck else None


def loudness_of(velocity: Value) -> Value:
    """Amplitude of a velocity of 0 to 1, as General MIDI has it: 40 dB for a tenth."""
    return velocity * velocity


def brightness_of(velocity: Value) -> Value:
    """How open the tone of a velocity of 0 to 1 is, 0 (dark) to 1."""
    return velocity**1.5  # type: ignore[no-any-return]
