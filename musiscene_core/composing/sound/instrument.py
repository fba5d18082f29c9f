"""Instrument: a synthesiser's settings under a name, with its level and how it is played."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from musiscene_core.composing.sound.voice import Voice

Manner = Literal["held", "bowed", "strummed", "struck", "bed", "effect"]
"""How an instrument is played.

held: breath or a key sustains it.
bowed: sustained, and speaking so slowly that its players begin before the beat.
strummed: plucked or hammered, dying away; its chords are spread upwards.
struck: dying away, its chords together.
bed: sustained by a machine, exactly in time.
effect: with a course of its own, exactly in time.
"""


@dataclass(frozen=True)
class Instrument:
    """An instrument.

    Attributes:
        voice: its synthesiser and settings.
        level_db: set so that instruments at one velocity and no gain balance.
        manner: how it is played.
    """

    voice: Voice
    level_db: float = 0.0
    manner: Manner = "held"

    @property
    def fades(self) -> bool:
        """Its notes die away, or grow, by themselves: expression has no say in them."""
        return self.manner in ("strummed", "struck", "effect")

    @property
    def machine(self) -> bool:
        """Nobody plays it early or late."""
        return self.manner in ("bed", "effect")
