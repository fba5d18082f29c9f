"""What is left out of the strip where there is no room: the lesser of hit points that crowd."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence

from musiscene_gui.viewmodels.hits import Hit
from musiscene_gui.widgets.strip.geometry import Scale

APART_PX = 9.0
"""Two diamonds that are nearer to each other than this cannot be told apart."""


def seen_hits(
    hits: Sequence[Hit], start: int, scale: Scale, chosen: int = -1
) -> tuple[tuple[float, int], ...]:
    """The hit points there is room for, as pixel and index, from left to right.

    What is held or chosen is always there; of others, those most worth meeting. Zooming in shows
    the rest.

    Args:
        hits: in cue frames.
        start: record frame of the cue's beginning.
        scale: where record frames are.
        chosen: index of the hit point that the keyboard is at; -1 for none.
    """
    taken: list[float] = []
    seen: list[tuple[float, int]] = []
    for index in sorted(range(len(hits)), key=lambda i: _worth(hits[i], chosen=i == chosen)):
        hit = hits[index]
        x = scale.x(start + hit.frame)
        if not hit.held and index != chosen and _crowded(taken, x):
            continue
        insort(taken, x)
        seen.append((x, index))
    return tuple(sorted(seen))


def _worth(hit: Hit, *, chosen: bool) -> tuple[bool, int]:
    return not (chosen or hit.held), hit.rank


def _crowded(taken: list[float], x: float) -> bool:
    place = bisect_left(taken, x)
    return any(abs(other - x) < APART_PX for other in taken[max(0, place - 1) : place + 1])
