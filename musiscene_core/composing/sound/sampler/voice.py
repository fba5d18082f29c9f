"""Plays a SoundFont's preset as an instrument: its zones, pitched, filtered and shaped.

Samples are read between their points by third-order Hermite curves. Velocity and expression set
level by the square, as General MIDI does, and open the filter by up to two octaves, as the
format's default modulators do. The font's own modulators, its effects sends and its sample links
are not read; a note's zones are what its key and velocity select.
"""

from __future__ import annotations

import msgspec
import numpy as np

from musiscene_core.composing.sound.kits import CHOKE_S
from musiscene_core.composing.sound.sampler import shapes, zones
from musiscene_core.composing.sound.sampler.samples import Sample, Samples
from musiscene_core.composing.sound.sampler.zones import Zone
from musiscene_core.composing.sound.signal import (
    SHORTEST_RAMP_S,
    Audio,
    Points,
    control_times,
    drawn_out,
)
from musiscene_core.composing.sound.voice import Strike, loudness_of
from musiscene_core.filtering import filtered
from musiscene_core.timecode import SAMPLE_RATE

_ATTENUATION_SHARE = 0.4
"""What every player since the EMU cards makes of the format's attenuation."""

_OPENS_CENTS = 2400.0
_OPENS_FILTERED_CENTS = 300.0
"""For a zone that its maker has filtered already: FluidSynth leaves such a filter where it is."""

_OPEN_CENTS = 13_500.0
_OPEN_HZ = 18_000.0
_FILTER_STEP_CENTS = 600.0
_MOST_SPEED = 64.0
_HERMITE_REACH = 3
_LOOP_ALWAYS, _LOOP_UNTIL_RELEASE = 1, 3
_QUIET_DB = 80.0
"""How far a release falls before it is cut short."""

_LONGEST_STROKE = 6 * SAMPLE_RATE
"""A drum's recording that goes round for ever is let go of here."""

_MOST_AT_ONCE = 32
"""Zones that sound for one note; no instrument layers more."""


class SampledSource:
    """Plays one key of a preset."""

    def __init__(
        self, fields: tuple[Zone, ...], samples: Samples, pitch: int, gain: float, *, struck: bool
    ) -> None:
        self._zones = tuple(zone for zone in fields if zone.keys[0] <= pitch <= zone.keys[1])
        self._samples = samples
        self._pitch = pitch
        self._gain = gain
        self._struck = struck

    @property
    def nbytes(self) -> int:
        """None of its own: samples are kept with their font."""
        return 0

    def length(self, strike: Strike) -> int:
        """Samples until the longest of its zones has died away."""
        own = self._let_go(strike)
        return max((self._lasts(zone, own) for zone in self._heard(own)), default=0)

    def play(self, strike: Strike, samples: int, random: np.random.Generator) -> Audio:
        """The note: all zones that its velocity selects."""
        note: Audio = np.zeros((2, samples), dtype=np.float32)
        own = self._let_go(strike)
        for zone in self._heard(own):
            count = min(samples, self._lasts(zone, own))
            sound = self._zone(zone, own, count)
            note[:, : sound.shape[1]] += sound
        if self._struck and own.held < min(samples, _LONGEST_STROKE):
            choking = int(CHOKE_S * SAMPLE_RATE)
            end = note[:, own.held :]
            end[:, :choking] *= np.linspace(1.0, 0.0, choking, dtype=np.float32)[: end.shape[1]]
            end[:, choking:] = 0.0
        # The player applies the level of the velocity; here it has chosen and opened zones.
        return note

    def _let_go(self, strike: Strike) -> Strike:
        """The strike, of a drum no longer than a drum rings."""
        if not self._struck or strike.held <= _LONGEST_STROKE:
            return strike
        return msgspec.structs.replace(strike, held=_LONGEST_STROKE)

    def _heard(self, strike: Strike) -> list[Zone]:
        velocity = max(1, round(strike.velocity * 127))
        heard = [zone for zone in self._zones if zone.covers(self._pitch, velocity)]
        return heard[:_MOST_AT_ONCE]

    def _lasts(self, zone: Zone, strike: Strike) -> int:
        released = strike.held + int(
            shapes.release_s(zone) * _QUIET_DB / shapes.TRAVEL_DB * SAMPLE_RATE
        )
        if zone.value(zones.LOOP_MODE) & 3 == _LOOP_ALWAYS:
            return released
        sample = self._samples.get(zone.sample)
        if zone.value(zones.LOOP_MODE) & 3 == _LOOP_UNTIL_RELEASE and sample.loop:
            return released
        whole = int(len(sample.wave) / self._speed(zone, sample)) + 1
        return min(whole, released)

    def _speed(self, zone: Zone, sample: Sample) -> float:
        """Samples of the recording for each of ours."""
        root = zone.value(zones.ROOT)
        key = zone.value(zones.FIXED_KEY)
        sounding = key if 0 <= key <= 127 else self._pitch
        own = sample.pitch if not 0 <= root <= 127 else root + sample.pitch - round(sample.pitch)
        cents = (sounding - own) * zone.value(zones.SCALE)
        cents += 100 * zone.value(zones.COARSE_TUNE) + zone.value(zones.FINE_TUNE)
        speed = sample.rate / SAMPLE_RATE * 2.0 ** (np.clip(cents, -12_000, 12_000) / 1200.0)
        return float(np.clip(speed, 1 / _MOST_SPEED, _MOST_SPEED))

    def _zone(self, zone: Zone, strike: Strike, samples: int) -> Audio:
        """One zone's sound [2, samples]."""
        sample = self._samples.get(zone.sample)
        time_s = control_times(samples)
        held_s = strike.held / SAMPLE_RATE
        shake = shapes.wave(zone, zones.MOD_LFO_DELAY, zones.MOD_LFO_HZ, time_s)
        sweep = shapes.modulation(zone, self._pitch, time_s, held_s)
        place = self._places(zone, sample, strike, time_s, shake, sweep, samples)
        tone = _read(sample, zone, place, strike)
        cutoff = self._cutoff_cents(zone, strike, time_s, shake, sweep)
        tone = _through(tone, cutoff, zone.value(zones.FILTER_Q) / 10.0)
        level = shapes.volume(zone, self._pitch, time_s, held_s) * self._gain
        level *= loudness_of(strike.expression(time_s))
        fixed_db = _ATTENUATION_SHARE * max(0, zone.value(zones.ATTENUATION)) / 10.0
        level_db = fixed_db + zone.value(zones.MOD_LFO_TO_VOLUME) / 10.0 * shake
        tone *= drawn_out(level * 10.0 ** (-level_db / 20.0), samples)
        ending = min(samples, round(SHORTEST_RAMP_S * SAMPLE_RATE))
        tone[samples - ending :] *= np.linspace(1.0, 0.0, ending, dtype=np.float32)
        angle = (np.clip(zone.value(zones.PAN) / 500.0, -1.0, 1.0) + 1.0) * np.pi / 4
        sides = np.sqrt(2) * np.array([np.cos(angle), np.sin(angle)])
        note: Audio = np.multiply.outer(sides.astype(np.float32), tone)
        return note

    def _places(
        self,
        zone: Zone,
        sample: Sample,
        strike: Strike,
        time_s: Points,
        shake: Points,
        sweep: Points,
        samples: int,
    ) -> Points:
        """Where in the recording each of our samples lies, before the loop folds it."""
        cents = zone.value(zones.MOD_LFO_TO_PITCH) * shake
        cents = cents + zone.value(zones.MOD_ENV_TO_PITCH) * sweep
        if zone.value(zones.VIB_LFO_TO_PITCH):
            vibrato = shapes.wave(zone, zones.VIB_LFO_DELAY, zones.VIB_LFO_HZ, time_s)
            cents = cents + zone.value(zones.VIB_LFO_TO_PITCH) * vibrato
        begin = zone.value(zones.START) + 32_768 * zone.value(zones.START_COARSE)
        speed = self._speed(zone, sample)
        if not np.any(cents):
            return begin + speed * np.arange(samples, dtype=np.float64)
        hop = round((time_s[1] - time_s[0]) * SAMPLE_RATE)
        speeds = speed * 2.0 ** (np.clip(cents, -4800, 4800) / 1200.0)
        starts = np.concatenate([[0.0], np.cumsum(speeds[:-1] * hop)])[:-1]
        inner = starts[:, None] + speeds[:-1, None] * np.arange(hop)
        return np.asarray(begin + inner.reshape(-1)[:samples])

    def _cutoff_cents(
        self, zone: Zone, strike: Strike, time_s: Points, shake: Points, sweep: Points
    ) -> Points:
        cents = np.full_like(time_s, min(_OPEN_CENTS, zone.value(zones.FILTER_CENTS)))
        cents += zone.value(zones.MOD_ENV_TO_FILTER) * sweep
        cents += zone.value(zones.MOD_LFO_TO_FILTER) * shake
        filtered_already = zone.value(zones.FILTER_CENTS) < _OPEN_CENTS
        opens = _OPENS_FILTERED_CENTS if filtered_already else _OPENS_CENTS
        return cents - opens * (1.0 - strike.velocity * strike.expression(time_s))


def _read(sample: Sample, zone: Zone, place: Points, strike: Strike) -> Audio:
    """The recording at fractional places, its loop gone round as the zone says."""
    wave, mode = sample.wave, zone.value(zones.LOOP_MODE) & 3
    loop = _loop(sample, zone) if mode in (_LOOP_ALWAYS, _LOOP_UNTIL_RELEASE) else None
    if loop is not None:
        first, last = loop
        # Folded a sample late, so that the curve's earlier neighbour lies in the loop as well.
        over = place >= last + 1
        if mode == _LOOP_UNTIL_RELEASE:
            over[strike.held :] = False
        folded = first + 1 + (place[over] - first - 1) % (last - first)
        if mode == _LOOP_UNTIL_RELEASE and over.any():
            released = place[strike.held :]
            if len(released) and released[0] >= last + 1:
                landed = first + 1 + (released[0] - first - 1) % (last - first)
                place[strike.held :] = released - released[0] + landed
        place[over] = folded
        if mode == _LOOP_ALWAYS:
            wave = np.concatenate([wave[:last], wave[first : first + _HERMITE_REACH + 1]])
    wave = np.pad(wave, (1, _HERMITE_REACH))
    highest = len(wave) - _HERMITE_REACH - 1
    beyond = (place < 0) | (place >= highest)
    whole = np.clip(place.astype(np.int64), 0, max(0, highest - 1))
    part = (place - whole).astype(np.float32)
    before, here, after, later = (wave.take(whole + step, mode="clip") for step in range(4))
    curve = 3 * (here - after) + later - before
    curve = (2 * before - 5 * here + 4 * after - later) + part * curve
    tone: Audio = here + 0.5 * part * (after - before + part * curve)
    tone[beyond] = 0.0
    return tone


def _loop(sample: Sample, zone: Zone) -> tuple[int, int] | None:
    """The loop with the zone's shifts; None where it makes no sense."""
    if sample.loop is None:
        return None
    first = sample.loop[0] + zone.value(zones.LOOP_START)
    first += 32_768 * zone.value(zones.LOOP_START_COARSE)
    last = sample.loop[1] + zone.value(zones.LOOP_END)
    last += 32_768 * zone.value(zones.LOOP_END_COARSE)
    if not (first >= 0 and first + _HERMITE_REACH < last <= len(sample.wave)):
        return None
    return first, last


def _through(tone: Audio, cutoff_cents: Points, resonance_db: float) -> Audio:
    """A low-pass whose corner moves: fixed ones in steps, faded into each other."""
    highest = 1200.0 * np.log2(_OPEN_HZ / 8.176)
    cutoff = np.clip(cutoff_cents, 1200.0, highest)
    if cutoff.min() >= highest and resonance_db <= 0:
        return tone
    if np.ptp(cutoff) < 1.0:
        section = _low_pass(float(cutoff[0]), resonance_db)[None, :]
        return np.asarray(filtered(section, tone[None, :])[0])
    places = cutoff / _FILTER_STEP_CENTS
    steps = range(int(np.floor(places.min())), int(np.ceil(places.max())) + 1)
    whole: Audio = np.zeros_like(tone)
    for step in steps:
        share = np.maximum(0.0, 1.0 - np.abs(places - step))
        section = _low_pass(step * _FILTER_STEP_CENTS, resonance_db)[None, :]
        whole += filtered(section, tone[None, :])[0] * drawn_out(share, len(tone))
    return whole


def _low_pass(cents: float, resonance_db: float) -> Points:
    """12 dB an octave; a resonance takes half its height off the rest, as the format asks."""
    q = 10.0 ** ((min(96.0, max(0.0, resonance_db)) - 3.01) / 20.0)
    omega = 2 * np.pi * min(_OPEN_HZ, shapes.hertz_of(cents)) / SAMPLE_RATE
    cosine, alpha = np.cos(omega), np.sin(omega) / (2 * q)
    gain = 1.0 / np.sqrt(max(q, 10.0 ** (-3.01 / 20.0)) / 10.0 ** (-3.01 / 20.0))
    edge = gain * (1 - cosine) / 2
    section = np.array([edge, 2 * edge, edge, 1 + alpha, -2 * cosine, 1 - alpha])
    return np.asarray(section / (1 + alpha))
