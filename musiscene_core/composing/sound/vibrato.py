"""Vibrato: a note is straight at first, then its pitch begins to swing."""

from __future__ import annotations

import msgspec
import numpy as np

from musiscene_core.composing.sound.signal import Points


class Vibrato(msgspec.Struct, frozen=True, kw_only=True):
    """A player's vibrato.

    Attributes:
        hz: its rate.
        cents: its depth to either side when full.
        delay_s: a note is straight this long.
        rise_s: then it grows over this.
    """

    hz: float = 5.3
    cents: float = 14.0
    delay_s: float = 0.35
    rise_s: float = 0.7

    def depth(self, time_s: Points) -> Points:
        """How much of it there is, 0 to 1, at `time_s` after the onset."""
        return np.asarray(np.clip((time_s - self.delay_s) / self.rise_s, 0.0, 1.0))
