"""What a synthesiser offers the player: a source per pitch, which plays notes at that pitch.

A source is built once for all notes of one part at one pitch and thrown away afterwards, so the
costly work (tables, resonances) is shared and memory stays small.
"""

from __future__ import annotations

from typing import Protocol

import msgspec
import numpy as np

from musiscene_core.composing.sound.signal import Audio


class Strike(msgspec.Struct, frozen=True):
    """One note, in samples.

    Attributes:
        start: cue sample of its onset.
        held: samples until its release begins.
        velocity: 0 to 1.
        index: its place in the part: seeds what is random about it.
    """

    start: int
    held: int
    velocity: float
    index: int


class Source(Protocol):
    """Sounds one pitch of one instrument."""

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


def loudness_of(velocity: float) -> float:
    """Amplitude of a velocity of 0 to 1: about 34 dB from the softest audible to the loudest."""
    return float(velocity**1.7)
