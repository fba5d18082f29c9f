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

from musiscene_core.neural.vectors import (
    BYTE,
    FLOAT,
    HALF,
    INT,
    LANES,
    SHORT,
    SIZE,
    across,
    fetch,
    float_parts,
    folded,
    larger,
    load,
    splat,
    store,
    vector_of,
    whole_parts,
)

STEP = 64
"""Numbers of a row must be a multiple of it: no dot product takes more at a time."""

WHOLES_AT_MOST = 4096
"""Products of 8 times 16 bits that eight sums of 32 bits hold for certain."""

_TURNS = 4
"""Of a loop over four rows of weights, between two looks at whether it has ended."""

_SUMS = 2
"""At work at a time, since one has to wait for its last addition."""


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
def item_bytes(context: Any, at: Any) -> Any:
    """Of one number behind a pointer."""
    size = at.dtype.bitwidth // 8
    return types.int64(at), lambda *_: ir.Constant(SIZE, size)


@intrinsic
def soon(context: Any, at: Any, index: Any) -> Any:
    """Have the line of memory with number `index` behind a pointer read; nothing waits for it."""

    def make(target: Any, builder: Any, signature: Any, given: Any) -> Any:
        fetch(builder, given[0], given[1], 1)
        return target.get_dummy_value()

    return types.void(at, types.int64), make


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
        biased = builder.add(given[0], ir.Constant(INT, 127))
        return builder.bitcast(builder.shl(biased, ir.Constant(INT, 23)), FLOAT)

    return types.float32(types.int32), make


@intrinsic
def put(context: Any, at: Any, index: Any, value: Any) -> Any:
    """Write a number to place `index` behind a pointer.

    A float32 goes behind a pointer to float32 or to the bits of float16, a small int16 behind one
    to int8; what does not fit is left out, since it is not compiled for a use.
    """

    def make(target: Any, builder: Any, signature: Any, given: Any) -> Any:
        pointer, index, value = given
        if at.dtype == types.uint16 and value.type == FLOAT:
            value = builder.bitcast(builder.fptrunc(value, HALF), SHORT)
        if at.dtype == types.int8 and value.type == SHORT:
            value = builder.trunc(value, BYTE)
        there = builder.gep(pointer, [index])
        if there.type.pointee == value.type:
            builder.store(value, there)
        return target.get_dummy_value()

    return types.void(at, types.int64, value), make


@intrinsic
def largest(context: Any, numbers: Any, count: Any) -> Any:
    """The largest size among `count` float32 behind a pointer; no number if one of them is none."""

    def make(target: Any, builder: Any, signature: Any, given: Any) -> Any:
        at, count = given
        vector = vector_of(INT, LANES)
        sign = ir.Constant(vector, [0x7FFFFFFF] * LANES)

        def add(held: Any, here: Any, at: Any, index: Any) -> Any:
            # Floats without a sign are in order as whole numbers too, and what is none above all.
            return larger(builder, held, builder.and_(here, sign))

        def bits(index: Any) -> Any:
            return builder.bitcast(load(builder, at, index, FLOAT, LANES), vector)

        sums = _summed(builder, count, vector, LANES, [at], bits, add)
        found = folded(sums[0], lambda one, other: larger(builder, one, other))
        return builder.bitcast(
            across(builder, found, lambda one, other: larger(builder, one, other)), FLOAT
        )

    return types.float32(types.CPointer(types.float32), types.int64), make


@intrinsic
def to_whole(context: Any, numbers: Any, scale: Any, out: Any, count: Any) -> Any:
    """The nearest whole numbers to `count` float32 times a scale, as int16; pointers both."""

    def make(target: Any, builder: Any, signature: Any, given: Any) -> Any:
        at, scale, to, count = given
        vector = vector_of(FLOAT, LANES)
        nearest = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(vector, [vector]), f"llvm.rint.v{LANES}f32"
        )
        scales = splat(builder, scale)
        first, step = ir.Constant(SIZE, 0), ir.Constant(SIZE, LANES)
        with cgutils.for_range_slice(builder, first, count, step, SIZE) as (index, _):
            scaled = builder.fmul(load(builder, at, index, FLOAT, LANES), scales)
            whole = builder.fptosi(builder.call(nearest, [scaled]), vector_of(INT, LANES))
            store(builder, builder.trunc(whole, vector_of(SHORT, LANES)), to, index)
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
        return _dot(builder, weights.dtype, at_weights, at_inputs, count)

    return types.float32(*kinds), make


@intrinsic
def four_by_one(context: Any, rows: Any, inputs: Any, stride: Any, count: Any) -> Any:
    """Dot products of four rows of weights, pointers, with one row of inputs, in float32.

    Types are as of `dot`. The order of sums is the same as in `four_by_two`.
    """
    return _tile(rows, inputs, 1)


@intrinsic
def four_by_two(context: Any, rows: Any, inputs: Any, stride: Any, count: Any) -> Any:
    """As `four_by_one`, with two rows of inputs, the second `stride` numbers behind the first.

    The first four results are those of the first row.
    """
    return _tile(rows, inputs, 2)


def _tile(rows: Any, inputs: Any, many: int) -> Any:
    def make(target: Any, builder: Any, signature: Any, given: Any) -> Any:
        at_rows, at_inputs, stride, count = given
        weights = cgutils.unpack_tuple(builder, at_rows)
        each = [
            builder.gep(at_inputs, [builder.mul(stride, ir.Constant(SIZE, row))])
            for row in range(many)
        ]
        found = _tile_of(builder, rows.dtype.dtype, weights, each, count)
        return target.make_tuple(builder, signature.return_type, found)

    kinds = (rows, inputs, types.int64, types.int64)
    return types.UniTuple(types.float32, 4 * many)(*kinds), make


def _tile_of(
    builder: Any, kind: Any, weights: Sequence[Any], inputs: Sequence[Any], count: Any
) -> list[Any]:
    """Products of all weights with the first input, then with the second."""
    floats = vector_of(FLOAT, LANES)
    whole = kind == types.int8
    sum_of = vector_of(INT, LANES) if whole else floats
    lanes = 2 * LANES if whole else LANES
    weight_of, add = whole_parts(builder) if whole else float_parts(builder, kind)
    most = ir.Constant(SIZE, WHOLES_AT_MOST)
    zero = ir.Constant(FLOAT, 0.0)
    totals = [cgutils.alloca_once_value(builder, zero) for _ in range(len(weights) * len(inputs))]
    sums = [cgutils.alloca_once(builder, sum_of) for _ in totals]
    for total in totals:
        builder.store(zero, total)
    first = ir.Constant(SIZE, 0)
    with cgutils.for_range_slice(builder, first, count, most, SIZE) as (begin, _):
        end = builder.add(begin, most)
        end = builder.select(builder.icmp_signed("<", end, count), end, count)
        for held in sums:
            builder.store(ir.Constant(sum_of, [0] * LANES), held)
        step = ir.Constant(SIZE, lanes * _TURNS)
        with cgutils.for_range_slice(builder, begin, end, step, SIZE) as (index, _):
            for turn in range(_TURNS):
                there = builder.add(index, ir.Constant(SIZE, turn * lanes))
                here = [load(builder, at, there, SHORT if whole else FLOAT, lanes) for at in inputs]
                for n, at in enumerate(weights):
                    weight = weight_of(at, there)
                    for m, value in enumerate(here):
                        held = sums[m * len(weights) + n]
                        builder.store(add(builder.load(held), weight, value), held)
        for held, total in zip(sums, totals, strict=True):
            found = builder.load(held)
            if whole:
                found = builder.sitofp(found, floats)
            builder.store(builder.fadd(builder.load(total), across(builder, found)), total)
    return [builder.load(total) for total in totals]


def _dot(builder: Any, kind: Any, weights: Any, inputs: Any, count: Any) -> Any:
    whole = kind == types.int8
    floats = vector_of(FLOAT, LANES)
    sum_of = vector_of(INT, LANES) if whole else floats
    lanes = 2 * LANES if whole else LANES
    weight_of, added = whole_parts(builder) if whole else float_parts(builder, kind)

    def add(held: Any, weight: Any, at: Any, index: Any) -> Any:
        return added(held, weight, load(builder, at, index, SHORT if whole else FLOAT, lanes))

    sums = _summed(builder, count, sum_of, lanes, [inputs], lambda at: weight_of(weights, at), add)
    found = folded(sums[0], builder.add if whole else builder.fadd)
    return across(builder, builder.sitofp(found, floats) if whole else found)


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
    first, step = ir.Constant(SIZE, 0), ir.Constant(SIZE, lanes * _SUMS)
    with cgutils.for_range_slice(builder, first, count, step, SIZE) as (index, _):
        for one in range(_SUMS):
            here = builder.add(index, ir.Constant(SIZE, one * lanes))
            weights = weight(here)
            for at, kept in zip(inputs, sums, strict=True):
                builder.store(add(builder.load(kept[one]), weights, at, here), kept[one])
    return [[builder.load(one) for one in kept] for kept in sums]
