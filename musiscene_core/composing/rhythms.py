"""Where in the bar notes fall: tables of sixteenth steps, in the order they fill up.

Taking the first n steps of an order gives a bar with n onsets that keeps its metre at every n, so
that note density can follow the picture without changing the groove.
"""

from __future__ import annotations

from types import MappingProxyType

STEPS_PER_BEAT = 4

ORDERS = MappingProxyType(
    {
        4: MappingProxyType(
            {
                "even": (0, 8, 4, 12, 2, 10, 6, 14, 3, 11, 7, 15, 1, 9, 5, 13),
                "eighths": (0, 8, 4, 12, 6, 14, 2, 10, 15, 7, 11, 3, 13, 5, 9, 1),
                "332": (0, 6, 12, 8, 4, 14, 2, 10, 3, 9, 15, 7, 11, 5, 13, 1),
                "offbeat": (4, 12, 2, 10, 6, 14, 8, 0, 7, 15, 3, 11, 1, 5, 9, 13),
                "backbeat": (4, 12, 14, 7, 10, 2, 6, 0, 8, 3, 9, 11, 15, 1, 5, 13),
                "downbeats": (0, 8, 4, 12, 14, 6, 10, 2, 7, 15, 3, 11, 1, 5, 9, 13),
                "heartbeat": (0, 2, 8, 10, 4, 12, 6, 14, 1, 3, 5, 7, 9, 11, 13, 15),
            }
        ),
        3: MappingProxyType(
            {
                "even": (0, 4, 8, 6, 2, 10, 3, 7, 11, 1, 5, 9),
                "eighths": (0, 8, 4, 6, 2, 10, 11, 7, 3, 9, 5, 1),
                "332": (0, 6, 4, 8, 10, 2, 3, 9, 7, 11, 5, 1),
                "offbeat": (4, 8, 6, 10, 2, 0, 7, 11, 3, 1, 5, 9),
                "backbeat": (4, 8, 10, 6, 2, 0, 3, 7, 11, 1, 5, 9),
                "downbeats": (0, 8, 4, 6, 10, 2, 7, 11, 3, 1, 5, 9),
                "heartbeat": (0, 2, 6, 8, 4, 10, 1, 3, 5, 7, 9, 11),
            }
        ),
    }
)
"""Beats a bar -> name -> all steps of the bar, most wanted first."""

_CLOSE = 1e-3
_EVEN_COUNTS = (0, 1, 2, 3, 4, 6, 8, 10, 12, 16)


def steps(order: str, beats_per_bar: int, count: float) -> tuple[int, ...]:
    """The steps of a bar with about `count` onsets, in time; counts that groove are preferred."""
    table = _order(order, beats_per_bar)
    wanted = min(_EVEN_COUNTS, key=lambda number: (abs(number - count), number))
    return tuple(sorted(table[:wanted]))


def _order(name: str, beats: int) -> tuple[int, ...]:
    """The order for a bar of any length: an odd one is cut from four beats, or goes on after."""
    if beats in ORDERS:
        return ORDERS[beats][name]
    usual = ORDERS[4][name]
    kept = tuple(step for step in usual if step < beats * STEPS_PER_BEAT)
    return kept + tuple(range(4 * STEPS_PER_BEAT, beats * STEPS_PER_BEAT))


def metric_weight(place: float, beats_per_bar: int) -> float:
    """How strong a place in the bar is: 1 on the downbeat down to 0.1 off every sixteenth."""
    place %= beats_per_bar
    if min(place, beats_per_bar - place) < _CLOSE:
        return 1.0
    if beats_per_bar == 4 and abs(place - 2) < _CLOSE:
        return 0.8
    for grid, weight in ((1.0, 0.6), (0.5, 0.4), (0.25, 0.2)):
        if abs(place / grid - round(place / grid)) < _CLOSE:
            return weight
    return 0.1


def is_strong(place: float, beats_per_bar: int) -> bool:
    """Whether a chord tone belongs at a place in the bar: on the downbeat and halfway."""
    place %= beats_per_bar
    strong = (0.0, 2.0, float(beats_per_bar)) if beats_per_bar >= 4 else (0.0, float(beats_per_bar))
    return any(abs(place - beat) < _CLOSE for beat in strong)
