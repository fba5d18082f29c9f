"""Cue: composed music before it sounds: form, chords, parts, notes, hits met and left out.

Positions are in beats (quarter notes) from the first downbeat; its tempo map turns them into cue
seconds. Knows nothing of how notes sound or are written down.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from musiscene_core.brief import HitKind, Mode
from musiscene_core.tempo_map import TempoMap
from musiscene_core.themes import ThemeHow
from musiscene_core.timecode import FrameRate

StemRole = Literal["harmony", "bass", "melody", "percussion", "texture"]
STEM_ROLES: tuple[StemRole, ...] = ("harmony", "bass", "melody", "percussion", "texture")


class Note(msgspec.Struct, frozen=True, array_like=True):
    """One note.

    Attributes:
        start: in beats.
        length: in beats, above 0.
        pitch: MIDI note number; a drum by General MIDI's percussion map.
        velocity: 1 to 127.
        nth: what is random in its sound goes by this number, so that a note that moved sounds as
            it did; None goes by its place in the part.
    """

    start: float
    length: float
    pitch: int
    velocity: int
    nth: int | None = None


class ExpressionPoint(msgspec.Struct, frozen=True, array_like=True):
    """How loud a part is played at a moment; between two points it moves in a straight line.

    Attributes:
        beat: where.
        value: 0 (nothing) to 1 (as loud as its notes' velocities say).
    """

    beat: float
    value: float


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One instrument's line.

    Attributes:
        name: what a musician would call it.
        role: the stem it belongs to.
        instrument: name of a sound in composing.sound's table.
        notes: in order of start.
        gain_db: level in the mix.
        pan: -1 (left) to 1 (right).
        expression: how its sustained notes swell, in order; none plays all at 1.
    """

    name: str
    role: StemRole
    instrument: str
    notes: tuple[Note, ...]
    gain_db: float = 0.0
    pan: float = 0.0
    expression: tuple[ExpressionPoint, ...] = ()


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
        name: intro, theme, build, strip-down, climax, breakdown or button.
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
        bar: number of the bar it falls in; 0 may be the pickup.
        place: where in that bar, in words: "beat 1", "the half after beat 2".
    """

    frame: int
    kind: HitKind
    label: str
    beat: float
    error_ms: float
    error_frames: float
    bar: int = 0
    place: str = ""

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
            bar=tempo.bar_at(beat).number,
            place=_place(*tempo.place(beat)),
        )


def _place(place: float, beats: int) -> str:
    """A place in a bar of `beats` in words."""
    halves = round(2 * place)
    number = halves // 2 + 1
    if abs(place - halves / 2) < 1e-3:
        return f"the half after beat {number}" if halves % 2 else f"beat {number}"
    number = int(place) + 1
    return f"between beats {number} and {number % beats + 1}"


class DroppedHit(msgspec.Struct, frozen=True, kw_only=True):
    """A candidate hit point that the music leaves alone.

    Attributes:
        frame: its cue frame.
        kind: what happens there.
        label: its name.
        reason: why, as the end of a sentence.
    """

    frame: int
    kind: HitKind
    label: str
    reason: str


class ThemeHeard(msgspec.Struct, frozen=True, kw_only=True):
    """A theme where it sounds.

    Attributes:
        name: the theme's; empty for the cue's own motif.
        how: whether it is stated whole, varied or hinted at.
        start: in beats.
        length: in beats.
    """

    name: str
    how: ThemeHow
    start: float
    length: float


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
        dropped: the candidates it leaves alone.
        themes: which themes it uses, in order.
        unknown: words of the captions that were not understood, a sentence each.
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
    dropped: tuple[DroppedHit, ...] = ()
    themes: tuple[ThemeHeard, ...] = ()
    unknown: tuple[str, ...] = ()
