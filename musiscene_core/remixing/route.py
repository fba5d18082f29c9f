"""The cheapest way through a piece that lasts as long as wished and meets the hits.

Dynamic programming over (time of the result, place in the music): music goes on from cut to cut,
or joins to another cut, after which it goes on for some bars at least. It always ends with the
piece's own end. Time is counted in steps of a fraction of a cut's length, so a route's length is
known exactly only afterwards. Knows nothing of samples.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from musiscene_core.progress import Progress, silent
from musiscene_core.remixing.likeness import Cuts

Doubles = npt.NDArray[np.float64]

LEAST_RUN_BARS = 4
"""Music goes on at least so long after a join, and no loop is shorter."""
_JOIN = 0.25
"""What a join costs however good it is: fewer are better."""
_OTHER_PHRASE = 0.15
_SHORT_LOOP = 1.0
_ROUGH = 0.5
"""Likeness below which a join is heard as a break, and costs as much again."""
_OFF_BAR_LINE = 0.25
_OFF_BEAT = 1.0
"""For a join that breaks the count of beats."""
_OTHER_BEGINNING = 0.35
_HIT = 1.3
"""What meeting a hit on the strongest bar line is worth."""
_WEAK_HIT_SHARE = 0.5
_STEPS = 24
_MOST_STEPS = 12_000
_ENDS_WEIGHED = 16
_CHANCE = 0.3
"""How far another seed may change a join's cost, as a share."""
_STRETCH = 1.5
"""What it costs to be as far from the wished length as stretching reaches."""


@dataclass(frozen=True)
class Task:
    """What is to be found.

    Attributes:
        length_s: of the result.
        lead_s: what sounds before the first cut.
        tail_s: least and most that may follow the last cut.
        hits_s: where cuts are wanted, in seconds of the result.
        reach: share by which a stretch of music may be made longer or shorter.
        hit_reach: the same on the way to a hit.
        keep_beginning: begin with the music's own beginning.
        least_run: cuts that follow each other after a join.
        seed: 0 takes the best joins; another seed, others nearly as good.
    """

    length_s: float
    lead_s: float
    tail_s: tuple[float, float]
    hits_s: tuple[float, ...] = ()
    reach: float = 0.02
    hit_reach: float = 0.03
    keep_beginning: bool = False
    least_run: int = LEAST_RUN_BARS
    seed: int = 0


@dataclass(frozen=True)
class Route:
    """A way through the music.

    Attributes:
        runs: first and last cut of each stretch, in order.
        cost: lower is better.
        off_s: by how much the music is too long for its range, what the tail can do included.
        hits: for each hit met, its index and the index of the run and the cut that meets it.
    """

    runs: tuple[tuple[int, int], ...]
    cost: float
    off_s: float
    hits: tuple[tuple[int, int, int], ...]


def find_route(cuts: Cuts, task: Task, progress: Progress = silent) -> Route | None:
    """The cheapest route; None where none comes near the length.

    Args:
        cuts: where the music may be cut.
        task: what is to be found.
        progress: hears how far it is; may raise to stop.
    """
    times = cuts.times_s
    count = len(times)
    if count < 2:
        return None
    spacing = np.diff(times)
    step = max(float(np.median(spacing)) / _STEPS, task.length_s / _MOST_STEPS)
    places = np.round(times / step).astype(np.int64)
    lead = round(task.lead_s / step)
    shortest, longest = (task.length_s - task.tail_s[end] for end in (1, 0))
    slack = task.reach * task.length_s + 2 * step
    first_end = max(1, int((shortest - slack) / step))
    last_end = int((longest + slack) / step) + 1
    if last_end < 1:
        return None
    joins = _join_costs(cuts, task)
    bonus = _bonus(task, cuts, step, last_end + 1)
    best = np.full((last_end + 1, count), np.inf, np.float32)
    # 0: went on from the cut before; e + 1: joined from cut e, then ran; -1: began here;
    # -2: began a run ago.
    came = np.zeros((last_end + 1, count), np.int32)
    ahead = np.diff(places)
    run = task.least_run
    run_ahead = places[run:] - places[:-run] if run < count else np.zeros(0, np.int64)
    begin_cost = _beginnings(cuts, task)
    for cut in range(count - 1):
        first = lead if cut == 0 else 0
        ran = run if cut + run < count else 0
        at = first + int(places[cut + ran] - places[cut])
        if np.isfinite(begin_cost[cut]) and at <= last_end:
            cost = begin_cost[cut]
            for other in range(cut, cut + ran + 1):
                cost += bonus[first + places[other] - places[cut], other]
            if cost < best[at, cut + ran]:
                best[at, cut + ran], came[at, cut + ran] = cost, -2 if ran else -1
    onward = np.arange(count - 1)
    targets = np.arange(len(run_ahead))
    for now in range(last_end):
        if now % 256 == 0:
            progress("Choosing bars", now / last_end)
        row = best[now]
        if not np.isfinite(row).any():
            continue
        then = now + ahead
        inside = (then <= last_end) & np.isfinite(row[:-1])
        to, here = then[inside], onward[inside]
        cost = row[here] + bonus[to, here + 1]
        lower = cost < best[to, here + 1]
        best[to[lower], here[lower] + 1] = cost[lower]
        came[to[lower], here[lower] + 1] = 0
        if not len(run_ahead):
            continue
        alive = np.flatnonzero(np.isfinite(row))
        sums = row[alive, None] + joins[alive, : len(run_ahead)]
        chosen = sums.argmin(axis=0)
        cost = sums[chosen, targets]
        then = now + run_ahead
        inside = (then <= last_end) & np.isfinite(cost)
        to, here = then[inside], targets[inside]
        gained = np.zeros(len(to), np.float32)
        for passed in range(run + 1):
            gained += bonus[now + places[here + passed] - places[here], here + passed]
        cost = cost[inside] + gained
        lower = cost < best[to, here + run]
        best[to[lower], here[lower] + run] = cost[lower]
        came[to[lower], here[lower] + run] = alive[chosen[inside][lower]] + 1
    ends = np.arange(first_end, last_end + 1)
    off = np.maximum(ends * step - longest, 0) + np.minimum(ends * step - shortest, 0)
    scores = best[ends, count - 1] + _STRETCH * (off / max(task.reach * task.length_s, step)) ** 2
    routes = []
    for place in np.argsort(scores, kind="stable")[:_ENDS_WEIGHED]:
        if np.isfinite(scores[place]):
            runs = _traced(came, int(ends[place]), places, run)
            score = float(best[ends[place], count - 1])
            routes.append(_weighed(runs, score, cuts, task, (shortest, longest)))
    near = [route for route in routes if abs(route.off_s) <= task.reach * task.length_s]
    return min(near, key=lambda route: route.cost, default=None)


def _join_costs(cuts: Cuts, task: Task) -> npt.NDArray[np.float32]:
    """What a join from cut i to cut j costs [n, n]; infinite where there is none to make."""
    cost = _JOIN + 1.0 - cuts.likeness
    cost = cost + np.maximum(0.0, _ROUGH - cuts.likeness)
    cost = cost + np.where(cuts.same_phrase(), 0.0, _OTHER_PHRASE)
    numbers = np.arange(len(cuts.times_s))
    back = numbers[:, None] - numbers[None, :]
    cost = cost + np.where((back > 0) & (back < task.least_run), _SHORT_LOOP, 0.0)
    if not cuts.on_bar.all():
        starts = np.maximum.accumulate(np.where(cuts.on_bar, numbers, 0))
        beat = numbers - starts
        cost = cost + np.where(beat[:, None] == beat[None, :], 0.0, _OFF_BEAT)
        cost = cost + np.where(cuts.on_bar[:, None] & cuts.on_bar[None, :], 0.0, _OFF_BAR_LINE)
    if task.seed:
        chance = np.random.default_rng(task.seed).random(cost.shape)
        cost = cost * (1.0 + _CHANCE * chance)
    cost = np.asarray(cost, np.float32)
    cost[back == 0] = np.inf
    # Nothing sounds before the first cut, nor is there a bar after the last one, to compare with.
    cost[0] = np.inf
    cost[-1] = np.inf
    return cost


def _beginnings(cuts: Cuts, task: Task) -> npt.NDArray[np.float32]:
    cost = _OTHER_BEGINNING * (2.0 - cuts.strength) + np.where(cuts.on_bar, 0.0, _OFF_BAR_LINE)
    found = np.asarray(cost, np.float32)
    if task.keep_beginning:
        found[:] = np.inf
    found[0] = 0.0
    return found


def _bonus(task: Task, cuts: Cuts, step: float, rows: int) -> npt.NDArray[np.float32]:
    """What each cut [rows, n] is worth at each time of the result: below 0 near a hit."""
    bonus = np.zeros((rows, len(cuts.times_s)), np.float32)
    worth = _HIT * (_WEAK_HIT_SHARE + (1 - _WEAK_HIT_SHARE) * cuts.strength)
    for hit, reach in zip(task.hits_s, reaches(cuts, task), strict=True):
        first, last = (round((hit + by * reach) / step) for by in (-1, 1))
        for row in range(max(0, first), min(rows - 1, last) + 1):
            away = abs(row * step - hit) / max(reach, step)
            bonus[row] = np.minimum(bonus[row], -worth * max(0.2, 1.0 - 0.5 * away))
    return bonus


def reaches(cuts: Cuts, task: Task) -> list[float]:
    """How far from each hit, in seconds, a cut may lie and still be brought onto it."""
    edges = (0.0, *task.hits_s, task.length_s)
    most = 0.35 * float(np.diff(cuts.times_s).min())
    found = []
    for index, hit in enumerate(task.hits_s, start=1):
        gap = min(hit - edges[index - 1], edges[index + 1] - hit)
        found.append(min(most, 0.5 * task.hit_reach * max(gap, 0.0)))
    return found


def _traced(
    came: npt.NDArray[np.int32], end: int, places: npt.NDArray[np.int64], run: int
) -> tuple[tuple[int, int], ...]:
    """The runs that lead to the last cut at time step `end`."""
    now, cut = end, len(places) - 1
    runs = []
    last = cut
    while True:
        code = int(came[now, cut])
        if code < 0:
            runs.append((cut if code == -1 else cut - run, last))
            return tuple(runs[::-1])
        if code == 0:
            now -= int(places[cut] - places[cut - 1])
            cut -= 1
            continue
        start = cut - run
        runs.append((start, last))
        now -= int(places[cut] - places[start])
        cut = last = code - 1


def _weighed(
    runs: tuple[tuple[int, int], ...],
    score: float,
    cuts: Cuts,
    task: Task,
    bounds: tuple[float, float],
) -> Route:
    """The route with its exact length and what it meets."""
    at = task.lead_s if runs[0][0] == 0 else 0.0
    hits: dict[int, tuple[float, int, int]] = {}
    reach = reaches(cuts, task)
    for number, (first, last) in enumerate(runs):
        for cut in range(first, last + 1):
            # A run's last cut is where the next run begins, with another strength.
            if cut == last and number + 1 < len(runs):
                continue
            moment = at + cuts.times_s[cut] - cuts.times_s[first]
            for index, hit in enumerate(task.hits_s):
                away = abs(moment - hit)
                if away <= reach[index] + 1e-6 and away < hits.get(index, (np.inf, 0, 0))[0]:
                    hits[index] = (away, number, cut)
        at += float(cuts.times_s[last] - cuts.times_s[first])
    off = max(at - bounds[1], 0.0) + min(at - bounds[0], 0.0)
    cost = score + _STRETCH * (off / (task.reach * task.length_s)) ** 2
    met = tuple((index, number, cut) for index, (_, number, cut) in sorted(hits.items()))
    return Route(runs, cost, off, met)
