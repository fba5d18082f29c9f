"""In which precision a captioner is held on which kind of device, the best first.

A GPU holds halves where they fit, else 4 bits. A processor holds what it reads fastest, which is
measured; a small captioner is held in float32 there, which costs little and rounds nothing.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from musiscene_core.captioning.mullama.choice import PRECISION_VARIABLE
from musiscene_core.captioning.mullama.filling import four_bits_possible
from musiscene_core.captioning.mullama.footprint import Footprint, Precision
from musiscene_core.errors import RequestError
from musiscene_core.neural.speed import fastest, read_bandwidth, step_seconds

SMALL_BYTES = 1 << 30

DeviceKind = Literal["gpu", "cpu"]


@dataclass(frozen=True, kw_only=True)
class Way:
    """How to hold a captioner.

    Attributes:
        kind: of device.
        precision: of the language model.
    """

    kind: DeviceKind
    precision: Precision


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How long a token takes on this processor.

    Attributes:
        token_s: seconds, by products of the same shapes that were timed here.
        bound_s: seconds that reading the weights takes at the least.
        dtype: of the linears, by the kernel that was fastest.
    """

    token_s: float
    bound_s: float
    dtype: str


def ways(footprint: Footprint, *, gpus: bool) -> Sequence[Way]:
    """How to hold this captioner on this machine, the best way first.

    Args:
        footprint: of the captioner.
        gpus: whether there are any.

    Raises:
        RequestError: the user names a precision that does not exist.
    """
    named = os.environ.get(PRECISION_VARIABLE)
    if named and named not in get_args(Precision):
        raise RequestError(
            f"{PRECISION_VARIABLE} is {named[:40]!r}, which is no precision.",
            hint=f"Unset it, or choose one of {', '.join(get_args(Precision))}.",
        )
    wished: list[Precision] = [one for one in get_args(Precision) if one == named]
    found = [Way(kind="gpu", precision=one) for one in wished or _on_gpu()] if gpus else []
    found += [Way(kind="cpu", precision=one) for one in wished or _on_cpu(footprint)]
    return found


def pace(footprint: Footprint, precision: Precision) -> Pace | None:
    """How long a token takes of this captioner on this processor; None where nobody can say.

    Measures for a second or two, once a machine.
    """
    if precision == "int4" or not footprint.products:
        return None
    kernel = fastest(precision, footprint.products, rows=1, rows_apart=True)
    return Pace(
        token_s=step_seconds(kernel, footprint.products, 1),
        bound_s=footprint.token_bytes(precision) / read_bandwidth(),
        dtype=kernel.partition("-")[0],
    )


def dtype_name(precision: Precision, kind: DeviceKind) -> str:
    """What the linears are held in, where no kernel was chosen by measuring."""
    if precision != "half" or kind == "cpu":
        return "bfloat16" if precision == "half" else precision
    import torch

    return "bfloat16" if torch.cuda.is_bf16_supported() else "float16"


def _on_gpu() -> list[Precision]:
    return ["half", "int4"] if four_bits_possible() else ["half"]


def _on_cpu(footprint: Footprint) -> list[Precision]:
    if footprint.weight_bytes("float32") <= SMALL_BYTES:
        return ["float32"]
    able: list[Precision] = ["int8", "half", "float32"]
    paces = {one: known for one in able if (known := pace(footprint, one)) is not None}
    found = sorted(paces, key=lambda one: paces[one].token_s)
    # Half the memory of 8 bits, but slow here: only where nothing else fits.
    return [*found, "int4"] if four_bits_possible() else found
