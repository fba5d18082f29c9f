"""What is heard of a piece of music: onsets, chroma, the spectrum's shape and level.

Kept at the rates of spotting's listeners, and averaged over beats on demand. Knows nothing of
beats themselves or of bars.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from musiscene_core.progress import Progress, silent
from musiscene_core.spotting.chroma import HOP_S, ChromaListener
from musiscene_core.spotting.onsets import OnsetListener
from musiscene_core.timecode import SAMPLE_RATE

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

BANDS = 20
BAND_RATE = 50
"""Spectra a second."""
_BLOCK = 10 * SAMPLE_RATE
_SIZE = 2048
_LOWEST_HZ, _HIGHEST_HZ = 60.0, 14_000.0
_QUIET = 1e-3
"""60 dB under the loudest hundredth of a second: what is below it is the room."""
_SLOT = SAMPLE_RATE // 100


@dataclass(frozen=True)
class Heard:
    """What was heard.

    Attributes:
        onsets: strength of onsets [n, 2], bass and rest, spotting.onsets.RATE a second.
        chroma: [m, STEPS], one row every spotting.chroma.HOP_S.
        bands: level in decibels [k, BANDS], BAND_RATE a second.
        sounding_s: where the sound begins and ends, in seconds.
    """

    onsets: Floats
    chroma: Floats
    bands: Floats
    sounding_s: tuple[float, float]


@dataclass(frozen=True)
class BeatFeatures:
    """Means over each span between two moments.

    Attributes:
        chroma: [n, STEPS] of unit length.
        bands: [n, BANDS] in decibels.
    """

    chroma: Doubles
    bands: Doubles


def listen(audio: Floats, progress: Progress = silent) -> Heard:
    """Hear `audio` [channels, n] at 48 kHz."""
    hop = SAMPLE_RATE // BAND_RATE
    window = np.hanning(_SIZE + 1)[:-1].astype(np.float32)
    window *= 2.0 / window.sum()
    edges = np.geomspace(_LOWEST_HZ, _HIGHEST_HZ, BANDS + 1) * _SIZE / SAMPLE_RATE
    starts = np.maximum.accumulate(np.ceil(edges[:-1]).astype(np.int64))
    starts += np.maximum(0, np.arange(BANDS) - (starts - starts[0]))
    onset_listener, chroma_listener = OnsetListener(SAMPLE_RATE), ChromaListener(SAMPLE_RATE)
    samples = audio.shape[1]
    levels: list[Floats] = []
    bands: list[Floats] = []
    for first in range(0, samples, _BLOCK):
        progress("Listening to the music", first / samples)
        block = audio[:, first : first + _BLOCK].mean(axis=0, dtype=np.float32)
        onset_listener.push(block)
        chroma_listener.push(block)
        padded = np.pad(block, (0, -len(block) % _SLOT))
        levels.append(np.abs(padded.reshape(-1, _SLOT)).max(axis=1))
        around = audio[:, max(0, first - _SIZE // 2) : first + _BLOCK + _SIZE // 2].mean(axis=0)
        left = max(0, _SIZE // 2 - first)
        count = -(-len(block) // hop)
        around = np.pad(around, (left, max(0, count * hop + _SIZE - left - len(around))))
        frames = np.lib.stride_tricks.sliding_window_view(around, _SIZE)[::hop][:count]
        spectrum = np.fft.rfft(frames * window)
        power = np.asarray(spectrum.real**2 + spectrum.imag**2, np.float32)
        summed = np.add.reduceat(power[:, : int(edges[-1])], starts, axis=1)
        bands.append(10 * np.log10(summed + 1e-8).astype(np.float32))
    progress("Listening to the music", 1.0)
    level = np.concatenate([np.zeros(0, np.float32), *levels])
    loud = np.flatnonzero(level > _QUIET * float(level.max(initial=0.0)))
    end_s = samples / SAMPLE_RATE
    sounding = (loud[0] / 100, min(end_s, (loud[-1] + 1) / 100)) if len(loud) else (0.0, 0.0)
    return Heard(
        onsets=onset_listener.finish(),
        chroma=chroma_listener.finish()[0],
        bands=np.concatenate([np.zeros((0, BANDS), np.float32), *bands]),
        sounding_s=(float(sounding[0]), float(sounding[1])),
    )


def beat_features(heard: Heard, moments_s: Doubles) -> BeatFeatures:
    """Means from each of `moments_s` [n] to the next; the last span is as long as the one before.

    Args:
        heard: what was heard.
        moments_s: increasing, in seconds, two at least.
    """
    edges = np.append(moments_s, 2 * moments_s[-1] - moments_s[-2])
    # Rows of both lie around their moments, so edges fall half way between two of them.
    chroma = _means(heard.chroma, edges / HOP_S + 0.5)
    lengths = np.linalg.norm(chroma, axis=1, keepdims=True)
    bands = _means(heard.bands, edges * BAND_RATE + 0.5)
    return BeatFeatures(chroma / np.maximum(lengths, 1e-9), bands)


def _means(rows: Floats, edges: Doubles) -> Doubles:
    """Mean of the rows between each two of `edges` (fractional row numbers)."""
    if not len(rows):
        return np.zeros((len(edges) - 1, rows.shape[1]))
    total = np.concatenate([np.zeros((1, rows.shape[1])), np.cumsum(rows, axis=0, dtype=float)])
    at = np.clip(edges, 0, len(rows))
    low = np.floor(at).astype(np.int64)
    high = np.minimum(low + 1, len(rows))
    sums = total[low] + (at - low)[:, None] * (total[high] - total[low])
    spans = np.maximum(np.diff(at), 1e-9)[:, None]
    means: Doubles = np.diff(sums, axis=0) / spans
    return means
