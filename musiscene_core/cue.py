"""Cue: composed music before it sounds: tempo map, form, chords, parts, notes.

Positions are in beats (quarter notes) from the first downbeat; the tempo map turns them into cue
seconds. Knows nothing of how notes sound or are written down.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import Literal

import msgspec

from musiscene_core.brief import HitKind, Mode
from musiscene_core.timecode import FrameRate

StemRole = Literal["harmony", "bass", "melody", "percussion", "texture"]
STEM_ROLES: tuple[StemRole, ...] = ("harmony", "bass", "melody", "percussion", "texture")


class TempoSegment(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of constant tempo.

    Attributes:
        start_beat: where it begins.
        start_s: the same in cue seconds.
        bpm: quarter notes a minute.
    """

    start_beat: float
    start_s: float
    bpm: float


class TempoMap(msgspec.Struct, frozen=True, kw_only=True):
    """Beats to cue seconds, piecewise linear.

    Attributes:
        segments: in order; the first also holds before its beginning, the last for ever.
        beats_per_bar: the metre's upper number over quarter notes.
    """

    segments: tuple[TempoSegment, ...]
    beats_per_bar: int = 4

    @classmethod
    def constant(cls, bpm: float, *, offset_s: float = 0.0, beats_per_bar: int = 4) -> TempoMap:
        """One tempo throughout, with beat 0 at `offset_s`."""
        only = TempoSegment(start_beat=0.0, start_s=offset_s, bpm=bpm)
        return cls(segments=(only,), beats_per_bar=beats_per_bar)

    def seconds(self, beat: float) -> float:
        """Cue seconds of `beat`."""
        starts = [segment.start_beat for segment in self.segments]
        segment = self.segments[max(0, bisect_right(starts, beat) - 1)]
        return segment.start_s + (beat - segment.start_beat) * 60.0 / segment.bpm

    def beat(self, seconds: float) -> float:
        """The beat at cue time `seconds`."""
        starts = [segment.start_s for segment in self.segments]
        segment = self.segments[max(0, bisect_right(starts, seconds) - 1)]
        return segment.start_beat + (seconds - segment.start_s) * segment.bpm / 60.0

    def bpm_at(self, beat: float) -> float:
        """The tempo at `beat`."""
        starts = [segment.start_beat for segment in self.segments]
        return self.segments[max(0, bisect_right(starts, beat) - 1)].bpm


class Note(msgspec.Struct, frozen=True):
    """One note.

    Attributes:
        start: in beats.
        length: in beats, above 0.
        pitch: MIDI note number; a drum by General MIDI's percussion map.
        velocity: 1 to 127.
    """

    start: float
    length: float
    pitch: int
    velocity: int


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One instrument's line.

    Attributes:
        name: what a musician would call it.
        role: the stem it belongs to.
        instrument: name of a sound in composing.sound's table.
        notes: in order of start.
        gain_db: level in the mix.
        pan: -1 (left) to 1 (right).
    """

    name: str
    role: StemRole
    instrument: str
    notes: tuple[Note, ...]
    gain_db: float = 0.0
    pan: float = 0.0


class Chord(msgspec.Struct, frozen=True, kw_only=True):
    """A harmony.

    Attributes:
        start: in beats.
        length: in beats.
        root: pitch class from C = 0.
        pitch_classes: all its notes, root first.
        name: for example "Dm9".
    """

    start: float
    length: float
    root: int
    pitch_classes: tuple[int, ...]
    name: str


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the form.

    Attributes:
        name: intro, build, theme, climax, strip-down, button.
        start: in beats.
        length: in beats.
        density: 0 (one layer) to 1 (all).
        tension: 0 to 1.
    """

    name: str
    start: float
    length: float
    density: float
    tension: float


class HitResult(msgspec.Struct, frozen=True, kw_only=True):
    """How the music meets one chosen hit point.

    Attributes:
        frame: the hit's cue frame.
        kind: what happens there.
        label: its name.
        beat: the beat meant to meet it.
        error_ms: music minus picture, in milliseconds; positive is late.
        error_frames: the same in frames.
    """

    frame: int
    kind: HitKind
    label: str
    beat: float
    error_ms: float
    error_frames: float

    @classmethod
    def measured(
        cls, frame: int, kind: HitKind, label: str, beat: float, tempo: TempoMap, rate: FrameRate
    ) -> HitResult:
        """The error of meeting `frame` with `beat` under `tempo`."""
        error_s = tempo.seconds(beat) - float(rate.seconds(frame))
        return cls(
            frame=frame,
            kind=kind,
            label=label,
            beat=beat,
            error_ms=round(error_s * 1000, 3),
            error_frames=round(error_s * float(rate.fps), 4),
        )


class Cue(msgspec.Struct, frozen=True, kw_only=True):
    """A composed cue.

    Attributes:
        tempo: its tempo map.
        tonic: key, pitch class from C = 0.
        mode: major or minor.
        scale: name of the mode it really moves in, for example "dorian".
        idiom: name of the style it was written in.
        length_s: cue seconds; every note's sound ends by then.
        sections: its form, in order.
        chords: its harmony, in order.
        parts: its instruments.
        hits: how it meets the chosen hit points.
    """

    tempo: TempoMap
    tonic: int
    mode: Mode
    scale: str
    idiom: str
    length_s: float
    sections: tuple[Section, ...]
    chords: tuple[Chord, ...]
    parts: tuple[Part, ...]
    hits: tuple[HitResult, ...]
