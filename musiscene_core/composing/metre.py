"""Metre repair: bars made longer or shorter so that chosen beats become downbeats.

The last bar before such a beat has two to five beats where the usual ones do not fit, so that a
tempo need not bend to make them fit. Bar numbers that are held fix how many bars lie between two
beats. Knows nothing of time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from musiscene_core.tempo_map import MetreChange

SHORTEST_BAR, LONGEST_BAR = 2, 5


@dataclass(frozen=True)
class Anchor:
    """A beat that shall be a downbeat; `bar` is the number of the bar it begins, where held."""

    beat: float
    bar: int | None = None


def bars_between(beats: int, metre: int) -> tuple[int, ...]:
    """The bars that fill `beats` (2 or more), all of `metre` but the last before the end."""
    full, rest = divmod(beats, metre)
    if not rest:
        return (metre,) * full
    if rest >= SHORTEST_BAR:
        return (*(metre,) * full, rest)
    return (*(metre,) * (full - 1), metre + 1)


def bars_counted(beats: int, count: int, metre: int) -> tuple[int, ...]:
    """`count` bars that fill `beats`, the odd ones last; 2 to 5 beats each on average."""
    lengths = [metre] * count
    rest = beats - metre * count
    for index in reversed(range(count)):
        bent = min(LONGEST_BAR, max(SHORTEST_BAR, metre + rest))
        lengths[index] = bent
        rest -= bent - metre
    return tuple(lengths)


def metres_for(anchors: Sequence[Anchor], metre: int) -> tuple[int, tuple[MetreChange, ...]]:
    """The number of the bar at beat 0, and the changes of metre after it.

    Args:
        anchors: in order, at least 2 whole beats apart (a bar of 3 reaches 1 only through 4); the
            first lies whole bars after beat 0.
        metre: beats in a bar that needs no repair.
    """
    numbered = next(((place, a.bar) for place, a in enumerate(anchors) if a.bar is not None), None)
    lengths: list[int] = []
    opens: list[int] = []
    here = Anchor(0.0)
    for there in anchors:
        beats = round(there.beat - here.beat)
        if here.bar is not None and there.bar is not None:
            lengths += bars_counted(beats, there.bar - here.bar, metre)
        elif beats:
            lengths += bars_between(beats, metre)
        opens.append(len(lengths))
        here = there
    first_bar = numbered[1] - opens[numbered[0]] if numbered else 1
    changes = []
    beat = 0.0
    for index, (before, beats) in enumerate(pairwise([metre, *lengths, metre])):
        if beats != before:
            changes.append(MetreChange(bar=first_bar + index, beat=beat, beats_per_bar=beats))
        beat += beats
    return first_bar, tuple(changes)
