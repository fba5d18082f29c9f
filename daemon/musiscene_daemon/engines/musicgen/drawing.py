"""The drawing of tokens of sampling.py in one compiled function, without an array made.

Of a few thousand scores torch's operations take longer to be called than to be carried out. Tokens
are those that sampling.py draws with the same chance.

Needs numba.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from musiscene_core.neural.between import power
from musiscene_core.neural.compiled import compiled

NO_NUMBER = -1
"""Drawn where a score is not a number."""
_ZERO = np.float32(0)


@compiled
def drawn_one(
    scores: Any, temperature: Any, top_k: int, top_p: Any, waits: Any, values: Any, order: Any
) -> int:
    """A token, or NO_NUMBER.

    Args:
        scores: [vocabulary].
        temperature: 0 takes the likeliest.
        top_k: draw among so many; 0 among all.
        top_p: draw among the likeliest that have this much chance together; 0 or 1 among all.
        waits: exponential variates, one for each of those that are drawn among.
        values: [vocabulary] to work in, and
        order: [vocabulary] in int64.
    """
    count = len(scores)
    likeliest = 0
    for n in range(count):
        if not np.isfinite(scores[n]):
            return NO_NUMBER
        if scores[n] > scores[likeliest]:
            likeliest = n
    if temperature == _ZERO:
        return likeliest
    cut = _ZERO < top_p < np.float32(1)
    many = top_k if 0 < top_k < count else count
    if many < count or cut:
        _order(scores, many, values, order)
    else:
        for n in range(count):
            order[n] = n
    highest, total = scores[likeliest] / temperature, _ZERO
    for n in range(many):
        values[n] = power(scores[order[n]] / temperature - highest)
        total += values[n]
    best, found, before = np.float32(-1), likeliest, _ZERO
    for n in range(many):
        # What comes before a token decides, so that the likeliest always stays.
        if cut and before >= top_p * total:
            break
        before += values[n]
        # The race of exponentials: the first to arrive is drawn with its weight's chance.
        if values[n] / waits[n] > best:
            best, found = values[n] / waits[n], order[n]
    return found


@compiled
def _order(scores: Any, many: int, values: Any, order: Any) -> None:
    """The places of the highest `many` scores, the highest first, of equal ones the first."""
    count = len(scores)
    if many < count:
        values[:count] = scores
        least = _nth(values, count, many)
        at = 0
        for n in range(count):
            if scores[n] > least:
                order[at] = n
                at += 1
        for n in range(count):
            if at < many and scores[n] == least:
                order[at] = n
                at += 1
    else:
        for n in range(count):
            order[n] = n
    gap = 1
    while 3 * gap + 1 < many:
        gap = 3 * gap + 1
    while gap:
        for n in range(gap, many):
            one, at = order[n], n
            while at >= gap and _later(scores, order[at - gap], one):
                order[at] = order[at - gap]
                at -= gap
            order[at] = one
        gap //= 3


@compiled
def _later(scores: Any, one: int, other: int) -> bool:
    """Whether place `one` comes after `other`."""
    first, second = scores[one], scores[other]
    return bool(first < second or (first == second and one > other))


@compiled
def _nth(values: Any, count: int, nth: int) -> Any:
    """The nth highest of `count` values, from 1, which are put in another order."""
    first, last, wanted = 0, count - 1, nth - 1
    while first < last:
        middle = values[(first + last) // 2]
        up, down = first, last
        while up <= down:
            while values[up] > middle:
                up += 1
            while values[down] < middle:
                down -= 1
            if up <= down:
                values[up], values[down] = values[down], values[up]
                up += 1
                down -= 1
        if wanted <= down:
            last = down
        elif wanted >= up:
            first = up
        else:
            break
    return values[wanted]
