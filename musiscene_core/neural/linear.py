"""Matrix products with weights packed once, in the precision and kernel of one's choice.

A decoder reads all its weights for each token, so that the kernel that reads them fastest decides
how long a token takes. What torch has of such kernels is partly private or deprecated: it is used
here and nowhere else, and each precision has a plain kernel that always works.

How far a product y = W x may lie from the exact one, per row, besides float32's own rounding:

    float32*            nothing
    bfloat16*           2^-7 sum |w||x|             weight and result rounded to 8 bits
    float16-*           2^-11 sum |w||x|            weight rounded to 11 bits
    int8                s/2 sum |x|                             s = max|w| of the row / 127
    int8-dynamic*       s/2 sum |x|  + a/2 sum |w| + n s a / 4  a = step of the input, see there
    int8-numba          the same with a = max|x| of the row / 32,767
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

log = logging.getLogger(__name__)

Precision = Literal["float32", "half", "int8"]
"""What a weight takes: 4 bytes, 2 or 1."""
Kernel = Literal[
    "float32",
    "float32-onednn",
    "float32-numba",
    "bfloat16",
    "bfloat16-onednn",
    "float16-fbgemm",
    "float16-numba",
    "int8",
    "int8-dynamic",
    "int8-dynamic-rows",
    "int8-numba",
]

KERNELS: Mapping[Precision, tuple[Kernel, ...]] = MappingProxyType(
    {
        "float32": ("float32", "float32-onednn", "float32-numba"),
        "half": ("bfloat16", "bfloat16-onednn", "float16-fbgemm", "float16-numba"),
        "int8": ("int8", "int8-dynamic", "int8-dynamic-rows", "int8-numba"),
    }
)
"""The kernels of each precision, the plain one first: it works everywhere, a GPU included."""
ACTIVATIONS: Mapping[Kernel, torch.dtype] = MappingProxyType(
    {
        "float32": torch.float32,
        "float32-onednn": torch.float32,
        "float32-numba": torch.float32,
        "bfloat16": torch.bfloat16,
        "bfloat16-onednn": torch.bfloat16,
        "float16-fbgemm": torch.float32,
        "float16-numba": torch.float32,
        "int8": torch.bfloat16,
        "int8-dynamic": torch.float32,
        "int8-dynamic-rows": torch.float32,
        "int8-numba": torch.float32,
    }
)
"""What a kernel takes and gives."""
ROWS_MIX = frozenset({"int8-dynamic"})
"""Kernels in which what one row of a batch gets depends on the other rows."""
ROWS_APART = frozenset({"float32-numba", "float16-numba", "int8-numba"})
"""Kernels that keep rows apart to the last bit, where asked to, in one pass over the weights."""

_FLOAT16_MAX = 65_504.0
_SMALLEST = 1e-12
"""Steps are no smaller, so that zeros can be divided by them."""
_GUARDS = 8
_Product = Callable[..., Tensor]


class PackedLinear:
    """y = W x + b with W packed for one kernel.

    Attributes:
        kernel: the one it got, the plain one of the same precision where the wish is not met.
        dtype: of its input and output.
        shape: outputs N, inputs K.
        weight_bytes: read for each product, the bias not counted.
        product: what makes it.
    """

    def __init__(
        self, weight: Tensor, bias: Tensor | None = None, kernel: Kernel = "float32", rows: int = 1
    ) -> None:
        """Pack `weight`; the original may be freed.

        Args:
            weight: [N, K], any float type, on the device where it shall work.
            bias: [N].
            kernel: which to use.
            rows: how many rows an input will mostly have; kernels may lay weights out for it.
        """
        self.kernel = kernel if supported(kernel, weight.device.type) else plain(kernel)
        self.dtype = ACTIVATIONS[self.kernel]
        self.shape = (weight.shape[0], weight.shape[1])
        self.weight_bytes = weight.numel() * _WEIGHT_BYTES[self.kernel]
        self.product = _PACK[self.kernel](weight.detach(), bias, rows)

    def __call__(self, x: Tensor, *, apart: bool = False) -> Tensor:
        """[.., K] to [.., N], both `dtype`.

        Where rows go `apart`, not even the last bit of one depends on how many there are. Kernels
        that are not of ROWS_APART read the weights once a row for it.
        """
        if not apart or x.numel() == self.shape[1]:
            return self.product(x)
        if self.kernel in ROWS_APART:
            return self.product(x, True)
        rows = x.reshape(-1, self.shape[1]).split(1)
        return torch.cat([self.product(row) for row in rows]).view(*x.shape[:-1], -1)


def fuse(
    parts: Sequence[tuple[Tensor, Tensor | None]],
) -> tuple[Tensor, Tensor | None]:
    """Linears that share their input as one: its result is theirs, one after the other.

    Args:
        parts: weight [N_i, K] and bias [N_i] of each.

    Returns:
        Weight [sum N_i, K] and bias [sum N_i], None where none has one.
    """
    weight = torch.cat([weight for weight, _ in parts])
    if all(bias is None for _, bias in parts):
        return weight, None
    biases = [weight.new_zeros(len(weight)) if bias is None else bias for weight, bias in parts]
    return weight, torch.cat(biases)


def plain(kernel: Kernel) -> Kernel:
    """The kernel of the same precision that always works."""
    return next(kernels[0] for kernels in KERNELS.values() if kernel in kernels)


@lru_cache(maxsize=64)
def supported(kernel: Kernel, device: str = "cpu") -> bool:
    """Whether this torch has `kernel` and this processor can do it, found out by trying."""
    if kernel == plain(kernel):
        return True
    if device != "cpu":
        return False
    weight = torch.eye(64, 64)
    try:
        given = _PACK[kernel](weight, None, 1)(torch.ones(2, 64, dtype=ACTIVATIONS[kernel]))
    # A torch without it, a processor without its instructions: all of these were seen.
    except (RuntimeError, AttributeError, NotImplementedError, TypeError, ImportError) as error:
        log.info("this machine does without %s: %s", kernel, str(error).splitlines()[0])
        return False
    return bool((given.float() - 1).abs().max() < 0.05)


def _float32(weight: Tensor, bias: Tensor | None, rows: int) -> _Product:
    return _plain_product(weight.to(torch.float32), bias)


def _bfloat16(weight: Tensor, bias: Tensor | None, rows: int) -> _Product:
    return _plain_product(weight.to(torch.bfloat16), bias)


def _plain_product(weight: Tensor, bias: Tensor | None) -> _Product:
    kept, added = weight.contiguous(), None if bias is None else bias.detach().to(weight.dtype)
    return lambda x: functional.linear(x, kept, added)


def _onednn(dtype: torch.dtype) -> Callable[[Tensor, Tensor | None, int], _Product]:
    def pack(weight: Tensor, bias: Tensor | None, rows: int) -> _Product:
        packed = torch.ops.mkldnn._reorder_linear_weight(weight.to(dtype).contiguous(), rows)
        product = torch.ops.mkldnn._linear_pointwise
        added = None if bias is None else bias.detach().to(dtype)
        return lambda x: product(x, packed, added, "none", [], "")

    return pack


def _float16_fbgemm(weight: Tensor, bias: Tensor | None, rows: int) -> _Product:
    _check_float16(weight)
    added = None if bias is None else bias.detach().to(torch.float32)
    packed = torch.ops.quantized.linear_prepack_fp16(weight.to(torch.float32).contiguous(), added)
    product = torch.ops.quantized.linear_dynamic_fp16
    return lambda x: product(x, packed)


def _check_float16(weight: Tensor) -> None:
    if weight.abs().max() > _FLOAT16_MAX:
        raise ValueError("a weight is too large for float16")


def _numba(kind: str) -> Callable[[Tensor, Tensor | None, int], _Product]:
    def pack(weight: Tensor, bias: Tensor | None, rows: int) -> _Product:
        # Here, since numba may be missing, and takes a second to load.
        from musiscene_core.neural import compiled

        if kind == "int8":
            return compiled.int8(*_quantised(weight), bias)
        if kind == "float16":
            _check_float16(weight)
            return compiled.float16(weight, bias)
        return compiled.float32(weight, bias)

    return pack


def _quantised(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Weights as whole numbers int8 [N, K] and what one of them is worth, float32 [N]."""
    wide = weight.to(torch.float32)
    steps = wide.abs().amax(dim=1).clamp(min=_SMALLEST) / 127
    return torch.round(wide / steps[:, None]).to(torch.int8).contiguous(), steps


def _int8(weight: Tensor, bias: Tensor | None, rows: int) -> _Product:
    """Weights are widened again at each use: small in memory, not fast."""
    whole, steps = _quantised(weight)
    added = None if bias is None else bias.detach().to(torch.float32)

    def product(x: Tensor) -> Tensor:
        exact = functional.linear(x.float(), whole.float()) * steps
        return (exact if added is None else exact + added).to(x.dtype)

    return product


def _int8_dynamic(weight: Tensor, bias: Tensor | None, rows: int) -> _Product:
    """The input becomes whole numbers too, in steps of (its range, zero included) / `levels`.

    There are 255 levels, or 127 on processors without VNNI, where larger products would overflow.
    One step serves the whole input, so that rows of a batch feel each other: see ROWS_MIX.
    """
    whole, steps = _quantised(weight)
    added = None if bias is None else bias.detach().to(torch.float32)
    zeros = torch.zeros(len(steps), dtype=torch.long)
    with warnings.catch_warnings():
        # torch 2.13 announces the end of quantised tensors; `supported` will notice it.
        warnings.filterwarnings("ignore", message=".*quantized tensor creation.*")
        tensor = torch._make_per_channel_quantized_tensor(whole, steps.double(), zeros, 0)
        packed = torch.ops.quantized.linear_prepack(tensor, added)
    product, narrow = torch.ops.quantized.linear_dynamic, not _has_vnni()
    return lambda x: product(x, packed, narrow)


def _int8_dynamic_rows(weight: Tensor, bias: Tensor | None, rows: int) -> _Product:
    """As int8-dynamic, with a step for each row: its largest value / (`levels` / 2).

    Rows are scaled to 1 at most; columns of 1 and -1 that meet zero weights fix the common range.
    """
    common = _int8_dynamic(functional.pad(weight, (0, _GUARDS)), None, rows)
    guards = torch.tensor([[1.0, -1.0, *[0.0] * (_GUARDS - 2)]])
    added = None if bias is None else bias.detach().to(torch.float32)

    def product(x: Tensor) -> Tensor:
        flat = x.reshape(-1, x.shape[-1])
        largest = flat.abs().amax(dim=1, keepdim=True).clamp(min=_SMALLEST)
        scaled = torch.cat((flat / largest, guards.expand(len(flat), -1)), dim=1)
        wide = (common(scaled) * largest).view(*x.shape[:-1], -1)
        return wide if added is None else wide + added

    return product


def _has_vnni() -> bool:
    asked = getattr(torch.cpu, "_is_vnni_supported", None)
    return bool(asked is not None and asked())


_PACK: Mapping[Kernel, Callable[[Tensor, Tensor | None, int], _Product]] = MappingProxyType(
    {
        "float32": _float32,
        "float32-onednn": _onednn(torch.float32),
        "float32-numba": _numba("float32"),
        "bfloat16": _bfloat16,
        "bfloat16-onednn": _onednn(torch.bfloat16),
        "float16-fbgemm": _float16_fbgemm,
        "float16-numba": _numba("float16"),
        "int8": _int8,
        "int8-dynamic": _int8_dynamic,
        "int8-dynamic-rows": _int8_dynamic_rows,
        "int8-numba": _numba("int8"),
    }
)
_PRECISION_BYTES: Mapping[Precision, int] = MappingProxyType({"float32": 4, "half": 2, "int8": 1})
_WEIGHT_BYTES: Mapping[Kernel, int] = MappingProxyType(
    {kernel: _PRECISION_BYTES[kind] for kind, kernels in KERNELS.items() for kernel in kernels}
)
