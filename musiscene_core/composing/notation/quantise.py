"""The played cue put back on the grid it was written on: sixteenths, in bars.

Players begin up to 33 ms early and 8 ms late, and spread a chord by up to 36 ms a note; half a
sixteenth lasts longer than the first at any tempo below 220 BPM, and a whole one longer than the
second, so that the nearest sixteenth is where a note was written. What lies before the first
downbeat is a pickup of whole sixteenths, as long as the MIDI file's. Knows nothing of staves.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from musiscene_core.cue import Cue, Note, Part
from musiscene_core.tempo_map import TempoMap

STEPS_PER_BEAT = 4
_SPREAD_S = 0.04
"""Notes this soon after one another are one chord."""
_DETACHED = 0.6
"""A note that sounds for less of its written length is marked staccato."""


@dataclass(frozen=True)
class WrittenNote:
    """A note as written; times in sixteenths from the first downbeat.

    Attributes:
        start: where it begins; negative in the pickup.
        length: at least 1.
        pitch: MIDI note number.
        velocity: 1 to 127.
        staccato: whether it sounds for clearly less than its length.
    """

    start: int
    length: int
    pitch: int
    velocity: int
    staccato: bool = False

    @property
    def end(self) -> int:
        """The sixteenth after its last."""
        return self.start + self.length


@dataclass(frozen=True)
class Measure:
    """A bar as written.

    Attributes:
        number: as the tempo map counts.
        start: its first sixteenth.
        end: the sixteenth after its last.
        beats: its metre's upper number over quarters.
        pickup: whether its beginning is missing.
    """

    number: int
    start: int
    end: int
    beats: int
    pickup: bool = False


@dataclass(frozen=True)
class WrittenPart:
    """A part of the cue with its notes as written, in order of start and pitch."""

    part: Part
    notes: tuple[WrittenNote, ...]


@dataclass(frozen=True)
class WrittenCue:
    """A cue on the grid.

    Attributes:
        cue: what was quantised.
        measures: its bars without a gap, every one whole but for a pickup.
        parts: the cue's parts, in score order.
    """

    cue: Cue
    measures: tuple[Measure, ...]
    parts: tuple[WrittenPart, ...]

    def clamped(self, beat: float) -> int:
        """The sixteenth of `beat`, inside the piece."""
        step = round(beat * STEPS_PER_BEAT)
        return min(max(step, self.measures[0].start), self.measures[-1].end - 1)

    def measure_of(self, step: int) -> Measure:
        """The measure that holds `step`."""
        after = bisect_right(self.measures, step, key=lambda measure: measure.start)
        return self.measures[max(0, after - 1)]


def quantised(cue: Cue) -> WrittenCue:
    """`cue` as its players would read it."""
    measures = _measures(cue)
    first, last = measures[0].start, measures[-1].end
    parts = tuple(WrittenPart(part, _written(part, cue.tempo, first, last)) for part in cue.parts)
    return WrittenCue(cue, measures, parts)


def pickup_steps(tempo: TempoMap) -> int:
    """How many sixteenths are written before the first downbeat."""
    beats = -tempo.beat(0.0)
    return max(1, round(beats * STEPS_PER_BEAT)) if beats > 1e-6 else 0


def _measures(cue: Cue) -> tuple[Measure, ...]:
    first = -pickup_steps(cue.tempo)
    # A last chord let go within a hair of the bar line opens no bar of its own.
    last = max(math.ceil(cue.tempo.beat(cue.length_s) * STEPS_PER_BEAT - 0.5), 1)
    bar = cue.tempo.bar_at(first / STEPS_PER_BEAT)
    measures: list[Measure] = []
    while (start := round(bar.beat * STEPS_PER_BEAT)) < last:
        end = start + bar.beats * STEPS_PER_BEAT
        cut = start < first
        measures.append(Measure(bar.number, max(start, first), end, bar.beats, pickup=cut))
        bar = cue.tempo.bar_at(bar.beat + bar.beats)
    return tuple(measures)


def _written(part: Part, tempo: TempoMap, first: int, last: int) -> tuple[WrittenNote, ...]:
    played: dict[tuple[int, int], Note] = {}
    for chord in _chords(part.notes, tempo):
        start = min(max(round(chord[0].start * STEPS_PER_BEAT), first), last - 1)
        for note in chord:
            same = played.get((start, note.pitch))
            if same is None or same.length < note.length:
                played[start, note.pitch] = note
    starts = [*sorted({start for start, _ in played}), last]
    struck = part.role == "percussion"
    written: list[WrittenNote] = []
    again: dict[int, int] = {}
    for (start, pitch), note in sorted(played.items(), reverse=True):
        following = starts[bisect_right(starts, start)]
        length = _struck(start, following) if struck else _read(note, start, following)
        length = min(length, again.get(pitch, last) - start)
        short = not struck and length <= STEPS_PER_BEAT and _steps(note) < _DETACHED * length
        written.append(WrittenNote(start, length, pitch, note.velocity, short))
        again[pitch] = start
    return tuple(reversed(written))


def _chords(notes: Sequence[Note], tempo: TempoMap) -> list[list[Note]]:
    """`notes` by what was written on one moment, earliest first."""
    chords: list[list[Note]] = []
    for note in sorted(notes, key=lambda note: (note.start, note.pitch)):
        spread = tempo.beats_in(_SPREAD_S, note.start)
        together = chords and note.start - chords[-1][-1].start < spread
        if together and all(note.pitch != other.pitch for other in chords[-1]):
            chords[-1].append(note)
        else:
            chords.append([note])
    return chords


def _read(note: Note, start: int, following: int) -> int:
    """The length that is easiest to read: articulation is not written as rests."""
    length = max(1, round(_steps(note)))
    if abs(following - start - length) == 1 and following > start:
        return following - start
    if length == 1 and start % 2 == 0 and following - start >= 2:
        return 2
    if length > 2 and (start + length) % 2:
        # Nobody reads a sixteenth tied to a long note before a rest.
        return length + 1 if following > start + length else length - 1
    return length


def _struck(start: int, following: int) -> int:
    return min(following - start, STEPS_PER_BEAT - start % STEPS_PER_BEAT)


def _steps(note: Note) -> float:
    return note.length * STEPS_PER_BEAT
