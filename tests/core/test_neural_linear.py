"""Packed products: as near to the exact ones as their module says, whatever the machine lacks."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the extra 'models' is not installed")

from musiscene_core.neural import linear, speed  # noqa: E402
from musiscene_core.neural.linear import (  # noqa: E402
    ACTIVATIONS,
    KERNELS,
    ROWS_MIX,
    PackedLinear,
    fuse,
    plain,
    supported,
)

pytestmark = pytest.mark.models

ALL = [kernel for kernels in KERNELS.values() for kernel in kernels]
FLOAT32_ROUNDING = 1e-5


def packed_or_skip(kernel, *given, **named):
    if not supported(kernel):
        pytest.skip(f"this processor has no {kernel}")
    return PackedLinear(*given, kernel=kernel, **named)


def bound(kernel, weight, x):
    """The bounds of the module's docstring, [M, N]."""
    weight, x = weight.double(), x.double()
    size = x.abs() @ weight.abs().T
    step = weight.abs().amax(dim=1) / 127
    coarse = step / 2 * x.abs().sum(dim=1, keepdim=True)
    levels = 255 if linear._has_vnni() else 127

    def inputs(a):
        return coarse + a / 2 * weight.abs().sum(dim=1) + weight.shape[1] * step * a / 4

    whole_range = (x.max().clamp(min=0) - x.min().clamp(max=0)) / levels
    largest = x.abs().amax(dim=1, keepdim=True)
    row_range = 2 * largest / levels
    more = {
        "float32": 0,
        "float32-onednn": 0,
        "float32-numba": 0,
        "bfloat16": 2**-7 * size,
        "bfloat16-onednn": 2**-7 * size,
        "float16-fbgemm": 2**-11 * size,
        "float16-numba": 2**-11 * size,
        "int8": coarse + 2**-8 * size,
        "int8-dynamic": inputs(whole_range),
        "int8-dynamic-rows": inputs(row_range),
        "int8-numba": inputs(largest / 32_767),
    }[kernel]
    return FLOAT32_ROUNDING * size + more


@pytest.mark.parametrize("scale", [1e-3, 1.0, 30.0])
@pytest.mark.parametrize("rows", [1, 2, 7, 33])
@pytest.mark.parametrize("kernel", ALL)
def test_every_product_is_within_its_documented_bound(kernel, rows, scale):
    chance = torch.Generator().manual_seed(0)
    weight = torch.randn(96, 200, generator=chance) * scale
    bias = torch.randn(96, generator=chance).bfloat16().float()
    x = torch.randn(rows, 200, generator=chance).to(ACTIVATIONS[kernel])
    product = packed_or_skip(kernel, weight, bias, rows=rows)
    exact = x.double() @ weight.double().T
    given = product(x)
    rounding = bias.abs() * (2**-8 if x.dtype == torch.bfloat16 else 1e-6)
    assert given.dtype == product.dtype == ACTIVATIONS[kernel]
    assert given.shape == (rows, 96)
    assert ((given.double() - bias - exact).abs() <= bound(kernel, weight, x) + rounding).all()
    assert (given.float() - exact.float()).abs().max() > 0.5, "the bias was added"


@pytest.mark.parametrize("kernel", ALL)
def test_any_number_of_leading_dimensions_will_do(kernel):
    weight = torch.randn(48, 64)
    product = packed_or_skip(kernel, weight)
    x = torch.randn(2, 3, 64).to(product.dtype)
    assert product(x).shape == (2, 3, 48)
    assert torch.allclose(product(x).float(), product(x.view(6, 64)).view(2, 3, 48).float())


@pytest.mark.parametrize("kernel", [kernel for kernel in ALL if kernel not in ROWS_MIX])
def test_rows_do_not_feel_each_other(kernel):
    product = packed_or_skip(kernel, torch.randn(64, 64), rows=2)
    x = torch.randn(2, 64).to(product.dtype)
    louder = torch.stack((x[0], x[1] * 100))
    assert torch.equal(product(x)[0], product(louder)[0])
    assert torch.allclose(product(x)[:1].float(), product(x[:1]).float(), rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("kernel", [kernel for kernel in ALL if kernel not in ROWS_MIX])
def test_rows_apart_are_to_the_last_bit_what_each_is_alone(kernel, threads):
    chance = torch.Generator().manual_seed(2)
    product = packed_or_skip(kernel, torch.randn(50, 1000, generator=chance))
    x = torch.randn(20, 1000, generator=chance).to(product.dtype)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        together = product(x, apart=True)
        alone = torch.cat([product(row) for row in x.split(1)])
    finally:
        torch.set_num_threads(before)
    assert torch.equal(together, alone)
    assert len(together.unique(dim=0)) == 20


@pytest.mark.parametrize("length", [4096, 11008])
@pytest.mark.parametrize("kernel", ["int8-dynamic", "int8-dynamic-rows", "int8-numba"])
def test_full_scale_inputs_do_not_overflow_whole_numbers(kernel, length):
    product = packed_or_skip(kernel, torch.ones(8, length))
    ones = torch.ones(1, length)
    assert torch.allclose(product(ones), torch.full((1, 8), float(length)), rtol=0.02)
    assert torch.allclose(product(-ones), torch.full((1, 8), -float(length)), rtol=0.02)


def test_an_input_of_zeros_stays_zero():
    product = packed_or_skip("int8-numba", torch.ones(8, 64))
    assert torch.equal(product(torch.zeros(2, 64)), torch.zeros(2, 8))


def test_linears_that_share_their_input_are_one():
    q, k, v = torch.randn(8, 16), torch.randn(4, 16), torch.randn(4, 16)
    bias = torch.randn(8)
    x = torch.randn(3, 16)
    weight, biases = fuse([(q, bias), (k, None), (v, None)])
    parts = PackedLinear(weight, biases)(x).split((8, 4, 4), dim=-1)
    apart = (x @ q.T + bias, x @ k.T, x @ v.T)
    assert all(
        torch.allclose(one, other, atol=1e-5) for one, other in zip(parts, apart, strict=True)
    )
    assert fuse([(q, None), (k, None)])[1] is None


def test_a_kernel_that_torch_lost_leaves_the_plain_one(monkeypatch):
    def gone(*_):
        raise AttributeError("no such operator")

    supported.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(linear, "_PACK", {**linear._PACK, "int8-dynamic-rows": gone})
        product = PackedLinear(torch.eye(16), kernel="int8-dynamic-rows")
    supported.cache_clear()
    assert product.kernel == "int8" == plain("int8-dynamic-rows")
    assert product.weight_bytes == 256
    assert torch.allclose(product(torch.ones(1, 16).bfloat16()).float(), torch.ones(1, 16))


def test_a_weight_too_large_for_float16_is_refused():
    with pytest.raises(ValueError, match="too large"):
        packed_or_skip("float16-fbgemm", torch.full((4, 4), 1e5))


@pytest.fixture
def timed(monkeypatch):
    """Each kernel's seconds, and which were measured."""
    taken, measured = {"float32": 3.0, "float32-onednn": 1.0, "int8-dynamic": 0.1}, []

    def measure(kernels, shape, rows):
        measured.extend((kernel, shape, rows) for kernel in kernels)
        return {kernel: [taken.get(kernel, 9.0)] * 3 for kernel in kernels}

    monkeypatch.setattr(speed, "_time_products", measure)
    monkeypatch.setattr(speed.os, "getloadavg", lambda: (0.0, 0.0, 0.0))
    return measured


def test_what_a_busy_machine_showed_is_measured_again_later(tmp_path, timed, monkeypatch):
    if not supported("float32-onednn"):
        pytest.skip("this processor has one float32 kernel")
    hour = [1e9]
    monkeypatch.setattr(speed.time, "time", lambda: hour[0])
    monkeypatch.setattr(speed.os, "getloadavg", lambda: (64.0 * speed.os.cpu_count(), 0.0, 0.0))

    def showing(**seconds):
        monkeypatch.setattr(
            speed,
            "_time_products",
            lambda kernels, shape, rows: (
                {kernel: [9.0] for kernel in kernels}
                | {
                    kernel: [seconds[kernel.replace("-", "_")]] * 3
                    for kernel in kernels
                    if kernel.replace("-", "_") in seconds
                }
            ),
        )

    def chosen():
        return speed.fastest("float32", [(8, 4)], 1, folder=tmp_path)

    showing(float32=2.0, float32_onednn=3.0)
    assert chosen() == "float32"
    showing(float32=2.0, float32_onednn=1.0)
    assert chosen() == "float32", "not at once"
    hour[0] += 4000
    assert chosen() == "float32-onednn"
    showing(float32=0.5, float32_onednn=8.0)
    monkeypatch.setattr(speed.os, "getloadavg", lambda: (0.0, 0.0, 0.0))
    hour[0] += 4000
    assert chosen() == "float32"
    assert speed.step_seconds("float32-onednn", [(8, 4)], 1, folder=tmp_path) == 1.0, "the least"
    showing(float32=0.5, float32_onednn=0.1)
    hour[0] += 4000
    assert chosen() == "float32", "what a calm machine showed stays"


def test_a_kernel_that_keeps_rows_apart_is_taken_where_it_is_nearly_as_fast(
    tmp_path, timed, monkeypatch
):
    if not supported("float32-numba"):
        pytest.skip("numba is not installed")
    taken = {"float32": 1.0, "float32-numba": 1.1}
    monkeypatch.setattr(
        speed,
        "_time_products",
        lambda kernels, shape, rows: {one: [taken.get(one, 9.0)] * 3 for one in kernels},
    )
    assert speed.fastest("float32", [(8, 4)], 1, folder=tmp_path) == "float32"
    apart = speed.fastest("float32", [(8, 4)], 1, rows_apart=True, folder=tmp_path)
    assert apart == "float32-numba"


def test_a_machine_that_is_always_busy_is_not_measured_for_ever(tmp_path, timed, monkeypatch):
    hour = [1e9]
    monkeypatch.setattr(speed.time, "time", lambda: hour[0])
    monkeypatch.setattr(speed.os, "getloadavg", lambda: (64.0 * speed.os.cpu_count(), 0.0, 0.0))
    for _ in range(20):
        speed.step_seconds("float32", [(8, 4)], 1, folder=tmp_path)
        hour[0] += 4000
    assert len(timed) == 6


def test_a_large_product_is_reckoned_from_a_part_of_it(tmp_path, monkeypatch):
    monkeypatch.setattr(speed, "_TIMED_WEIGHTS", 64 * 64)
    seen = []
    own = speed.PackedLinear
    monkeypatch.setattr(
        speed, "PackedLinear", lambda weight, *more: seen.append(weight.shape) or own(weight, *more)
    )
    monkeypatch.setattr(speed.time, "perf_counter", iter(range(1000)).__next__)
    assert speed.step_seconds("float32", [(6400, 64)], 1, folder=tmp_path) == 100.0
    assert seen == [(64, 64)]


def test_the_fastest_kernel_is_measured_once_a_machine(tmp_path, timed):
    shapes = [(8, 4), (8, 4), (4, 8)]
    if not supported("float32-onednn"):
        pytest.skip("this processor has one float32 kernel")
    able = [kernel for kernel in KERNELS["float32"] if supported(kernel)]
    assert speed.fastest("float32", shapes, 2, folder=tmp_path) == "float32-onednn"
    assert len(timed) == 2 * len(able)
    assert speed.fastest("float32", shapes, 2, folder=tmp_path) == "float32-onednn"
    assert len(timed) == 2 * len(able)
    assert speed.step_seconds("float32", shapes, 2, folder=tmp_path) == 9.0


def test_kernels_that_mix_rows_can_be_left_out(tmp_path, timed):
    if not supported("int8-dynamic"):
        pytest.skip("this processor has no int8-dynamic")
    assert speed.fastest("int8", [(8, 4)], 2, folder=tmp_path) == "int8-dynamic"
    assert speed.fastest("int8", [(8, 4)], 2, rows_apart=True, folder=tmp_path) != "int8-dynamic"
    assert speed.fastest("int8", [(8, 4)], 2, device="cuda", folder=tmp_path) == "int8"


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"\x00\xff",
        b"[" * 100_000,
        b'{"machine": "another", "seconds": {}, "bandwidth": {}}',
        b'{"machine": 1}',
    ],
)
def test_damaged_measurements_are_made_again(tmp_path, timed, damage):
    speed.fastest("float32", [(8, 4)], 1, folder=tmp_path)
    count = len(timed)
    (tmp_path / "neural-speed.json").write_bytes(damage)
    speed.fastest("float32", [(8, 4)], 1, folder=tmp_path)
    assert len(timed) == 2 * count


def test_a_folder_that_cannot_be_written_costs_only_the_memory(tmp_path, timed):
    (tmp_path / "file").write_text("in the way")
    assert speed.fastest("float32", [(8, 4)], 1, folder=tmp_path / "file") in KERNELS["float32"]


def test_products_and_reading_really_take_time(tmp_path):
    assert speed.step_seconds("float32", [(256, 256)], 1, folder=tmp_path) > 0
    rate = speed.read_bandwidth(folder=tmp_path)
    assert 1e8 < rate < 1e13
    assert speed.read_bandwidth(folder=tmp_path) == rate
