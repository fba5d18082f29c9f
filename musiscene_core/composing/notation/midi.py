"""A cue as a Standard MIDI File, type 1, whose time 0 is the cue's second 0.

What lies before the first downbeat becomes a pickup bar with a tempo of its own, exactly as long
as it is; every tempo is whole microseconds a beat, chosen so that rounding never adds up. A ramp
is a tempo a quarter of a beat. Knows nothing of how notes sound.
"""

from __future__ import annotations

import io
import math
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import MappingProxyType

import mido

from musiscene_core.composing.expression import value_at
from musiscene_core.composing.notation.quantise import pickup_steps
from musiscene_core.cue import Cue, Part
from musiscene_core.spelling import tonic_name
from musiscene_core.tempo_map import TempoMap

TICKS_PER_BEAT = 960
_DRUMS = 9
_MIN_US, _MAX_US = 1, (1 << 24) - 1
_BLOCK_BEATS = 32
"""A tempo that is no whole number of microseconds is dithered within blocks of this length."""
_RAMP_BEATS = 0.25
_EXPRESSION_BEATS = 0.125
"""How often a curve is written as controller 11."""

PROGRAMS = MappingProxyType(
    {
        "warm_pad": 89,
        "string_ensemble": 48,
        "soft_choir": 52,
        "felt_piano": 0,
        "glass_pad": 92,
        "pizzicato": 45,
        "harp": 46,
        "brass_ensemble": 61,
        "sub_bass": 39,
        "contrabass": 43,
        "pulse_bass": 38,
        "solo_strings": 40,
        "flute": 73,
        "clarinet": 71,
        "horn": 60,
        "music_box": 10,
        "synth_lead": 81,
        "celesta": 8,
        "glockenspiel": 9,
        "vibraphone": 11,
        "guitar": 24,
        "timpani": 47,
        "low_brass": 57,
        "supersaw_pad": 90,
        "cinematic_kit": 48,
        "soft_kit": 40,
        "drone": 95,
        "shimmer": 98,
        "riser": 97,
        "boom": 116,
        "braam": 62,
        "bell": 14,
        "noise_swell": 119,
    }
)
"""General MIDI programs (kits: GS drum sets), counted from 0, by the cue's instrument names."""


@dataclass(frozen=True)
class _Event:
    """A message to be, at an absolute tick; `order` sorts those on one tick."""

    tick: int
    order: int
    make: Callable[..., mido.Message | mido.MetaMessage]
    kind: str
    values: dict[str, object]


@dataclass(frozen=True)
class _Tempo:
    """From `tick`, which is `beat`, a beat lasts `us` microseconds."""

    tick: int
    beat: float
    us: int


class _Grid:
    """Beats to ticks, and the tempo events that keep ticks true to the cue's seconds."""

    def __init__(self, cue: Cue) -> None:
        self.pickup_steps = pickup_steps(cue.tempo)
        self.tempi: list[_Tempo] = []
        self._pickup_beats = max(0.0, -cue.tempo.beat(0.0))
        self.pickup_ticks = self.pickup_steps * TICKS_PER_BEAT // 4
        end = max(cue.tempo.beat(cue.length_s), 1.0)
        pickup = _spans(cue.tempo, -self._pickup_beats, 0.0) if self.pickup_steps else ()
        at_s = 0.0
        for start, stop in (*pickup, *_spans(cue.tempo, 0.0, end)):
            at_s = self._span(cue, start, stop, at_s)

    def _span(self, cue: Cue, start: float, stop: float, at_s: float) -> float:
        """The tempo event for `start` to `stop`, if one is needed; the end in seconds."""
        beats = (self.tick(stop) - self.tick(start)) / TICKS_PER_BEAT
        if beats <= 0:
            return at_s
        us = _whole((cue.tempo.seconds(stop) - at_s) / beats * 1e6)
        if not self.tempi or self.tempi[-1].us != us:
            self.tempi.append(_Tempo(self.tick(start), start, us))
        return at_s + us * beats / 1e6

    def tick(self, beat: float) -> int:
        """The tick of `beat`."""
        if beat < 0:
            return self._pickup_tick(beat)
        return self.pickup_steps * TICKS_PER_BEAT // 4 + round(beat * TICKS_PER_BEAT)

    def _pickup_tick(self, beat: float) -> int:
        share = 1.0 + beat / self._pickup_beats if self._pickup_beats else 0.0
        return round(max(0.0, share) * self.pickup_steps * TICKS_PER_BEAT / 4)


def _spans(tempo: TempoMap, start: float, stop: float) -> Iterator[tuple[float, float]]:
    """[start, stop) in spans that one written tempo stands for each, in beats."""
    here = start
    while here < stop - 1e-9:
        after = bisect_right(tempo.segments, here + 1e-9, key=lambda segment: segment.start_beat)
        segment = tempo.segments[max(0, after - 1)]
        there = tempo.segments[after].start_beat if after < len(tempo.segments) else stop
        exact = 60e6 / segment.bpm
        if segment.bpm_per_s:
            there = min(there, here + _RAMP_BEATS)
        elif abs(exact - round(exact)) >= 1e-6:
            there = min(there, here + _BLOCK_BEATS)
        yield here, min(there, stop)
        here = there


def midi_file(cue: Cue) -> bytes:
    """`cue` as the bytes of a MIDI file.

    Tempo track first (tempi, metre, key, markers for sections and hits), then a track a part with
    its name, program, volume and pan; percussion on channel 10. Beat 0 must not lie before the
    cue's beginning; compose() never puts it there.
    """
    grid = _Grid(cue)
    end = max(1, grid.tick(cue.tempo.beat(cue.length_s)))
    # Explicit, as mido otherwise writes text as latin-1 and refuses other names.
    file = mido.MidiFile(type=1, ticks_per_beat=TICKS_PER_BEAT, charset="utf-8")
    file.tracks.append(_track(_conductor(cue, grid), end))
    melodic = 0
    for part in cue.parts:
        if part.role == "percussion":
            channel = _DRUMS
        else:
            channel = melodic % 15 + (melodic % 15 >= _DRUMS)
            melodic += 1
        file.tracks.append(_track(_part(part, channel, grid, end), end))
    data = io.BytesIO()
    file.save(file=data)
    return data.getvalue()


def _conductor(cue: Cue, grid: _Grid) -> list[_Event]:
    title = f"{cue.idiom}, {cue.scale.replace('_', ' ')}"
    events = [
        _meta(0, 0, "track_name", name=title),
        _meta(0, 1, "key_signature", key=_key(cue)),
    ]
    if grid.pickup_steps:
        events.append(_meta(0, 1, "time_signature", numerator=grid.pickup_steps, denominator=16))
    metres = {0.0: cue.tempo.beats_per_bar}
    metres |= {metre.beat: metre.beats_per_bar for metre in cue.tempo.metres}
    events += [
        _meta(grid.tick(beat), 2, "time_signature", numerator=beats, denominator=4)
        for beat, beats in metres.items()
    ]
    events += [_meta(tempo.tick, 3, "set_tempo", tempo=tempo.us) for tempo in grid.tempi]
    for section in cue.sections:
        events.append(_meta(grid.tick(section.start), 4, "marker", text=section.name))
    for hit in cue.hits:
        text = f"hit: {hit.label or hit.kind.replace('_', ' ')}"
        events.append(_meta(grid.tick(hit.beat), 5, "marker", text=text))
    return events


def _part(part: Part, channel: int, grid: _Grid, end: int) -> list[_Event]:
    volume = min(127, max(1, round(100 * 10 ** (part.gain_db / 40))))
    pan = min(127, max(0, round(64 + 63 * part.pan)))
    program = PROGRAMS.get(part.instrument, 0)
    events = [
        _meta(0, 0, "track_name", name=part.name),
        _message(0, 1, "program_change", channel=channel, program=program),
        _message(0, 2, "control_change", channel=channel, control=7, value=volume),
        _message(0, 2, "control_change", channel=channel, control=10, value=pan),
    ]
    loudest = 0
    for step in range(_expression_steps(part)):
        beat = part.expression[0].beat + step * _EXPRESSION_BEATS
        value = round(127 * value_at(part.expression, beat))
        if value != loudest:
            loudest, tick = value, min(max(0, grid.tick(beat)), end)
            events.append(
                _message(tick, 2, "control_change", channel=channel, control=11, value=value)
            )
    for note in part.notes:
        on = min(grid.tick(note.start), end - 1)
        off = min(max(grid.tick(note.start + note.length), on + 1), end)
        pitch, velocity = note.pitch, note.velocity
        loud = _message(on, 4, "note_on", channel=channel, note=pitch, velocity=velocity)
        events.append(loud)
        events.append(_message(off, 3, "note_off", channel=channel, note=pitch, velocity=64))
    return events


def _expression_steps(part: Part) -> int:
    """How many times a part's expression is written down."""
    if not part.expression:
        return 0
    return 1 + math.ceil((part.expression[-1].beat - part.expression[0].beat) / _EXPRESSION_BEATS)


def _meta(tick: int, order: int, kind: str, /, **values: object) -> _Event:
    return _Event(tick, order, mido.MetaMessage, kind, values)


def _message(tick: int, order: int, kind: str, /, **values: object) -> _Event:
    # Our own values are in range by construction, and mido's checks take most of the time.
    return _Event(tick, order, mido.Message, kind, {"skip_checks": True, **values})


def _track(events: list[_Event], end: int) -> mido.MidiTrack:
    track = mido.MidiTrack()
    at = 0
    for event in sorted(events, key=lambda event: (event.tick, event.order)):
        track.append(event.make(event.kind, time=event.tick - at, **event.values))
        at = event.tick
    track.append(mido.MetaMessage("end_of_track", time=max(0, end - at)))
    return track


def _key(cue: Cue) -> str:
    """The key signature's name as MIDI knows it."""
    return tonic_name(cue.tonic, cue.mode) + ("m" if cue.mode == "minor" else "")


def _whole(us: float) -> int:
    return min(_MAX_US, max(_MIN_US, round(us)))
