"""Attention to a cache in float16 gives what torch's gives, to what float16 keeps."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra 'models' is not installed")
pytest.importorskip("numba", reason="the extra 'models' is not installed")

from torch.nn.functional import scaled_dot_product_attention  # noqa: E402

from musiscene_core.neural.attention import Cache, write  # noqa: E402

pytestmark = pytest.mark.models


def made(rows: int, count: int, spread: float = 1.0):
    chance = torch.Generator().manual_seed(count)
    query = torch.randn(rows, 3, 64, generator=chance) * spread
    keys, values = (torch.randn(rows, 3, count, 64, generator=chance) for _ in range(2))
    return query, keys, values


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(("count", "spread"), [(1, 1.0), (63, 1.0), (64, 9.0), (200, 40.0)])
def test_it_finds_what_torch_finds(count: int, spread: float, threads: int) -> None:
    query, keys, values = made(2, count, spread)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        cache = Cache(2, 3, 200, 64)
        cache.keep(0, keys, values)
        found = cache.attend(query, count)
    finally:
        torch.set_num_threads(before)
    kept = keys.half().float(), values.half().float()
    exact = scaled_dot_product_attention(query[:, :, None], *kept)[:, :, 0]
    assert (found - exact).abs().max() <= 2e-5 * exact.abs().max()
    assert all(
        torch.equal(one, other) for one, other in zip(cache.widened(count), kept, strict=True)
    )


def test_what_lies_beyond_and_other_rows_do_not_matter() -> None:
    query, keys, values = made(2, 100)
    cache = Cache(2, 3, 128, 64)
    cache.keep(0, keys, values)
    alone = Cache(1, 3, 640, 64)
    alone.keep(0, keys[1:, :, :90], values[1:, :, :90])
    assert torch.equal(cache.attend(query, 90)[1:], alone.attend(query[1:], 90))


def test_numbers_that_are_none_are_told() -> None:
    query, keys, values = made(1, 10)
    keys[0, 1, 4, 7] = float("nan")
    cache = Cache(1, 3, 10, 64)
    cache.keep(0, keys, values)
    found = cache.attend(query, 10)
    assert torch.isnan(found[0, 1]).all()
    assert torch.isfinite(found[0, [0, 2]]).all()


@pytest.mark.parametrize(("count", "at"), [(37, 0), (1100, 1099)])
def test_a_cache_of_whole_numbers_finds_what_its_own_keys_and_values_hold(
    count: int, at: int
) -> None:
    query, keys, values = made(2, count, 3.0)
    cache = Cache(2, 3, count + 100, 64, torch.int8)
    cache.keep(0, keys[:, :, :at], values[:, :, :at])
    cache.keep(at, keys[:, :, at:], values[:, :, at:])
    held = cache.widened(count)
    for kept, given in zip(held, (keys, values), strict=True):
        step = given.abs().amax(-1, keepdim=True) / 127
        assert ((kept - given).abs() <= 0.501 * step).all()
    exact = scaled_dot_product_attention(query[:, :, None], *held)[:, :, 0]
    found = cache.attend(query, count)
    assert (found - exact).abs().max() <= 2e-4 * exact.abs().max()


def test_full_scale_values_do_not_overflow_whole_numbers() -> None:
    cache = Cache(1, 1, 1536, 64, torch.int8)
    cache.keep(0, torch.zeros(1, 1, 1500, 64), torch.full((1, 1, 1500, 64), 3.0))
    found = cache.attend(torch.ones(1, 1, 64), 1500)
    assert (found - 3.0).abs().max() <= 1e-3


@pytest.mark.parametrize("size", [8, 36, 50, 64])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.int8])
def test_a_position_is_kept_whatever_lies_behind_its_numbers(dtype: torch.dtype, size: int) -> None:
    chance = torch.Generator().manual_seed(size)
    key, value = torch.randn(2, size, generator=chance)
    whole, there = Cache(1, 1, 40, size, dtype), Cache(1, 1, 40, size, dtype)
    whole.keep(33, *(one.view(1, 1, 1, size) for one in (key, value)))
    # As in a step, where another head's follow, or what is not ours at all.
    beside = [np.full(size + 64, np.nan, np.float32) for _ in range(2)]
    for one, given in zip(beside, (key, value), strict=True):
        one[:size] = given.numpy()
    room = np.full(64, np.nan, np.float32), np.zeros(128, np.int16)
    given = (one[:size] for one in beside)
    write(there.arrays[0][:0], *there.addresses, 33, *given, *room)
    kept, exact = there.widened(34), whole.widened(34)
    for one, other in zip(kept, exact, strict=True):
        assert torch.isfinite(one).all()
        # What lies between two whole numbers may be rounded to either.
        assert (one - other).abs().max() <= (other.abs().max() / 126 if dtype == torch.int8 else 0)
