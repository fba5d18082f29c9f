"""Attention's two products with a cache, as vector instructions, for numba.

Keys lie by blocks of positions, so that what is scored side by side is read side by side and
nothing has to be summed across a vector. In 8 bits neighbours in a sum lie next to each other, for
which processors have an instruction.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from musiscene_core.neural.dots import STEP, WHOLES_AT_MOST
from musiscene_core.neural.vectors import (
    FLOAT,
    INT,
    LANES,
    SHORT,
    SIZE,
    fetch,
    float_parts,
    load,
    splat,
    store,
    vector_of,
    whole_parts,
)

BLOCK = 32
"""Positions whose keys lie together; STEP is a multiple of it."""


@intrinsic
def scores(
    context: Any, keys: Any, steps: Any, query: Any, size: Any, count: Any, out: Any, soon: Any
) -> Any:
    """The dot product of a query with each of `count` keys, a multiple of BLOCK; pointers.

    Keys [count / BLOCK, size, BLOCK] are float32 or the bits of float16, the query [size] then
    float32; or int8 [count / BLOCK, size / 2, BLOCK, 2], the query then int16 and results times
    `steps` [count]. Meanwhile as much is fetched of what is read `soon`:
    two streams are read faster than one.
    """

    def make(target: Any, builder: Any, signature: Any, given: Any) -> Any:
        keys_at, steps_at, query_at, size, count, out_at, soon_at = given
        whole = keys.dtype == types.int8
        sum_of = vector_of(INT if whole else FLOAT, LANES)
        load_of, add = whole_parts(builder) if whole else float_parts(builder, keys.dtype)
        together = 2 if whole else 1
        parts = [
            (ir.Constant(SIZE, LANES * number), cgutils.alloca_once(builder, sum_of))
            for number in range(BLOCK // LANES)
        ]
        first, block = ir.Constant(SIZE, 0), ir.Constant(SIZE, BLOCK)
        with cgutils.for_range_slice(builder, first, count, block, SIZE) as (begin, _):
            for _, held in parts:
                builder.store(ir.Constant(sum_of, [0] * LANES), held)
            here, there = (builder.gep(at, [builder.mul(begin, size)]) for at in (keys_at, soon_at))
            step = ir.Constant(SIZE, together)
            with cgutils.for_range_slice(builder, first, size, step, SIZE) as (number, _):
                asked = _everywhere(builder, query_at, number, whole)
                row = builder.mul(number, block)
                fetch(builder, there, row, BLOCK * together * keys.dtype.bitwidth // 8)
                for offset, held in parts:
                    place = builder.add(row, builder.mul(offset, step))
                    builder.store(add(builder.load(held), load_of(here, place), asked), held)
            for offset, held in parts:
                found, place = builder.load(held), builder.add(begin, offset)
                if whole:
                    each = load(builder, steps_at, place, FLOAT, LANES)
                    found = builder.fmul(builder.sitofp(found, vector_of(FLOAT, LANES)), each)
                store(builder, found, out_at, place)
        return target.get_dummy_value()

    pointer = types.CPointer(types.float32)
    return types.void(keys, pointer, query, types.int64, types.int64, pointer, keys), make


@intrinsic
def mixed(context: Any, values: Any, shares: Any, size: Any, count: Any, out: Any) -> Any:
    """The sum of `count` values, a multiple of STEP, each times its share, into out [size].

    Values [count, size] are float32 or the bits of float16, shares [count] then float32; or int8
    [count / 2, size, 2], shares then int16. Pointers, and `size` is a multiple of STEP.
    """

    def make(target: Any, builder: Any, signature: Any, given: Any) -> Any:
        values_at, shares_at, size, count, out_at = given
        whole = values.dtype == types.int8
        floats = vector_of(FLOAT, LANES)
        sum_of = vector_of(INT, LANES) if whole else floats
        load_of, add = whole_parts(builder) if whole else float_parts(builder, values.dtype)
        together = ir.Constant(SIZE, 2 if whole else 1)
        parts = [
            (ir.Constant(SIZE, LANES * number), cgutils.alloca_once(builder, sum_of))
            for number in range(STEP // LANES)
        ]
        first = ir.Constant(SIZE, 0)
        # Every sum adds two products at a time.
        most = ir.Constant(SIZE, WHOLES_AT_MOST // LANES)
        with cgutils.for_range_slice(builder, first, size, ir.Constant(SIZE, STEP), SIZE) as (d, _):
            for offset, _ in parts:
                store(builder, ir.Constant(floats, [0.0] * LANES), out_at, builder.add(d, offset))
            with cgutils.for_range_slice(builder, first, count, most, SIZE) as (begin, _):
                end = builder.add(begin, most)
                end = builder.select(builder.icmp_signed("<", end, count), end, count)
                for _, held in parts:
                    builder.store(ir.Constant(sum_of, [0] * LANES), held)
                with cgutils.for_range_slice(builder, begin, end, together, SIZE) as (t, _):
                    share = _everywhere(builder, shares_at, t, whole)
                    row = builder.add(builder.mul(t, size), builder.mul(d, together))
                    for offset, held in parts:
                        place = builder.add(row, builder.mul(offset, together))
                        value = load_of(values_at, place)
                        builder.store(add(builder.load(held), value, share), held)
                for offset, held in parts:
                    found, place = builder.load(held), builder.add(d, offset)
                    if whole:
                        found = builder.sitofp(found, floats)
                    before = load(builder, out_at, place, FLOAT, LANES)
                    store(builder, builder.fadd(before, found), out_at, place)
        return target.get_dummy_value()

    pointer = types.CPointer(types.float32)
    return types.void(values, shares, types.int64, types.int64, pointer), make


def _everywhere(builder: Any, at: Any, index: Any, pair: bool) -> Any:
    """A vector of the float32 there throughout, or of two int16 again and again."""
    if not pair:
        return splat(builder, builder.load(builder.gep(at, [index])))
    both = builder.load(builder.bitcast(builder.gep(at, [index]), INT.as_pointer()))
    both.align = 2
    return builder.bitcast(splat(builder, both), vector_of(SHORT, 2 * LANES))
