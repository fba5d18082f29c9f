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
_SUMS = 2
"""At work at a time, since one has to wait for its last addition."""
_BYTE, _SHORT, _INT = ir.IntType(8), ir.IntType(16), ir.IntType(32)
_Add = Callable[[Any, Any], Any]
_SIZE, _HALF, _FLOAT = ir.IntType(64), ir.HalfType(), ir.FloatType()


@intrinsic
def place(context: Any, array: Any, index: Any) -> Any:
    """A pointer to the number `index` of an array without gaps, or behind a pointer."""

    def make(target: Any, builder: Any, signature: Any, given: Any) -> Any:
        data = given[0]
        if isinstance(array, types.Array):
            data = target.make_array(array)(target, builder, data).data
        return builder.gep(data, [given[1]])

    return types.CPointer(array.dtype)(array, types.int64), make


@intrinsic
def pointer(context: Any, like: Any, address: Any) -> Any:
    """A pointer to numbers as in the array `like`, at an address."""

    def make(target: Any, builder: Any, signature: Any, given: Any) -> Any:
        return builder.inttoptr(given[1], target.get_value_type(signature.return_type))

    return types.CPointer(like.dtype)(like, types.int64), make


@intrinsic
def inputs_for(context: Any, weights: Any, inputs: Any, whole: Any) -> Any:
    """Of pointers to the same inputs, in float32 and in whole numbers, the one `weights` need."""
    chosen = 2 if weights.dtype == types.int8 else 1
    kinds = (weights, inputs, whole)
    return kinds[chosen](*kinds), lambda target, builder, signature, given: given[chosen]


@intrinsic
def power_of_two(context: Any, exponent: Any) -> Any:
    """2 to an int32 from -126 to 127, as float32."""

    def make(target: Any, builder: Any, signature: Any, given: Any) -> Any:
        biased = builder.add(given[0], ir.Constant(_INT, 127))
        return builder.bitcast(builder.shl(biased, ir.Constant(_INT, 23)), _FLOAT)

    return types.float32(types.int32), make


@intrinsic
def put(context: Any, at: Any, index: Any, value: Any) -> Any:
    """Write a float32 to place `index` behind a pointer to float32 or to the bits of float16."""

    def make(target: Any, builder: Any, signature: Any, given: Any) -> Any:
        pointer, index, value = given
        if at.dtype == types.uint16:
            value = builder.bitcast(builder.fptrunc(value, _HALF), _SHORT)
        builder.store(value, builder.gep(pointer, [index]))
        return target.get_dummy_value()

    return types.void(at, types.int64, types.float32), make


@intrinsic
def largest(context: Any, numbers: Any, count: Any) -> Any:
    """The largest size among `count` float32 behind a pointer; no number if one of them is none."""

    def make(target: Any, builder: Any, signature: Any, given: Any) -> Any:
        at, count = given
        vector = _vector(_INT, _LANES)
        sign = ir.Constant(vector, [0x7FFFFFFF] * _LANES)

        def add(held: Any, here: Any, at: Any, index: Any) -> Any:
            # Floats without a sign are in order as whole numbers too, and what is none above all.
            return _larger(builder, held, builder.and_(here, sign))

        def bits(index: Any) -> Any:
            return builder.bitcast(_load(builder, at, index, _FLOAT, _LANES), vector)

        sums = _summed(builder, count, vector, _LANES, [at], bits, add)
        found = _folded(sums[0], lambda one, other: _larger(builder, one, other))
        return builder.bitcast(
            _across(builder, found, lambda one, other: _larger(builder, one, other)), _FLOAT
        )

    return types.float32(types.CPointer(types.float32), types.int64), make


@intrinsic
def to_whole(context: Any, numbers: Any, scale: Any, out: Any, count: Any) -> Any:
    """The nearest whole numbers to `count` float32 times a scale, as int16; pointers both."""

    def make(target: Any, builder: Any, signature: Any, given: Any) -> Any:
        at, scale, to, count = given
        vector = _vector(_FLOAT, _LANES)
        nearest = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(vector, [vector]), f"llvm.rint.v{_LANES}f32"
        )
        one = builder.insert_element(ir.Constant(vector, ir.Undefined), scale, ir.Constant(_INT, 0))
        scales = builder.shuffle_vector(one, one, ir.Constant(_vector(_INT, _LANES), [0] * _LANES))
        first, step = ir.Constant(_SIZE, 0), ir.Constant(_SIZE, _LANES)
        with cgutils.for_range_slice(builder, first, count, step, _SIZE) as (index, _):
            scaled = builder.fmul(_load(builder, at, index, _FLOAT, _LANES), scales)
            whole = builder.fptosi(builder.call(nearest, [scaled]), _vector(_INT, _LANES))
            short = builder.trunc(whole, _vector(_SHORT, _LANES))
            there = builder.bitcast(builder.gep(to, [index]), short.type.as_pointer())
            builder.store(short, there).align = 1
        return target.get_dummy_value()

    kinds = types.CPointer(types.float32), types.float32, types.CPointer(types.int16), types.int64
    return types.void(*kinds), make


@intrinsic
def dot(context: Any, weights: Any, inputs: Any, count: Any) -> Any:
    """The dot product of `count` weights with as many inputs, in float32.

    Weights are float32 or the bits of float16, inputs then float32; or int8, and inputs int16.
    Of whole numbers, sums of 32 bits are rounded once: that they can hold is up to the caller.
    """
    kinds = (weights, inputs, types.int64)

    def make(target: Any, builder: Any, signature: Any, given: Any) -> Any:
        at_weights, at_inputs, count = given
        return _dots(builder, weights.dtype, at_weights, [at_inputs], count)[0]

    return types.float32(*kinds), make


@intrinsic
def two_dots(context: Any, weights: Any, inputs: Any, stride: Any, count: Any) -> Any:
    """As `dot`, with two rows of inputs, each `stride` numbers behind the other."""
    return _several(weights, inputs, 2)


@intrinsic
def four_dots(context: Any, weights: Any, inputs: Any, stride: Any, count: Any) -> Any:
    """As `dot`, with four rows of inputs, each `stride` numbers behind the other."""
    return _several(weights, inputs, 4)


def _several(weights: Any, inputs: Any, rows: int) -> Any:
    def make(target: Any, builder: Any, signature: Any, given: Any) -> Any:
        at_weights, at_inputs, stride, count = given
        each = [
            builder.gep(at_inputs, [builder.mul(stride, ir.Constant(_SIZE, row))])
            for row in range(rows)
        ]
        found = _dots(builder, weights.dtype, at_weights, each, count)
        return target.make_tuple(builder, signature.return_type, found)

    kinds = (weights, inputs, types.int64, types.int64)
    return types.UniTuple(types.float32, rows)(*kinds), make


def _dots(builder: Any, kind: Any, weights: Any, inputs: Sequence[Any], count: Any) -> list[Any]:
    """Dot products of the same weights with each of `inputs`; each as if it were alone."""
    if kind == types.int8:
        return _whole_dots(builder, weights, inputs, count)
    vector = _vector(_FLOAT, _LANES)
    multiply_add = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(vector, [vector] * 3), f"llvm.fma.v{_LANES}f32"
    )
    if kind == types.uint16:
        weights = builder.bitcast(weights, _HALF.as_pointer())

    def weight(index: Any) -> Any:
        if kind == types.uint16:
            return builder.fpext(_load(builder, weights, index, _HALF, _LANES), vector)
        return _load(builder, weights, index, _FLOAT, _LANES)

    def add(held: Any, here: Any, at: Any, index: Any) -> Any:
        return builder.call(multiply_add, [here, _load(builder, at, index, _FLOAT, _LANES), held])

    sums = _summed(builder, count, vector, _LANES, inputs, weight, add)
    return [_across(builder, _folded(each, builder.fadd)) for each in sums]


def _whole_dots(builder: Any, weights: Any, inputs: Sequence[Any], count: Any) -> list[Any]:
    wide = _vector(_INT, 2 * _LANES)

    def weight(index: Any) -> Any:
        return builder.sext(_load(builder, weights, index, _BYTE, 2 * _LANES), wide)

    def add(held: Any, here: Any, at: Any, index: Any) -> Any:
        value = builder.sext(_load(builder, at, index, _SHORT, 2 * _LANES), wide)
        both = builder.mul(here, value, flags=["nsw"])
        # Neighbours summed: what processors have one instruction for.
        even, odd = (_picked(builder, both, range(one, 2 * _LANES, 2)) for one in (0, 1))
        return builder.add(held, builder.add(even, odd))

    sums = _summed(builder, count, _vector(_INT, _LANES), 2 * _LANES, inputs, weight, add)
    floats = _vector(_FLOAT, _LANES)
    totals = [builder.sitofp(_folded(each, builder.add), floats) for each in sums]
    return [_across(builder, total) for total in totals]


def _summed(
    builder: Any,
    count: Any,
    vector: Any,
    lanes: int,
    inputs: Sequence[Any],
    weight: Callable[[Any], Any],
    add: Callable[[Any, Any, Any, Any], Any],
) -> list[list[Any]]:
    """For each of `inputs`, sums over `count` numbers, `lanes` of them at a time to each in turn.

    Args:
        builder: of the code.
        count: of numbers.
        vector: the type of a sum.
        lanes: numbers added at once.
        inputs: pointers.
        weight: a place to the weights there.
        add: a sum, weights, a pointer to inputs and a place to the next sum.
    """
    zero = ir.Constant(vector, [0] * vector.count)
    sums = [[cgutils.alloca_once_value(builder, zero) for _ in range(_SUMS)] for _ in inputs]
    first, step = ir.Constant(_SIZE, 0), ir.Constant(_SIZE, lanes * _SUMS)
    with cgutils.for_range_slice(builder, first, count, step, _SIZE) as (index, _):
        for one in range(_SUMS):
            here = builder.add(index, ir.Constant(_SIZE, one * lanes))
            weights = weight(here)
            for at, kept in zip(inputs, sums, strict=True):
                builder.store(add(builder.load(kept[one]), weights, at, here), kept[one])
    return [[builder.load(one) for one in kept] for kept in sums]


def _folded(parts: Sequence[Any], add: Callable[[Any, Any], Any]) -> Any:
    while len(parts) > 1:
        parts = [add(one, other) for one, other in zip(parts[::2], parts[1::2], strict=True)]
    return parts[0]


def _across(builder: Any, vector: Any, add: _Add | None = None) -> Any:
    """A vector's numbers together, halves first: their sum, or what else `add` makes of two."""
    lanes = _LANES
    while lanes > 1:
        lanes //= 2
        low, high = (_picked(builder, vector, range(at, at + lanes)) for at in (0, lanes))
        vector = (add or builder.fadd)(low, high)
    return builder.extract_element(vector, ir.Constant(_INT, 0))


def _larger(builder: Any, one: Any, other: Any) -> Any:
    return builder.select(builder.icmp_signed(">", one, other), one, other)


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
