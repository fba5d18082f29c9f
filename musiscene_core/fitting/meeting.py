"""Which beats of music meet which moments of the picture, where it is stretched a little.

Music may begin on any of a few places and may end on any late beat; between two moments that it
meets it is made longer or shorter evenly, never by more than MOST_STRETCH. The cheapest way through
all moments is found by dynamic programming: a moment left unmet costs its weight, a stretch the
square of its share of what is allowed, a weak beat a little. Knows nothing of sound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]

MOST_STRETCH = 0.04
"""Nowhere is music made longer or shorter by more."""
_UNMET = 4.0
"""What leaving a moment of weight 1 unmet costs; the largest stretch costs 1."""
_WEAK_BEAT = 0.8
_WEAK_END = 1.5
_RING = 0.5
"""What a final ring costs that is as long or as short as may be."""
_MOST_SKIPPED = 12
_NOWHERE = 1e9


@dataclass(frozen=True)
class Moment:
    """A moment of the picture that music should meet.

    Attributes:
        at_s: where, in seconds of the range.
        weight: how much it matters, above 0, to 1.
    """

    at_s: float
    weight: float


@dataclass(frozen=True)
class Task:
    """Music and the picture it shall meet.

    Attributes:
        beats_s: where its beats lie, in its own seconds [n], increasing.
        strength: how good a beat is to meet a moment with, 0 to 1; below 0: poor [n].
        moments: in order of time.
        begins_s: where the music may begin, in its own seconds; at least one.
        length_s: of the range.
        ring_s: least and most that may sound after the last accent.
        ends: which beats may be the last accent [n].
    """

    beats_s: Doubles
    strength: Doubles
    moments: tuple[Moment, ...]
    begins_s: tuple[float, ...]
    length_s: float
    ring_s: tuple[float, float]
    ends: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Meeting:
    """How music is laid on the picture.

    Attributes:
        begin_s: where it begins, in its own seconds.
        met: (moment, beat) by index, in order.
        end: the beat that is the last accent, and where it comes, in seconds of the range; None
            where no beat can be.
        cost: lower is better.
    """

    begin_s: float
    met: tuple[tuple[int, int], ...]
    end: tuple[int, float] | None
    cost: float

    def anchors(self, task: Task) -> tuple[tuple[float, float], ...]:
        """(seconds of the music, seconds of the range), both increasing, the beginning first."""
        points = [(self.begin_s, 0.0)]
        points += [
            (float(task.beats_s[beat]), task.moments[index].at_s) for index, beat in self.met
        ]
        if self.end is not None:
            points.append((float(task.beats_s[self.end[0]]), self.end[1]))
        return tuple(point for place, point in enumerate(points) if not place or point[1] > 0.0)


@dataclass(frozen=True)
class _Node:
    """A place in music, known to lie at a moment: how cheaply, and after which other."""

    cost: Doubles
    before: npt.NDArray[np.int64]
    beats: npt.NDArray[np.int64]


def meet(task: Task) -> Meeting:
    """The cheapest way to lay music on the picture."""
    moments = [Moment(moment.at_s, moment.weight) for moment in task.moments]
    nodes: list[_Node] = []
    skipping = np.concatenate([[0.0], np.cumsum([_UNMET * moment.weight for moment in moments])])
    begins = np.array(task.begins_s)
    beat_cost = _WEAK_BEAT * (1.0 - task.strength)
    slack = MOST_STRETCH * task.length_s
    for index, moment in enumerate(moments):
        low = begins.min() + moment.at_s * (1 - MOST_STRETCH) - 1e-9
        high = begins.max() + moment.at_s * (1 + MOST_STRETCH) + slack * 0.05
        first, last = np.searchsorted(task.beats_s, (low, high))
        beats = np.arange(first, last)
        cost = np.full(len(beats), _NOWHERE)
        before = np.full(len(beats), -1)
        own = beat_cost[beats] * moment.weight
        if len(beats):
            from_begins = _strains(begins, np.zeros(len(begins)), task.beats_s[beats], moment.at_s)
            best = from_begins.min(axis=0) + skipping[index]
            cost = np.where(best < _NOWHERE, best + own, _NOWHERE)
            before = -1 - from_begins.argmin(axis=0)
            for other in range(max(0, index - _MOST_SKIPPED), index):
                node = nodes[other]
                if not len(node.beats):
                    continue
                at = np.full(len(node.beats), moments[other].at_s)
                strains = _strains(task.beats_s[node.beats], at, task.beats_s[beats], moment.at_s)
                sums = node.cost[:, None] + strains + skipping[index] - skipping[other + 1]
                chosen = sums.argmin(axis=0)
                found = sums[chosen, np.arange(len(beats))] + own
                better = found < cost
                cost = np.where(better, found, cost)
                before = np.where(better, other * len(task.beats_s) + node.beats[chosen], before)
        nodes.append(_Node(cost, before, beats))
    return _ended(task, moments, nodes, skipping, begins)


def _ended(
    task: Task,
    moments: Sequence[Moment],
    nodes: Sequence[_Node],
    skipping: Doubles,
    begins: Doubles,
) -> Meeting:
    """The best last accent after the best of all ways."""
    count = len(task.beats_s)
    best: tuple[float, int, tuple[int, float] | None] | None = None
    for number, begin in enumerate(begins):
        cost, end = _finish(task, float(begin), 0.0)
        cost += float(skipping[-1])
        if best is None or cost < best[0]:
            best = cost, -1 - number, end
    # The last first: most others then cost too much before their ends are looked at.
    for index, node in reversed(tuple(enumerate(nodes))):
        for place in np.flatnonzero(node.cost < _NOWHERE):
            beat = int(node.beats[place])
            so_far = float(node.cost[place] + skipping[-1] - skipping[index + 1])
            if best is not None and so_far >= best[0]:
                continue
            cost, end = _finish(task, float(task.beats_s[beat]), moments[index].at_s)
            if best is None or so_far + cost < best[0]:
                best = so_far + cost, index * count + beat, end
    if best is None:
        raise AssertionError("music may begin somewhere")
    cost, code, end = best
    met: list[tuple[int, int]] = []
    while code >= 0:
        index, beat = divmod(code, count)
        met.append((index, beat))
        node = nodes[index]
        code = int(node.before[beat - int(node.beats[0])])
    return Meeting(float(begins[-1 - code]), tuple(met[::-1]), end, cost)


def _finish(task: Task, own_s: float, at_s: float) -> tuple[float, tuple[int, float] | None]:
    """What the cheapest last accent after (own_s, at_s) costs, and which it is, and where."""
    least, most = task.ring_s
    # The accent that was met last may itself be the end.
    beats = np.flatnonzero(task.ends & (task.beats_s >= own_s - 1e-9))
    if not len(beats):
        return _UNMET, None
    ahead = task.beats_s[beats] - own_s
    earliest, latest = task.length_s - most, task.length_s - least
    at = np.clip(at_s + ahead, earliest, latest)
    strain = np.where(
        ahead > 1e-9,
        np.abs((at - at_s) / np.maximum(ahead, 1e-9) - 1.0),
        np.where(np.abs(at - at_s) < 1e-9, 0.0, np.inf),
    )
    middle = (task.length_s - at - (least + most) / 2) / max((most - least) / 2, 1e-9)
    weak = _WEAK_END * (1.0 - task.strength[beats])
    cost = (strain / MOST_STRETCH) ** 2 + _RING * middle**2 + weak
    cost = np.where(strain <= MOST_STRETCH + 1e-12, cost, _NOWHERE)
    place = int(cost.argmin())
    if cost[place] >= _NOWHERE:
        return _UNMET, None
    return float(cost[place]), (int(beats[place]), float(at[place]))


def _strains(own: Doubles, at: Doubles, beats: Doubles, moment_s: float) -> Doubles:
    """What stretching costs from each of `own` [n], at `at`, to each of `beats` [m]: [n, m]."""
    music = beats[None, :] - own[:, None]
    picture = (moment_s - at)[:, None]
    ratio = np.where(music > 1e-9, picture / np.maximum(music, 1e-9), np.inf)
    strain = np.abs(ratio - 1.0)
    # A beginning that is itself the moment needs no stretch.
    strain = np.where((np.abs(music) < 1e-9) & (np.abs(picture) < 1e-9), 0.0, strain)
    found: Doubles = np.where(
        strain <= MOST_STRETCH + 1e-12, (strain / MOST_STRETCH) ** 2, _NOWHERE
    )
    return found
