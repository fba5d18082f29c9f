"""Dot products of a narrow row of weights with a wide one, as vector instructions, for numba.

What a compiler makes of a plain loop reads 8-bit weights at half of what memory gives. Here widths,
sums and their order are ours: the order is the same whatever else is computed, so that a result
never depends on how many others there are. Any processor that LLVM knows will do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

STEP = 64
"""Numbers of a row must be a multiple of it: no dot product takes more at a time."""

_LANES = 8
_SUMS = 4
"""At work at a time, since one has to wait for its last addition."""
_BYTE, _SHORT, _INT = ir.IntType(8), ir.IntType(16), ir.IntType(32)
_SIZE, _HALF, _FLOAT = ir.IntType(64), ir.HalfType(), ir.FloatType()
_Load = Callable[[Any, Any, Any], Any]
"""Builder, pointer, place to a vector of what stands there."""


@intrinsic
def place(context: Any, array: Any, index: Any) -> Any:
    """A pointer to the number `index` of an array without gaps."""

    def make(target: Any, builder: Any, signature: Any, given: Any) -> Any:
        data = target.make_array(signature.args[0])(target, builder, given[0]).data
        return builder.gep(data, [given[1]])

    return types.CPointer(array.dtype)(array, types.int64), make


@intrinsic
def dot_float32(context: Any, weights: Any, inputs: Any, count: Any) -> Any:
    """Pointers to float32 and float32, how many, to their dot product."""
    return _float_dot(types.float32, lambda b, at, i: _load(b, at, i, _FLOAT, _LANES))


@intrinsic
def dot_float16(context: Any, weights: Any, inputs: Any, count: Any) -> Any:
    """Pointers to the bits of float16 and to float32, how many, to their dot product."""

    def load(builder: Any, at: Any, index: Any) -> Any:
        halves = builder.bitcast(at, _HALF.as_pointer())
        return builder.fpext(_load(builder, halves, index, _HALF, _LANES), _vector(_FLOAT, _LANES))

    return _float_dot(types.uint16, load)


@intrinsic
def dot_int8(context: Any, weights: Any, inputs: Any, count: Any) -> Any:
    """Pointers to int8 and int16, how many, to their dot product in float32.

    Eight sums of 32 bits are rounded once they are whole; that they can hold is up to the caller.
    """

    def make(target: Any, builder: Any, signature: Any, given: Any) -> Any:
        at_weights, at_inputs, count = given
        wide = _vector(_INT, 2 * _LANES)

        def product(index: Any) -> Any:
            weight = builder.sext(_load(builder, at_weights, index, _BYTE, 2 * _LANES), wide)
            value = builder.sext(_load(builder, at_inputs, index, _SHORT, 2 * _LANES), wide)
            both = builder.mul(weight, value, flags=["nsw"])
            # Neighbours summed: what processors have one instruction for.
            even, odd = (_picked(builder, both, range(one, 2 * _LANES, 2)) for one in (0, 1))
            return builder.add(even, odd)

        def add(held: Any, index: Any) -> Any:
            return builder.add(held, product(index))

        sums = _summed(builder, count, _vector(_INT, _LANES), 2 * _LANES, add)
        total = _folded(sums, builder.add)
        floats = builder.sitofp(total, _vector(_FLOAT, _LANES))
        return _across(builder, floats)

    signature = types.float32(types.CPointer(types.int8), types.CPointer(types.int16), types.int64)
    return signature, make


def _float_dot(weight: Any, load: _Load) -> Any:
    def make(target: Any, builder: Any, signature: Any, given: Any) -> Any:
        at_weights, at_inputs, count = given
        vector = _vector(_FLOAT, _LANES)
        multiply_add = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(vector, [vector] * 3), f"llvm.fma.v{_LANES}f32"
        )

        def add(held: Any, index: Any) -> Any:
            value = _load(builder, at_inputs, index, _FLOAT, _LANES)
            return builder.call(multiply_add, [load(builder, at_weights, index), value, held])

        sums = _summed(builder, count, vector, _LANES, add)
        return _across(builder, _folded(sums, builder.fadd))

    signature = types.float32(types.CPointer(weight), types.CPointer(types.float32), types.int64)
    return signature, make


def _summed(
    builder: Any, count: Any, vector: Any, lanes: int, add: Callable[[Any, Any], Any]
) -> list[Any]:
    """Sums over `count` numbers, `lanes` of them at a time to each sum in turn."""
    zero = ir.Constant(vector, [0] * vector.count)
    sums = [cgutils.alloca_once_value(builder, zero) for _ in range(_SUMS)]
    first, step = ir.Constant(_SIZE, 0), ir.Constant(_SIZE, lanes * _SUMS)
    with cgutils.for_range_slice(builder, first, count, step, _SIZE) as (index, _):
        for one, kept in enumerate(sums):
            here = builder.add(index, ir.Constant(_SIZE, one * lanes))
            builder.store(add(builder.load(kept), here), kept)
    return [builder.load(kept) for kept in sums]


def _folded(parts: Sequence[Any], add: Callable[[Any, Any], Any]) -> Any:
    while len(parts) > 1:
        parts = [add(one, other) for one, other in zip(parts[::2], parts[1::2], strict=True)]
    return parts[0]


def _across(builder: Any, vector: Any) -> Any:
    """The sum of a vector's numbers, halves first."""
    lanes = _LANES
    while lanes > 1:
        lanes //= 2
        low, high = (_picked(builder, vector, range(at, at + lanes)) for at in (0, lanes))
        vector = builder.fadd(low, high)
    return builder.extract_element(vector, ir.Constant(_INT, 0))


def _picked(builder: Any, vector: Any, which: Sequence[int]) -> Any:
    return builder.shuffle_vector(vector, vector, ir.Constant(_vector(_INT, len(which)), [*which]))


def _load(builder: Any, at: Any, index: Any, kind: Any, lanes: int) -> Any:
    vector = _vector(kind, lanes)
    loaded = builder.load(builder.bitcast(builder.gep(at, [index]), vector.as_pointer()))
    # Rows begin anywhere: a vector is only as well aligned as one of its numbers.
    loaded.align = 1
    return loaded


def _vector(kind: Any, lanes: int) -> Any:
    return ir.VectorType(kind, lanes)
