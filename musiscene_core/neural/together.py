"""Threads that go through one compiled function side by side, and meet within it.

A decoding step has some hundred points at which every thread waits for the others. To hand out work
anew at each takes tens of microseconds; to count who has come takes less than one. Cores are never
equally fast for long: what lies between two such points may be taken in pieces, by who is free.

Needs numba.
"""

from __future__ import annotations

import ctypes
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from llvmlite import binding, ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from musiscene_core.neural.compiled import compiled
from musiscene_core.neural.dots import item_bytes, soon
from musiscene_core.neural.pace import Pace

_YIELD = "musiscene_let_others_run"
_LOOKS = 4_000
"""At who has come, before others get the core: some microseconds."""
_CACHE_LINE = 8
"""Numbers of 64 bits, so that nothing else lies beside a counter."""
_NEXT, _OWN = _CACHE_LINE, 2 * _CACHE_LINE
"""Where the next piece is counted, and where each part's own begin: the piece it holds, and the
first of those that are shared out now.
"""
_SMALL = 4
"""Pieces for each part besides its first."""
_READ_AHEAD = 1 << 18
"""Bytes that a core's own cache holds besides what is in use."""
_LINE_BYTES = 64


class Team:
    """As many threads as parts of a step; the caller is one of them.

    Attributes:
        parts: at the most.
    """

    def __init__(self, parts: int, spare: int = 0) -> None:
        """Threads start with the first step and end with the team.

        Args:
            parts: of any call, and
            spare: more of one by `paced`, while other programs leave cores for them.
        """
        binding.add_symbol(_YIELD, _yielding())
        self.parts = parts + spare
        self._usual, self._pace = parts, Pace(parts, parts + spare)
        self._come = np.zeros(_OWN + self.parts * _CACHE_LINE, np.int64)
        many = self.parts > 1
        self._others = ThreadPoolExecutor(self.parts - 1, "step") if many else None

    def __call__(self, function: Callable[..., None], *given: Any) -> None:
        """Run `function`(*given, come, part, parts) in all parts; it must raise nothing."""
        self._run(self._usual, function, *given)

    def paced(self, count: int, function: Callable[..., None], *given: Any) -> None:
        """As a call, in as many parts as are fastest just now: `count` steps, all much alike."""
        begun = time.perf_counter()
        self._run(self._pace.parts, function, *given)
        self._pace.took((time.perf_counter() - begun) / count)

    def _run(self, parts: int, function: Callable[..., None], *given: Any) -> None:
        self._come[:] = 0
        self._come[_NEXT] = parts
        self._come[_OWN::_CACHE_LINE] = np.arange(self.parts)
        if self._others is None or parts == 1:
            function(*given, self._come, 0, 1)
            return
        others = [
            self._others.submit(function, *given, self._come, part, parts)
            for part in range(1, parts)
        ]
        function(*given, self._come, 0, parts)
        for other in others:
            other.result()


@compiled
def meet(come: Any, parts: int) -> None:
    """Return when all parts have called this as often as this one, what they wrote being seen."""
    if parts == 1:
        return
    awaited = -(-_added(come, 0) // parts) * parts
    looks = 0
    while _read(come) < awaited:
        looks += 1
        if looks > _LOOKS:
            _let_others_run()


@compiled
def pieces_for(parts: int) -> int:
    """Of how many pieces `piece_of` makes something."""
    return parts + parts * _SMALL if parts > 1 else 1


@compiled
def piece_of(count: int, number: int, parts: int) -> tuple[int, int]:
    """Where piece `number` of `count` begins and ends: a large one for each part, then small ones.

    A part that was held up leaves the small ones to others. Behind the last, pieces are empty.
    """
    if parts == 1:
        return (0, count) if number == 0 else (count, count)
    large = count * 3 // (4 * parts) // 4 * 4
    if number < parts:
        return number * large, (number + 1) * large
    small = (-(-(count - parts * large) // (parts * _SMALL)) + 3) // 4 * 4
    first = parts * large + (number - parts) * small
    return min(count, first), min(count, first + small)


@compiled
def taken(come: Any, part: int, pieces: int) -> int:
    """The next of `pieces` for this part; -1 when there are none left, and then those are over.

    All parts take from the same things in the same order, and meet between two of them. Who finds
    none keeps the number he drew: it is his first piece of what comes next, which he thus knows.
    """
    own = _OWN + part * _CACHE_LINE
    held, first = come[own], come[own + 1]
    if held < 0:
        held = _added(come, _NEXT) - 1
    if held - first >= pieces:
        come[own], come[own + 1] = held, first + pieces
        return -1
    come[own] = -1
    return int(held - first)


@compiled
def first_of_next(come: Any, part: int) -> int:
    """Which piece `taken` will give this part first of what comes next."""
    own = _OWN + part * _CACHE_LINE
    return int(come[own] - come[own + 1])


@compiled
def meet_reading(come: Any, parts: int, rows: Any, count: int, first: int, last: int) -> None:
    """As `meet`; who waits has some of rows `first` to `last` read, which are what he needs next.

    Args:
        come: of the team.
        parts: of so many.
        rows: a pointer to rows of
        count: numbers, which are used four at a time, from all quarters.
        first: of them.
        last: the one after.
    """
    if parts == 1:
        return
    awaited = -(-_added(come, 0) // parts) * parts
    each = _LINE_BYTES // item_bytes(rows)
    apart = -(-(last - first) // 4)
    end = first + min(apart, _READ_AHEAD // (4 * count * item_bytes(rows)))
    row, at, looks = first, 0, 0
    while _read(come) < awaited:
        if row < end:
            for quarter in range(4):
                soon(rows, min(row + quarter * apart, last - 1) * count + at)
            at += each
            if at >= count:
                row, at = row + 1, 0
            continue
        looks += 1
        if looks > _LOOKS:
            _let_others_run()


@intrinsic
def _added(context: Any, counter: Any, index: Any) -> Any:
    """One more in a number of an array; what it is then."""

    def make(target: Any, builder: Any, signature: Any, given: Any) -> Any:
        data = target.make_array(counter)(target, builder, given[0]).data
        one = ir.Constant(ir.IntType(64), 1)
        at = builder.gep(data, [given[1]])
        return builder.add(builder.atomic_rmw("add", at, one, "seq_cst"), one)

    return types.int64(counter, types.int64), make


@intrinsic
def _read(context: Any, counter: Any) -> Any:
    """The first number of an array as it is now."""

    def make(target: Any, builder: Any, signature: Any, given: Any) -> Any:
        at = target.make_array(counter)(target, builder, given[0]).data
        return builder.load_atomic(at, "seq_cst", 8)

    return types.int64(counter), make


@intrinsic
def _let_others_run(context: Any) -> Any:
    def make(target: Any, builder: Any, signature: Any, given: Any) -> Any:
        kind = ir.FunctionType(ir.IntType(32), [])
        builder.call(cgutils.get_or_insert_function(builder.module, kind, _YIELD), [])
        return target.get_dummy_value()

    return types.void(), make


def _yielding() -> int:
    """The address of what lets another thread have the core."""
    if sys.platform == "win32":
        function = ctypes.WinDLL("kernel32").SwitchToThread
    else:
        function = ctypes.CDLL(None).sched_yield
    address = ctypes.cast(function, ctypes.c_void_p).value
    if address is None:
        raise AssertionError("every system can let others run")
    return address
