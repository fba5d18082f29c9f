"""In which precision a captioner is held on which kind of device, the best first.

A GPU holds halves where they fit, else 4 bits. A processor holds what it reads fastest, which is
measured; a small captioner is held in float32 there, which costs little and rounds nothing.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import torch

from musiscene_core.captioning.mullama.filling import four_bits_possible
from musiscene_core.captioning.mullama.footprint import Footprint, Precision
from musiscene_core.errors import RequestError

PRECISION_VARIABLE = "MUSISCENE_CAPTIONER_PRECISION"
"""Names the precision, where it is not to be chosen for the machine."""
SMALL_BYTES = 1 << 30

DeviceKind = Literal["gpu", "cpu"]


@dataclass(frozen=True, kw_only=True)
class Way:
    """How to hold a captioner."""

    kind: DeviceKind
    precision: Precision


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


def _on_gpu() -> list[Precision]:
    half: Precision = "bfloat16" if torch.cuda.is_bf16_supported() else "float16"
    return [half, "int4"] if four_bits_possible() else [half]


def _on_cpu(footprint: Footprint) -> list[Precision]:
    if footprint.weight_bytes("float32") <= SMALL_BYTES:
        return ["float32"]
    fastest: list[Precision] = ["bfloat16", "float32"]
    # Half the memory of the next, but several times its time: only where nothing else fits.
    return [*fastest, "int4"] if four_bits_possible() else fastest
