"""The chain of targets that a bending tempo meets, found by dynamic programming.

Whole or half numbers of beats lie between the targets of a chain, and each span's mean tempo bends
at most so far from the base tempo. The heaviest chain over all base tempi wins; targets that cost
more than they are worth are left out. Works on seconds and beats only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from musiscene_core.composing.metre import LONGEST_BAR, SHORTEST_BAR

Array = npt.NDArray[np.float64]

_LOOK_BACK = 24
_PRESENCE = 0.2
"""What meeting any target is worth beside its weight."""
_HELD_WORTH = 1.0
_OFF_BEAT_COST = 0.3
_BEND_COST = 0.25
_FORCED_COST = 40.0
"""Of a bend beyond the limit, where held bars leave no choice."""
_ODD_BARS_COST = 0.5
_FAR_COST = 4.0
"""Of a base tempo twice the wish."""


@dataclass(frozen=True)
class Target:
    """A moment to meet.

    Attributes:
        seconds: cue seconds.
        weight: how much it matters, 0 to 1.
        held: the user's own.
        bar: the number of the bar that must begin there; None leaves it open.
    """

    seconds: float
    weight: float
    held: bool = False
    bar: int | None = None


@dataclass(frozen=True)
class Chain:
    """Targets by index, the beat of each from the first, and the base tempo's beat in seconds."""

    indices: tuple[int, ...]
    beats: tuple[float, ...]
    beat_s: float


def best_chain(
    targets: Sequence[Target], main: int, beats: Array, wish_bpm: float, metre: int, limit: float
) -> Chain:
    """The best chain through `main`, or through every target with a bar number where there are any.

    Args:
        targets: in order of time, at least one.
        main: index of the target that leads; it lies on a whole beat.
        beats: base beat lengths in seconds [n].
        wish_bpm: the best base tempo.
        metre: usual beats a bar.
        limit: how far a span's mean tempo may lie from the base, relative.
    """
    forced = [index for index, target in enumerate(targets) if target.bar is not None] or [main]
    table = _Table(targets, forced, beats, metre, limit)
    for index in range(len(targets)):
        table.reach(index)
    last = forced[-1]
    score = table.best[last:].max(axis=(0, 1)) - _FAR_COST * np.abs(60.0 / beats / wish_bpm - 1.0)
    column = int(np.argmax(np.round(score, 9)))
    return table.chain(last, column)


class _Table:
    """Values [target, half, base] of the best chain that ends on a target.

    `half` is 1 where the target lies a half beat off the forced ones.
    """

    def __init__(
        self,
        targets: Sequence[Target],
        forced: list[int],
        beats: Array,
        metre: int,
        limit: float,
    ) -> None:
        shape = (len(targets), 2, len(beats))
        self._targets = targets
        self._forced = forced
        self._beats = beats
        self._metre = metre
        self._limit = limit
        self.best = np.full(shape, -np.inf)
        self._back = np.full(shape, -1, dtype=np.int64)
        self._number = np.zeros(shape)

    def reach(self, there: int) -> None:
        """Fill in target `there`, all before it being done."""
        target = self._targets[there]
        before = max((index for index in self._forced if index < there), default=-1)
        if before < 0:
            self.best[there] = 0.0
        first = max(before, there - _LOOK_BACK, 0)
        for here in range(first, there):
            self._step(here, there)
        if before >= 0 and first > before:
            self._step(before, there)
        self.best[there] += _PRESENCE + target.weight + _HELD_WORTH * target.held
        self.best[there, 1] -= _OFF_BEAT_COST
        if there in self._forced:
            self.best[there, 1] = -np.inf

    def _step(self, here: int, there: int) -> None:
        span = self._targets[there].seconds - self._targets[here].seconds
        if span <= 0:
            return
        length = span / self._beats
        whole = np.maximum(1.0, np.rint(length))
        both_held = here in self._forced and there in self._forced
        if both_held:
            first, last = self._targets[here].bar, self._targets[there].bar
            count = (last or 0) - (first or 0)
            whole = np.clip(whole, SHORTEST_BAR * count, LONGEST_BAR * count)
            odd = _ODD_BARS_COST * (whole != count * self._metre)
            excess = np.maximum(0.0, np.abs(whole / length - 1.0) - self._limit)
            self._offer(here, there, 0, whole, -odd - _FORCED_COST * excess, forced=True)
            return
        half = np.maximum(0.5, np.floor(length) + 0.5)
        for flips, number in ((0, whole), (1, half)):
            self._offer(here, there, flips, number, np.zeros(len(length)), forced=False)

    def _offer(
        self, here: int, there: int, flips: int, number: Array, extra: Array, *, forced: bool
    ) -> None:
        span = self._targets[there].seconds - self._targets[here].seconds
        bend = np.abs(number * self._beats / span - 1.0)
        share = np.minimum(1.0, bend / self._limit)
        for half in (0, 1):
            to = half ^ flips
            value = self.best[here, half] + extra - _BEND_COST * share * share
            better = ((bend <= self._limit) | forced) & (value > self.best[there, to] + 1e-9)
            self.best[there, to] = np.where(better, value, self.best[there, to])
            self._back[there, to] = np.where(better, 2 * here + half, self._back[there, to])
            self._number[there, to] = np.where(better, number, self._number[there, to])

    def chain(self, last: int, column: int) -> Chain:
        """The best chain at base tempo `column` that ends on `last` or later."""
        ends = self.best[last:, :, column]
        at, half = divmod(int(np.argmax(np.round(ends, 9))), 2)
        at += last
        indices, numbers = [], []
        while at >= 0:
            indices.append(at)
            numbers.append(float(self._number[at, half, column]))
            back = int(self._back[at, half, column])
            at, half = divmod(back, 2) if back >= 0 else (-1, 0)
        indices.reverse()
        numbers.reverse()
        places = np.cumsum([0.0, *numbers[1:]])
        return Chain(
            tuple(indices), tuple(float(place) for place in places), float(self._beats[column])
        )
