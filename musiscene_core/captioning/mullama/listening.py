"""Sound as the encoder takes it: checked, mono, 24 kHz, one chunk at a time. Loads no torch."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import gcd
from pathlib import Path

import numpy as np
import numpy.typing as npt

from musiscene_core.captioning.mullama.config import CHUNK_S, SAMPLE_RATE, Listening
from musiscene_core.errors import MediaError
from musiscene_core.media import iter_audio

SHORTEST_S = Fraction(1, 10)
"""Shorter sounds are refused, and shorter rests of longer ones left out."""
SILENCE_PEAK = 1e-4
"""-80 dBFS: what never rises above it is silent."""

_CHUNK = CHUNK_S * SAMPLE_RATE
_SHORTEST = int(SHORTEST_S * SAMPLE_RATE)

Chunks = Iterator[npt.NDArray[np.float32]]


def file_chunks(
    path: str | Path,
    start: Fraction,
    end: Fraction,
    listening: Listening = "whole",
    *,
    stream: int = 0,
) -> Chunks:
    """The sound of [start, end) of a file, in seconds, as chunks [N]; memory stays bounded.

    Args:
        path: the file.
        start: file time in seconds.
        end: file time in seconds.
        listening: how much of it to hear.
        stream: which of the file's audio streams, counted from 0.

    Raises:
        MediaError: unreadable, not a number, silent, or shorter than SHORTEST_S; once iterated.
        RangeError: `end` lies before `start`.
    """
    if listening == "legacy":
        end = min(end, start + CHUNK_S)
    blocks = iter_audio(path, start, end, sample_rate=SAMPLE_RATE, stream=stream, block=_CHUNK)
    return _checked((block[0] for block in blocks), str(path))


def sample_chunks(
    samples: npt.NDArray[np.float32], sample_rate: int, listening: Listening = "whole"
) -> Chunks:
    """Samples [N] or [C, N] at any rate as chunks [N] at 24 kHz, all channels mixed alike.

    Raises:
        MediaError: not a number, silent, or shorter than SHORTEST_S; once iterated.
    """
    if sample_rate < 1 or samples.ndim not in (1, 2):
        raise ValueError(f"samples {samples.shape} at {sample_rate} a second")
    if listening == "legacy":
        samples = samples[..., : CHUNK_S * sample_rate]
    if samples.shape[0] == 0:
        samples = np.zeros(0, np.float32)
    mono = samples if samples.ndim == 1 else samples.mean(axis=0)
    _check_numbers(mono, "The sound")
    return _checked(_cut(_at_rate(mono, sample_rate)), "The sound")


def _at_rate(mono: npt.NDArray[np.float32], rate: int) -> npt.NDArray[np.float32]:
    if rate == SAMPLE_RATE or mono.size == 0:
        return mono.astype(np.float32, copy=False)
    # Here, so that files, which are resampled as they are decoded, do not load scipy.
    from scipy.signal import resample_poly

    shared = gcd(rate, SAMPLE_RATE)
    return np.asarray(resample_poly(mono, SAMPLE_RATE // shared, rate // shared), np.float32)


def _cut(mono: npt.NDArray[np.float32]) -> Chunks:
    for at in range(0, mono.size, _CHUNK):
        yield mono[at : at + _CHUNK]


def _checked(blocks: Chunks, name: str) -> Chunks:
    """`blocks` without a rest that is too short to hear anything in.

    Silence can only be told at the end: what begins silent may yet be music.
    """
    heard = False
    peak = 0.0
    for block in blocks:
        if block.size < _SHORTEST:
            break
        _check_numbers(block, name)
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


def _check_numbers(samples: npt.NDArray[np.float32], name: str) -> None:
    if not np.isfinite(samples).all():
        raise MediaError(
            f"{name} holds samples that are no numbers.", hint="Export the sound again."
        )
