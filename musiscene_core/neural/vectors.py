"""Vectors of numbers in code that numba is given: what dots.py and blocks.py build theirs of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

_LINE_BYTES = 64
_SECOND_LEVEL = 2
"""Of caches: what is soon read stays out of the smallest."""
LANES = 8
"""Of a vector of float32 or int32."""
BYTE, SHORT, INT, SIZE = (ir.IntType(bits) for bits in (8, 16, 32, 64))
HALF, FLOAT = ir.HalfType(), ir.FloatType()


def float_parts(builder: Any, kind: Any) -> tuple[Any, Any]:
    """What loads weights, and what adds their products with inputs."""
    vector = vector_of(FLOAT, LANES)
    multiply_add = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(vector, [vector] * 3), f"llvm.fma.v{LANES}f32"
    )

    def loaded(at: Any, index: Any) -> Any:
        if kind != types.uint16:
            return load(builder, at, index, FLOAT, LANES)
        halves = builder.bitcast(at, HALF.as_pointer())
        return builder.fpext(load(builder, halves, index, HALF, LANES), vector)

    return loaded, lambda held, weight, value: builder.call(multiply_add, [weight, value, held])


def whole_parts(builder: Any) -> tuple[Any, Any]:
    """As `float_parts`, of int8 with int16: 16 of them are 8 sums."""
    wide = vector_of(INT, 2 * LANES)

    def loaded(at: Any, index: Any) -> Any:
        return builder.sext(load(builder, at, index, BYTE, 2 * LANES), wide)

    def add(held: Any, weight: Any, value: Any) -> Any:
        both = builder.mul(weight, builder.sext(value, wide), flags=["nsw"])
        # Neighbours summed: what processors have one instruction for.
        even, odd = (picked(builder, both, range(one, 2 * LANES, 2)) for one in (0, 1))
        return builder.add(held, builder.add(even, odd))

    return loaded, add


def folded(parts: Sequence[Any], add: Callable[[Any, Any], Any]) -> Any:
    """A power of two of vectors together, neighbours first."""
    while len(parts) > 1:
        parts = [add(one, other) for one, other in zip(parts[::2], parts[1::2], strict=True)]
    return parts[0]


def across(builder: Any, vector: Any, add: Callable[[Any, Any], Any] | None = None) -> Any:
    """A vector's numbers together, halves first: their sum, or what else `add` makes of two."""
    lanes = LANES
    while lanes > 1:
        lanes //= 2
        low, high = (picked(builder, vector, range(at, at + lanes)) for at in (0, lanes))
        vector = (add or builder.fadd)(low, high)
    return builder.extract_element(vector, ir.Constant(INT, 0))


def larger(builder: Any, one: Any, other: Any) -> Any:
    """Of whole numbers."""
    return builder.select(builder.icmp_signed(">", one, other), one, other)


def picked(builder: Any, vector: Any, which: Sequence[int]) -> Any:
    """A vector of some of another's numbers."""
    return builder.shuffle_vector(vector, vector, ir.Constant(vector_of(INT, len(which)), [*which]))


def load(builder: Any, at: Any, index: Any, kind: Any, lanes: int) -> Any:
    """The numbers of a type from `index` on behind a pointer."""
    vector = vector_of(kind, lanes)
    loaded = builder.load(builder.bitcast(builder.gep(at, [index]), vector.as_pointer()))
    # Rows begin anywhere: a vector is only as well aligned as one of its numbers.
    loaded.align = 1
    return loaded


def fetch(builder: Any, at: Any, index: Any, bytes_ahead: int) -> None:
    """Have the processor read some lines of memory from place `index` behind a pointer on.

    Nothing waits for them, and where there is no memory nothing happens.
    """
    kind = ir.FunctionType(ir.VoidType(), [BYTE.as_pointer(), INT, INT, INT])
    ahead = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
    first = builder.bitcast(builder.gep(at, [index]), BYTE.as_pointer())
    for line in range(0, bytes_ahead, _LINE_BYTES):
        there = builder.gep(first, [ir.Constant(SIZE, line)])
        builder.call(ahead, [there, *(ir.Constant(INT, one) for one in (0, _SECOND_LEVEL, 1))])


def splat(builder: Any, number: Any, lanes: int = LANES) -> Any:
    """A vector of one number throughout."""
    vector = vector_of(number.type, lanes)
    one = builder.insert_element(ir.Constant(vector, ir.Undefined), number, ir.Constant(INT, 0))
    return picked(builder, one, [0] * lanes)


def store(builder: Any, vector: Any, at: Any, index: Any) -> None:
    """Put a vector in place `index` behind a pointer to its numbers, and behind that."""
    there = builder.bitcast(builder.gep(at, [index]), vector.type.as_pointer())
    builder.store(vector, there).align = 1


def vector_of(kind: Any, lanes: int) -> Any:
    """The type of so many numbers of one."""
    return ir.VectorType(kind, lanes)
