"""The main moment alone: the bars that lead into it, the moment itself, and its ring.

Notes of the take, none of them new: what sounds at the moment rings out, and nothing follows.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import msgspec

from musiscene_core.cue import Cue, ExpressionPoint, Note, Part
from musiscene_core.tempo_map import TempoMap
from musiscene_core.timecode import FrameRate

LONGEST_LEAD_S, RING_S = 4.0, 3.5
_DIES_AWAY_S = 1.4
"""The last notes are let go so long before the end."""
_TOGETHER = 0.15
"""Beats by which players may miss the moment."""


def stinger(cue: Cue, moment: float, rate: FrameRate) -> tuple[Cue, int, int]:
    """The music around the beat `moment`; its length in frames, and the frame of the moment."""
    tempo = cue.tempo
    at_s = tempo.seconds(moment)
    lead = math.floor(_lead_s(tempo, moment) * rate.fps)
    frames = lead + math.ceil(RING_S * rate.fps)
    begin_s = at_s - float(rate.seconds(lead))
    first = tempo.beat(begin_s)
    until = tempo.beat(begin_s + float(rate.seconds(frames)) - _DIES_AWAY_S)
    parts = []
    for part in cue.parts:
        notes = tuple(_around(part.notes, first, moment, until))
        if notes:
            expression = tuple(_before(part, moment))
            parts.append(msgspec.structs.replace(part, notes=notes, expression=expression))
    moved = msgspec.structs.replace(
        tempo,
        segments=tuple(
            msgspec.structs.replace(segment, start_s=segment.start_s - begin_s)
            for segment in tempo.segments
        ),
    )
    cut = msgspec.structs.replace(
        cue,
        tempo=moved,
        length_s=float(rate.seconds(frames)),
        parts=tuple(parts),
        sections=(),
        chords=(),
        hits=(),
        themes=(),
    )
    return cut, frames, lead


def _lead_s(tempo: TempoMap, moment: float) -> float:
    """Whole bars, as many as fit; of a long bar, its end."""
    at_s = tempo.seconds(moment)
    longest_s = min(LONGEST_LEAD_S, at_s)
    lines = [
        line.beat
        for line in tempo.bar_lines(tempo.beat(at_s - longest_s), moment)
        if moment - line.beat >= 1.0
    ]
    return at_s - tempo.seconds(lines[0]) if lines else longest_s


def _around(notes: Iterable[Note], first: float, moment: float, until: float) -> Iterable[Note]:
    """The notes from `first` on; those at the moment held until `until`, the others up to it."""
    for note in notes:
        end = note.start + note.length
        if note.start > moment + _TOGETHER or end <= first:
            continue
        start = max(note.start, first)
        if note.start >= moment - _TOGETHER:
            end = max(start, until)
        elif end > moment - _TOGETHER:
            end = moment
        if end - start > 1e-3:
            yield msgspec.structs.replace(note, start=start, length=end - start)


def _before(part: Part, moment: float) -> Iterable[ExpressionPoint]:
    """The part's expression up to the moment; as it is then, it stays."""
    return (point for point in part.expression if point.beat <= moment + _TOGETHER)
