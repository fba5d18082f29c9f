"""Instrument: a synthesiser's settings under a name, with its level."""

from __future__ import annotations

from dataclasses import dataclass

from musiscene_core.composing.sound.voice import Voice


@dataclass(frozen=True)
class Instrument:
    """An instrument.

    Attributes:
        voice: its synthesiser and settings.
        level_db: set so that instruments at one velocity and no gain balance.
    """

    voice: Voice
    level_db: float = 0.0
