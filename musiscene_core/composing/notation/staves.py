"""Which staves a part is written on, in which clefs, and what stands on each.

Also the lead line: the one melody that a leader would sing. Knows nothing of any file format.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from musiscene_core.composing.notation.quantise import WrittenCue, WrittenNote, WrittenPart

_MIDDLE_C = 60
_BELOW, _ABOVE = 55, 65
"""A part with a tenth of its notes below the one and a tenth not below the other has two staves."""


@dataclass(frozen=True)
class Clef:
    """A clef.

    Attributes:
        sign: G, F or percussion.
        line: the staff line it stands on, counted from below; 0 for percussion.
        octave_change: octaves that the notes sound higher than they stand.
    """

    sign: str
    line: int
    octave_change: int = 0


@dataclass(frozen=True)
class Staff:
    """One staff of a part, with its notes in order."""

    clef: Clef
    notes: tuple[WrittenNote, ...]


TREBLE, BASS = Clef("G", 2), Clef("F", 4)
_DRUMS = Clef("percussion", 0)


def staves_of(part: WrittenPart) -> tuple[Staff, ...]:
    """The staff of a part, or its two, the higher one first."""
    if part.part.role == "percussion":
        return (Staff(_DRUMS, part.notes),)
    pitches = sorted(note.pitch for note in part.notes) or [_MIDDLE_C]
    tenth = len(pitches) // 10
    if pitches[tenth] < _BELOW and pitches[-1 - tenth] >= _ABOVE:
        high = tuple(note for note in part.notes if note.pitch >= _MIDDLE_C)
        low = tuple(note for note in part.notes if note.pitch < _MIDDLE_C)
        return Staff(TREBLE, high), Staff(BASS, low)
    return (Staff(_clef(pitches[len(pitches) // 2]), part.notes),)


def _clef(middle: int) -> Clef:
    if middle < 40:
        return replace(BASS, octave_change=-1)
    if middle < 57:
        return BASS
    return TREBLE if middle <= 84 else replace(TREBLE, octave_change=1)


def lead_line(written: WrittenCue) -> Staff:
    """The melody as one line: each melodic part where none before it in the score sings."""
    line: list[WrittenNote] = []
    for part in written.parts:
        if part.part.role != "melody":
            continue
        sung = list(line)
        for note in _single(part.notes):
            if not _overlaps(sung, note):
                line.append(note)
        line.sort(key=lambda note: note.start)
    middle = sorted(note.pitch for note in line)[len(line) // 2] if line else _MIDDLE_C + 12
    return Staff(_clef(middle), tuple(_single(line)))


def _single(notes: Sequence[WrittenNote]) -> list[WrittenNote]:
    """The highest note of each moment, none longer than until the next."""
    top = {note.start: note for note in notes}
    starts = sorted(top)
    cut = [
        replace(top[start], length=min(top[start].length, following - start))
        for start, following in pairwise(starts)
    ]
    return [*cut, *(top[start] for start in starts[-1:])]


def _overlaps(line: Sequence[WrittenNote], note: WrittenNote) -> bool:
    """Whether a note of `line`, in order and of one voice, sounds during `note`."""
    after = bisect_right(line, note.start, key=lambda other: other.start)
    return (after > 0 and line[after - 1].end > note.start) or (
        after < len(line) and line[after].start < note.end
    )
