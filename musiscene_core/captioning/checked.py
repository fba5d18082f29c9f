"""What every captioner refuses to listen to: what is no sound, silent or too short."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from musiscene_core.errors import MediaError

SHORTEST_S = Fraction(1, 10)
"""Shorter sounds are refused, and shorter rests of longer ones left out."""
SILENCE_PEAK = 1e-4
"""-80 dBFS: what never rises above it is silent."""

Blocks = Iterator[npt.NDArray[np.float32]]


def checked(blocks: Blocks, name: str, sample_rate: int) -> Blocks:
    """`blocks` [n] without a rest that is too short to hear anything in.

    Silence can only be told at the end: what begins silent may yet be music.

    Raises:
        MediaError: not a number, silent, or shorter than SHORTEST_S.
    """
    heard = False
    peak = 0.0
    for block in blocks:
        if block.size < SHORTEST_S * sample_rate:
            break
        check_numbers(block, name)
        peak = max(peak, float(np.abs(block).max()))
        heard = True
        yield block
    if not heard:
        raise MediaError(
            f"{name} is too short to be described: it takes {float(SHORTEST_S):g} s.",
            hint="Choose a longer part.",
        )
    if peak < SILENCE_PEAK:
        raise MediaError(f"{name} is silent.", hint="Choose a part with music in it.")


def check_numbers(samples: npt.NDArray[np.float32], name: str) -> None:
    """Refuse samples that are no numbers.

    Raises:
        MediaError: there are some.
    """
    if not np.isfinite(samples).all():
        raise MediaError(
            f"{name} holds samples that are no numbers.", hint="Export the sound again."
        )
