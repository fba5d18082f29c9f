"""Passages in several idioms made one cue: each is written whole and heard where it holds.

Writing each passage over the whole form keeps its progressions, lines and motif going as if it had
always been there, so that the seam falls on a bar line of one and the same piece. Knows nothing of
how music is written.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from musiscene_core.cue import Chord, ExpressionPoint, Note, Part, StemRole, ThemeHeard

_EARLY_BEATS = 0.03
"""A player may come in this much before the bar line."""
_SHORTEST = 0.02
_RINGS_ON: frozenset[StemRole] = frozenset(("texture", "percussion"))


@dataclass(frozen=True)
class Written:
    """Music for the whole form in one passage's idiom."""

    chords: tuple[Chord, ...]
    parts: tuple[Part, ...]
    themes: tuple[ThemeHeard, ...]


def splice(pieces: Sequence[Written], edges: Sequence[float]) -> Written:
    """One piece out of several, piece i from beat `edges[i]` to the next one's."""
    if len(pieces) == 1:
        return pieces[0]
    ends = [*edges[1:], math.inf]
    starts = [-math.inf, *edges[1:]]
    chords: list[Chord] = []
    themes: list[ThemeHeard] = []
    lines: dict[tuple[StemRole, str, str], list[Part]] = {}
    for piece, start, end in zip(pieces, starts, ends, strict=True):
        if end <= start:
            continue
        chords += _chords(piece.chords, start, end)
        themes += [theme for theme in piece.themes if start <= theme.start < end]
        for part in piece.parts:
            here = _windowed(part, start, end)
            if here.notes:
                lines.setdefault((part.role, part.name, part.instrument), []).append(here)
    return Written(tuple(chords), tuple(_joined(parts) for parts in lines.values()), tuple(themes))


def _chords(chords: Sequence[Chord], start: float, end: float) -> list[Chord]:
    found = []
    for chord in chords:
        begins, stops = max(chord.start, start), min(chord.start + chord.length, end)
        if stops - begins > _SHORTEST:
            found.append(
                Chord(
                    start=begins,
                    length=round(stops - begins, 6),
                    root=chord.root,
                    pitch_classes=chord.pitch_classes,
                    name=chord.name,
                )
            )
    return found


def _windowed(part: Part, start: float, end: float) -> Part:
    """`part` with the notes that begin in [start, end), let go at `end` where they would hold."""
    notes = []
    for note in part.notes:
        if not start - _EARLY_BEATS <= note.start < end - _EARLY_BEATS:
            continue
        length = note.length
        if part.role not in _RINGS_ON:
            length = min(length, round(end - _EARLY_BEATS - note.start, 6))
        if length >= _SHORTEST:
            notes.append(Note(note.start, length, note.pitch, note.velocity))
    return _replaced(part, notes, [p for p in part.expression if start <= p.beat < end])


def _joined(parts: Sequence[Part]) -> Part:
    notes = sorted(
        (note for part in parts for note in part.notes), key=lambda note: (note.start, note.pitch)
    )
    return _replaced(parts[0], notes, [point for part in parts for point in part.expression])


def _replaced(part: Part, notes: Sequence[Note], expression: Sequence[ExpressionPoint]) -> Part:
    return Part(
        name=part.name,
        role=part.role,
        instrument=part.instrument,
        notes=tuple(notes),
        gain_db=part.gain_db,
        pan=part.pan,
        expression=tuple(expression),
    )
