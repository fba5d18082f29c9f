"""Instrument: a synthesiser's settings under a name, with its level."""

from __future__ import annotations

import msgspec

from musiscene_core.composing.sound.ensemble import Ensemble
from musiscene_core.composing.sound.kits import Kit
from musiscene_core.composing.sound.noise import Sweep
from musiscene_core.composing.sound.solo import Solo
from musiscene_core.composing.sound.struck import Struck


class Instrument(msgspec.Struct, frozen=True, kw_only=True):
    """An instrument.

    Attributes:
        voice: its synthesiser and settings.
        level_db: set so that instruments at one velocity and no gain balance.
    """

    voice: Ensemble | Solo | Struck | Sweep | Kit
    level_db: float = 0.0
