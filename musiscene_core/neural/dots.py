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

WHOLES_AT_MOST = 4096
"""Products of 8 times 16 bits that eight sums of 32 bits hold for certain."""

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
            builder.gep(at_inputs, [builder.mul(stride, ir.Constant(_SIZE, row))])
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
    floats = _vector(_FLOAT, _LANES)
    whole = kind == types.int8
    sum_of = _vector(_INT, _LANES) if whole else floats
    lanes = 2 * _LANES if whole else _LANES
    load, add = _whole_parts(builder) if whole else _float_parts(builder, kind)
    most = ir.Constant(_SIZE, WHOLES_AT_MOST)
    zero = ir.Constant(_FLOAT, 0.0)
    totals = [cgutils.alloca_once_value(builder, zero) for _ in range(len(weights) * len(inputs))]
    sums = [cgutils.alloca_once(builder, sum_of) for _ in totals]
    for total in totals:
        builder.store(zero, total)
    first = ir.Constant(_SIZE, 0)
    with cgutils.for_range_slice(builder, first, count, most, _SIZE) as (begin, _):
        end = builder.add(begin, most)
        end = builder.select(builder.icmp_signed("<", end, count), end, count)
        for held in sums:
            builder.store(ir.Constant(sum_of, [0] * _LANES), held)
        step = ir.Constant(_SIZE, lanes)
        with cgutils.for_range_slice(builder, begin, end, step, _SIZE) as (index, _):
            here = [_load(builder, at, index, _SHORT if whole else _FLOAT, lanes) for at in inputs]
            for n, at in enumerate(weights):
                weight = load(at, index)
                for m, value in enumerate(here):
                    held = sums[m * len(weights) + n]
                    builder.store(add(builder.load(held), weight, value), held)
        for held, total in zip(sums, totals, strict=True):
            found = builder.load(held)
            if whole:
                found = builder.sitofp(found, floats)
            builder.store(builder.fadd(builder.load(total), _across(builder, found)), total)
    return [builder.load(total) for total in totals]


def _float_parts(builder: Any, kind: Any) -> tuple[Any, Any]:
    """What loads weights, and what adds their products with inputs."""
    vector = _vector(_FLOAT, _LANES)
    multiply_add = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(vector, [vector] * 3), f"llvm.fma.v{_LANES}f32"
    )

    def load(at: Any, index: Any) -> Any:
        if kind != types.uint16:
            return _load(builder, at, index, _FLOAT, _LANES)
        halves = builder.bitcast(at, _HALF.as_pointer())
        return builder.fpext(_load(builder, halves, index, _HALF, _LANES), vector)

    return load, lambda held, weight, value: builder.call(multiply_add, [weight, value, held])


def _whole_parts(builder: Any) -> tuple[Any, Any]:
    wide = _vector(_INT, 2 * _LANES)

    def load(at: Any, index: Any) -> Any:
        return builder.sext(_load(builder, at, index, _BYTE, 2 * _LANES), wide)

    def add(held: Any, weight: Any, value: Any) -> Any:
        both = builder.mul(weight, builder.sext(value, wide), flags=["nsw"])
        # Neighbours summed: what processors have one instruction for.
        even, odd = (_picked(builder, both, range(one, 2 * _LANES, 2)) for one in (0, 1))
        return builder.add(held, builder.add(even, odd))

    return load, add


def _dot(builder: Any, kind: Any, weights: Any, inputs: Any, count: Any) -> Any:
    whole = kind == types.int8
    floats = _vector(_FLOAT, _LANES)
    sum_of = _vector(_INT, _LANES) if whole else floats
    lanes = 2 * _LANES if whole else _LANES
    load, added = _whole_parts(builder) if whole else _float_parts(builder, kind)

    def add(held: Any, weight: Any, at: Any, index: Any) -> Any:
        return added(held, weight, _load(builder, at, index, _SHORT if whole else _FLOAT, lanes))

    sums = _summed(builder, count, sum_of, lanes, [inputs], lambda at: load(weights, at), add)
    found = _folded(sums[0], builder.add if whole else builder.fadd)
    return _across(builder, builder.sitofp(found, floats) if whole else found)


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
