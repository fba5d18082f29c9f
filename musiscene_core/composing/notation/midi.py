"""A cue as a Standard MIDI File, type 1, whose time 0 is the cue's second 0.

What lies before the first downbeat becomes a pickup bar with a tempo of its own, exactly as long
as it is; every tempo is whole microseconds a beat, chosen so that rounding never adds up. Knows
nothing of how notes sound.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

import mido

from musiscene_core.cue import Cue, Part

TICKS_PER_BEAT = 960
_DRUMS = 9
_MIN_US, _MAX_US = 1, (1 << 24) - 1
_BLOCK_BEATS = 32
"""A tempo that is no whole number of microseconds is dithered within blocks of this length."""

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
        self.pickup_steps = 0
        self.tempi: list[_Tempo] = []
        self._pickup_beats = max(0.0, -cue.tempo.beat(0.0))
        at_s = 0.0
        first_beat = 0.0
        if self._pickup_beats > 1e-6:
            self.pickup_steps = max(1, round(self._pickup_beats * 4))
            at_s = self._pickup(cue)
        self.pickup_ticks = self.pickup_steps * TICKS_PER_BEAT // 4
        edges = [first_beat]
        edges += [s.start_beat for s in cue.tempo.segments if s.start_beat > first_beat + 1e-9]
        end = max(cue.tempo.beat(cue.length_s), edges[-1] + 1.0)
        for start, stop in zip(edges, [*edges[1:], end], strict=True):
            at_s = self._span(cue, start, stop, at_s)

    def _pickup(self, cue: Cue) -> float:
        """Tempo events of the pickup, through any tempo changes in it; its end in seconds."""
        edges = [-self._pickup_beats]
        edges += [
            s.start_beat for s in cue.tempo.segments if -self._pickup_beats < s.start_beat < 0
        ]
        at_s = 0.0
        for start, stop in zip(edges, [*edges[1:], 0.0], strict=True):
            ticks = self._pickup_tick(stop) - self._pickup_tick(start)
            beats = ticks / TICKS_PER_BEAT
            us = _whole((cue.tempo.seconds(stop) - at_s) / beats * 1e6) if ticks else 0
            if ticks:
                self.tempi.append(_Tempo(self._pickup_tick(start), start, us))
                at_s += us * beats / 1e6
        return at_s

    def _span(self, cue: Cue, start: float, stop: float, at_s: float) -> float:
        """Tempo events from `start` to `stop`, one tempo of the cue's; the end in seconds."""
        here = start
        while here < stop - 1e-9:
            exact = 60e6 / cue.tempo.bpm_at(here)
            whole = abs(exact - round(exact)) < 1e-6
            there = stop if whole else min(stop, here + _BLOCK_BEATS)
            beats = (self.tick(there) - self.tick(here)) / TICKS_PER_BEAT
            if beats <= 0:
                return at_s
            us = _whole((cue.tempo.seconds(there) - at_s) / beats * 1e6)
            if not self.tempi or self.tempi[-1].us != us:
                self.tempi.append(_Tempo(self.tick(here), here, us))
            at_s += us * beats / 1e6
            here = there
        return at_s

    def tick(self, beat: float) -> int:
        """The tick of `beat`."""
        if beat < 0:
            return self._pickup_tick(beat)
        return self.pickup_steps * TICKS_PER_BEAT // 4 + round(beat * TICKS_PER_BEAT)

    def _pickup_tick(self, beat: float) -> int:
        share = 1.0 + beat / self._pickup_beats if self._pickup_beats else 0.0
        return round(max(0.0, share) * self.pickup_steps * TICKS_PER_BEAT / 4)


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
    metre = cue.tempo.beats_per_bar
    events.append(_meta(grid.pickup_ticks, 2, "time_signature", numerator=metre, denominator=4))
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
    for note in part.notes:
        on = min(grid.tick(note.start), end - 1)
        off = min(max(grid.tick(note.start + note.length), on + 1), end)
        pitch, velocity = note.pitch, note.velocity
        loud = _message(on, 4, "note_on", channel=channel, note=pitch, velocity=velocity)
        events.append(loud)
        events.append(_message(off, 3, "note_off", channel=channel, note=pitch, velocity=64))
    return events


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
    major = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
    minor = ("Cm", "C#m", "Dm", "Ebm", "Em", "Fm", "F#m", "Gm", "G#m", "Am", "Bbm", "Bm")
    return (major if cue.mode == "major" else minor)[cue.tonic % 12]


def _whole(us: float) -> int:
    return min(_MAX_US, max(_MIN_US, round(us)))
