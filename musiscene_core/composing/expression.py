"""Expression curves: how what is held swells, as MIDI's controller 11 would have it.

Every note held long enough grows and dies away; on a hit it strikes at full strength first. What
is struck or plucked has no say in how it fades. Knows nothing of an instrument's own vibrato.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Sequence

from musiscene_core.cue import ExpressionPoint, Note

SUSTAINED_BEATS = 1.5
"""From this length on a note swells."""
_SOFT, _FULL, _RELEASED, _PLAIN = 0.72, 1.0, 0.76, 0.9
_TOP = 0.55
"""Where in a note its swell is loudest, as a share of its length."""
_TOGETHER = 0.12
"""Beats within which notes begin together."""


def swells(notes: Sequence[Note], hits: Collection[float]) -> tuple[ExpressionPoint, ...]:
    """The expression of a part that plays `notes`, in order; none where nothing is held.

    Args:
        notes: in order of start.
        hits: beats on which a note strikes at full strength.
    """
    points: list[ExpressionPoint] = []
    groups = _groups(notes)
    held = False
    for place, (start, end) in enumerate(groups):
        until = min(end, groups[place + 1][0]) if place + 1 < len(groups) else end
        length = until - start
        if length < SUSTAINED_BEATS:
            shape: tuple[tuple[float, float], ...] = ((0.0, _PLAIN),)
        elif round(start, 5) in hits:
            held = True
            shape = ((0.0, _FULL), (0.3, _RELEASED), (0.75, 0.92), (0.98, _RELEASED))
        else:
            held = True
            shape = ((0.0, _SOFT), (_TOP, _FULL), (0.98, _RELEASED))
        points += [ExpressionPoint(round(start + at * length, 6), value) for at, value in shape]
    return tuple(points) if held else ()


def value_at(points: Sequence[ExpressionPoint], beat: float) -> float:
    """The expression at `beat`: 1 where there are no points, the nearest one's outside them."""
    if not points:
        return 1.0
    after = bisect_right(points, beat, key=lambda point: point.beat)
    if after == 0 or after == len(points):
        return points[max(0, after - 1)].value
    a, b = points[after - 1], points[after]
    return a.value + (beat - a.beat) / (b.beat - a.beat) * (b.value - a.value)


def _groups(notes: Sequence[Note]) -> list[tuple[float, float]]:
    """Start and latest end of the notes that begin together."""
    groups: list[tuple[float, float]] = []
    for note in notes:
        end = note.start + note.length
        if groups and note.start - groups[-1][0] < _TOGETHER:
            groups[-1] = (groups[-1][0], max(groups[-1][1], end))
        else:
            groups.append((note.start, end))
    return groups
