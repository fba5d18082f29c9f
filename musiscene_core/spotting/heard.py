"""The sound of a file as listeners take it: mono, 16 kHz, block by block, checked."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from musiscene_core.errors import MediaError
from musiscene_core.media import iter_audio
from musiscene_core.spotting.soundtrack import BLOCK_S, LOUDEST, SAMPLE_RATE

__all__ = ["SAMPLE_RATE", "heard_blocks"]


def heard_blocks(
    path: str | Path, start: Fraction, end: Fraction, *, stream: int = 0
) -> Iterator[npt.NDArray[np.float32]]:
    """Samples [n] of [start, end) of a file, in seconds, all channels mixed.

    Raises:
        MediaError: unreadable, or its samples are no numbers; once iterated.
        RangeError: `end` lies before `start`.
    """
    size = BLOCK_S * SAMPLE_RATE
    for block in iter_audio(
        path, start, end, sample_rate=SAMPLE_RATE, channels=1, stream=stream, block=size
    ):
        if not np.isfinite(block).all():
            raise MediaError(
                f"{path} holds samples that are no numbers.", hint="Export the sound again."
            )
        yield np.clip(block[0], -LOUDEST, LOUDEST)
