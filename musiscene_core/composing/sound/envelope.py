"""Envelopes: how loud and how bright a held note is over its life.

Times are in seconds of the note's own clock. Everything is continuous and ends at exactly zero.
"""

from __future__ import annotations

import msgspec
import numpy as np

from musiscene_core.composing.sound.signal import SHORTEST_RAMP_S, Points
from musiscene_core.composing.sound.voice import brightness_of

_LARGEST_ATTACK_SHARE = 0.4
"""Of a short note: a slow pad still speaks when it is asked for quavers."""


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """How a note begins, lasts and ends.

    Attributes:
        attack_s: at middle velocity; loud notes are up to 30 % quicker, soft ones slower.
        decay_s: time constant from the peak to `sustain`; 0 holds the peak.
        sustain: level held after the decay, 0 to 1.
        release_s: from the note's end to silence.
        swell: how much a long note breathes: it begins and ends this much (0-1) below its middle.
        bright_attack_s: how long the tone takes to open.
        bright_decay_s: time constant in which it closes again; 0 stays open.
    """

    attack_s: float
    release_s: float
    decay_s: float = 0.0
    sustain: float = 1.0
    swell: float = 0.0
    bright_attack_s: float = 0.0
    bright_decay_s: float = 0.0

    def level(self, time_s: Points, held_s: float, velocity: float) -> Points:
        """Amplitude 0 to 1 at `time_s` of a note held for `held_s`; `velocity` is 0 to 1."""
        attack_s = min(self.attack_s * (1.3 - 0.6 * velocity), _LARGEST_ATTACK_SHARE * held_s)
        attack_s = max(SHORTEST_RAMP_S, attack_s)
        level = np.sin(np.pi / 2 * np.minimum(1.0, time_s / attack_s)) ** 2
        if self.decay_s > 0:
            fallen = np.exp(-np.maximum(0.0, time_s - attack_s) / self.decay_s)
            level *= self.sustain + (1.0 - self.sustain) * fallen
        if self.swell > 0:
            depth = self.swell * min(1.0, max(0.0, (held_s - 0.6) / 1.4))
            arch = np.sin(np.pi * np.minimum(1.0, time_s / held_s) ** 1.2)
            level *= 1.0 - depth * (1.0 - arch)
        release_s = max(SHORTEST_RAMP_S, self.release_s)
        gone = np.clip((time_s - held_s) / release_s, 0.0, 1.0)
        return np.asarray(level * np.cos(np.pi / 2 * gone) ** 3)

    def brightness(self, time_s: Points, held_s: float, velocity: float) -> Points:
        """How open the tone is at `time_s`, 0 (dark) to 1."""
        opening = np.ones_like(time_s)
        if self.bright_attack_s > 0:
            attack_s = min(self.bright_attack_s, 0.5 * held_s)
            opening = np.minimum(1.0, time_s / attack_s) ** 1.5
        if self.bright_decay_s > 0:
            opening = opening * np.exp(-time_s / self.bright_decay_s)
        if self.swell > 0:
            arch = np.sin(np.pi * np.minimum(1.0, time_s / held_s))
            opening = opening * (1.0 - 0.5 * self.swell * (1.0 - arch))
        return np.asarray(opening * brightness_of(velocity))
