"""A SoundFont voice's curves over time: envelopes and low-frequency oscillators.

Stages run as FluidSynth runs them: attack in a straight line, decay and release straight in
decibels, full travel 96 dB. Source: SoundFont 2.04, section 8.1.3; fluid_adsr_env.
"""

from __future__ import annotations

import numpy as np

from musiscene_core.composing.sound.sampler import zones
from musiscene_core.composing.sound.sampler.zones import Zone
from musiscene_core.composing.sound.signal import SHORTEST_RAMP_S, Points

TRAVEL_DB = 96.0
_LONGEST_STAGE_S = 100.0
_SHORTEST_S = 0.001
_LEAST_RELEASE_S = 0.01


def seconds(timecents: float) -> float:
    """A time in timecents."""
    if timecents <= -12_000:
        return _SHORTEST_S
    return float(min(_LONGEST_STAGE_S, 2.0 ** (timecents / 1200.0)))


def hertz_of(cents: float) -> float:
    """A frequency in absolute cents: 8.176 Hz at 0."""
    return float(8.176 * 2.0 ** (min(max(cents, -16_000.0), 14_000.0) / 1200.0))


def volume(zone: Zone, key: int, time_s: Points, held_s: float) -> Points:
    """Amplitude, 0 to 1, of a note held for `held_s`."""
    rising, shape_db = _stages(zone, zones.VOLUME_ENVELOPE, key, time_s, held_s)
    return np.asarray(rising * 10.0 ** (-shape_db / 20.0))


def modulation(zone: Zone, key: int, time_s: Points, held_s: float) -> Points:
    """The modulation envelope, 0 to 1."""
    rising, shape_db = _stages(zone, zones.MOD_ENVELOPE, key, time_s, held_s)
    return np.asarray(rising * np.clip(1.0 - shape_db / TRAVEL_DB, 0.0, 1.0))


def release_s(zone: Zone) -> float:
    """From the note's end until nothing is heard."""
    return max(_LEAST_RELEASE_S, seconds(zone.value(zones.VOLUME_ENVELOPE + 5)))


def wave(zone: Zone, delay: int, rate: int, time_s: Points) -> Points:
    """A triangle from -1 to 1 that begins at 0 after its delay, from two generators."""
    turns = hertz_of(zone.value(rate)) * np.maximum(0.0, time_s - seconds(zone.value(delay)))
    place = (turns + 0.25) % 1.0
    return np.asarray(1.0 - 4.0 * np.abs(place - 0.5))


def _stages(
    zone: Zone, first: int, key: int, time_s: Points, held_s: float
) -> tuple[Points, Points]:
    """The attack's rise, 0 to 1, and how far decay and release have fallen, in dB."""
    delay, attack, hold, decay = (zone.value(first + step) for step in range(4))
    off_key = 60 - key
    hold += zone.value(first + 6) * off_key
    decay += zone.value(first + 7) * off_key
    begin = seconds(delay) if delay > -12_000 else 0.0
    rise_s = max(SHORTEST_RAMP_S, seconds(attack))
    sustain_db = min(TRAVEL_DB, max(0.0, zone.value(first + 4) / 1000.0 * TRAVEL_DB))
    if first == zones.MOD_ENVELOPE:
        attacking = np.clip((time_s - begin) / rise_s, 0.0, 1.0)
    else:
        attacking = np.sin(np.pi / 2 * np.clip((time_s - begin) / rise_s, 0.0, 1.0))
    falling_from = begin + rise_s + (seconds(hold) if hold > -12_000 else 0.0)
    fallen_db = TRAVEL_DB * np.maximum(0.0, time_s - falling_from) / seconds(decay)
    fallen_db = np.minimum(fallen_db, sustain_db)
    release_from = max(held_s, 0.0)
    away_s = max(_LEAST_RELEASE_S, seconds(zone.value(first + 5)))
    after = np.maximum(0.0, time_s - release_from) / away_s
    return attacking, fallen_db + TRAVEL_DB * after
