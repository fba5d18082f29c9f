"""Threads that go through one compiled function side by side, and meet within it.

A decoding step has some hundred points at which every thread waits for the others. To hand out work
anew at each takes tens of microseconds; to count who has come takes less than one.

Needs numba.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from llvmlite import binding, ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from musiscene_core.neural.compiled import compiled

_YIELD = "musiscene_let_others_run"
_LOOKS = 4_000
"""At who has come, before others get the core: some microseconds."""
_CACHE_LINE = 8
"""Numbers of 64 bits, so that nothing else lies beside a counter."""


class Team:
    """As many threads as parts of a step; the caller is one of them."""

    def __init__(self, parts: int) -> None:
        """Threads start with the first step and end with the team."""
        binding.add_symbol(_YIELD, _yielding())
        self.parts = parts
        self._come = np.zeros(_CACHE_LINE, np.int64)
        self._others = ThreadPoolExecutor(parts - 1, "step") if parts > 1 else None

    def __call__(self, function: Callable[..., None], *given: Any) -> None:
        """Run `function`(*given, come, part, parts) in all parts; it must raise nothing."""
        self._come[:] = 0
        if self._others is None:
            function(*given, self._come, 0, 1)
            return
        others = [
            self._others.submit(function, *given, self._come, part, self.parts)
            for part in range(1, self.parts)
        ]
        function(*given, self._come, 0, self.parts)
        for other in others:
            other.result()


@compiled
def meet(come: Any, parts: int) -> None:
    """Return when all parts have called this as often as this one, what they wrote being seen."""
    if parts == 1:
        return
    awaited = -(-_added(come) // parts) * parts
    looks = 0
    while _read(come) < awaited:
        looks += 1
        if looks > _LOOKS:
            _let_others_run()


@intrinsic
def _added(context: Any, counter: Any) -> Any:
    """One more in the first number of an array; what it is then."""

    def make(target: Any, builder: Any, signature: Any, given: Any) -> Any:
        at = target.make_array(counter)(target, builder, given[0]).data
        one = ir.Constant(ir.IntType(64), 1)
        return builder.add(builder.atomic_rmw("add", at, one, "seq_cst"), one)

    return types.int64(counter), make


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
