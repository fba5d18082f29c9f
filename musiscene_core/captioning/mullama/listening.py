"""Sound as the encoder takes it: checked, mono, 24 kHz, one chunk at a time. Loads no torch."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import gcd
from pathlib import Path

import numpy as np
import numpy.typing as npt

from musiscene_core.captioning.checked import check_numbers, checked
from musiscene_core.captioning.mullama.config import CHUNK_S, SAMPLE_RATE, Listening
from musiscene_core.media import iter_audio

_CHUNK = CHUNK_S * SAMPLE_RATE

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
    return checked((block[0] for block in blocks), str(path), SAMPLE_RATE)


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
    check_numbers(mono, "The sound")
    return checked(_cut(_at_rate(mono, sample_rate)), "The sound", SAMPLE_RATE)


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
