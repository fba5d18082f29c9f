"""Speakers told apart by how their lines sound, where no diarisation model is.

No embedding of a trained model: each line becomes the mean of its cepstrum and the median of its
pitch over voiced frames; lines are joined by average linkage, into as many speakers as the
silhouette (Rousseeuw 1987) likes best. Rough, and said to be: a whisper and a shout of one actor
may be two. Knows nothing of words.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

from musiscene_core.spotting.speech.model import SAMPLE_RATE, Floats

METHOD = "turns by sound"
MOST_SPEAKERS = 6
LEAST_SILHOUETTE = 0.30
"""Below it, one speaker is the better guess: lines of one voice reach 0.2."""
APART = 6.5
"""Mean distance from which two groups of lines are two voices; lines of one lie about 4 apart."""
APART_ALONE = 9.0
"""And of one line from all others: what is said colours a single line."""
LEAST_LINE_S = 0.4
"""Shorter lines have too little voice to go by, and join the speaker of the line before."""

_FRAME, _HOP = 512, 160
_MELS, _CEPSTRA = 32, 13
_LOWEST_HZ, _HIGHEST_HZ = 80.0, 7000.0
_LOWEST_PITCH_HZ, _HIGHEST_PITCH_HZ = 60.0, 400.0
_VOICED = 0.45
"""Autocorrelation at the pitch, relative to lag 0, from which a frame counts as voiced."""
_PITCH_WEIGHT = 3.0
"""An octave of pitch against a standard deviation of the cepstrum."""

Doubles = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]


def tell_apart(lines: Sequence[Floats]) -> tuple[int, ...]:
    """The speaker of each line, numbered from 0 in the order in which they first speak.

    Args:
        lines: the sound of each line, mono [n] at SAMPLE_RATE.
    """
    described = {place: _described(line) for place, line in enumerate(lines)}
    known = {place: voice for place, voice in described.items() if voice is not None}
    labels = [-1] * len(lines)
    if known:
        voices = np.stack(list(known.values()))
        for place, label in zip(known, _clustered(voices), strict=True):
            labels[place] = int(label)
    return _numbered(labels)


def _numbered(labels: list[int]) -> tuple[int, ...]:
    """Labels in order of first use; what has none takes that of the line before."""
    order: dict[int, int] = {}
    before = next((label for label in labels if label >= 0), 0)
    numbered = []
    for label in labels:
        before = label if label >= 0 else before
        numbered.append(order.setdefault(before, len(order)))
    return tuple(numbered)


def _clustered(voices: Doubles) -> Labels:
    """A label for each row of `voices` [lines, features]."""
    alone = np.zeros(len(voices), np.int64)
    if len(voices) < 2:
        return alone
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import pdist, squareform

    apart = pdist(voices)
    tree = linkage(apart, "average")
    square = squareform(apart)
    if len(voices) == 2:
        return np.array([0, int(apart[0] > APART_ALONE)])
    # Splits of lines that sound alike are no speakers, however well they part.
    heights = tree[::-1, 2]
    most = min(MOST_SPEAKERS, len(voices) - 1, 1 + int((heights > APART).sum()))
    best, labels = LEAST_SILHOUETTE, alone
    for count in range(2, most + 1):
        cut = _without_strays(fcluster(tree, count, "maxclust").astype(np.int64), square)
        score = _silhouette(square, cut)
        if score > best:
            best, labels = score, cut
    return labels


def _without_strays(labels: Labels, square: Doubles) -> Labels:
    """Labels with each group of one line, unless it is very far off, joined to the nearest."""
    joined = labels.copy()
    for label, size in zip(*np.unique(labels, return_counts=True), strict=True):
        if size > 1:
            continue
        (line,) = np.flatnonzero(labels == label)
        others = [group for group in np.unique(joined) if group != label]
        means = [square[line, joined == group].mean() for group in others]
        if means and min(means) < APART_ALONE:
            joined[line] = others[int(np.argmin(means))]
    return joined


def _silhouette(square: Doubles, labels: Labels) -> float:
    """The mean silhouette of a labelling, from all distances [n, n]; -1 where there is one."""
    groups = np.unique(labels)
    if len(groups) < 2:
        return -1.0
    to_group = np.stack([square[:, labels == group].sum(1) for group in groups], 1)
    sizes = np.array([(labels == group).sum() for group in groups])
    own = np.searchsorted(groups, labels)
    rows = np.arange(len(labels))
    within = to_group[rows, own] / np.maximum(1, sizes[own] - 1)
    means = to_group / sizes
    means[rows, own] = np.inf
    other = means.min(1)
    scores = np.where(sizes[own] > 1, (other - within) / np.maximum(other, within), 0.0)
    return float(scores.mean())


def _described(line: Floats) -> Doubles | None:
    """A voice as numbers; None where a line is too short or not voiced."""
    if len(line) < LEAST_LINE_S * SAMPLE_RATE:
        return None
    signal = np.asarray(line, np.float64)
    count = 1 + (len(signal) - _FRAME) // _HOP
    frames = np.lib.stride_tricks.sliding_window_view(signal, _FRAME)[::_HOP][:count]
    frames = frames * np.hanning(_FRAME)
    power = np.abs(np.fft.rfft(frames, 2 * _FRAME)) ** 2
    energy = power.sum(1)
    pitch, voiced = _pitches(power)
    voiced &= energy > 0.02 * np.percentile(energy, 95)
    if voiced.sum() < 10:
        return None
    cepstra = _cepstra(power[voiced])
    octaves = np.log2(pitch[voiced])
    return np.append(cepstra.mean(0) / _SCALE, _PITCH_WEIGHT * float(np.median(octaves)))


def _pitches(power: Doubles) -> tuple[Doubles, npt.NDArray[np.bool_]]:
    """Hz of each frame by autocorrelation, and whether it is voiced."""
    same = np.fft.irfft(power)
    shortest = int(SAMPLE_RATE / _HIGHEST_PITCH_HZ)
    longest = int(SAMPLE_RATE / _LOWEST_PITCH_HZ)
    # The window's own autocorrelation falls with the lag; a deep voice would lose by it.
    window = np.fft.irfft(np.abs(np.fft.rfft(np.hanning(_FRAME), 2 * _FRAME)) ** 2)
    scaled = same[:, shortest:longest] / (window[shortest:longest] / window[0])
    lags = scaled.argmax(1)
    strength = scaled[np.arange(len(lags)), lags] / np.maximum(same[:, 0], 1e-12)
    return SAMPLE_RATE / (lags + shortest), strength > _VOICED


@cache
def _mel_bank() -> Doubles:
    """Triangles on the mel scale [mels, bins]."""

    def mel(hz: Doubles) -> Doubles:
        return np.asarray(2595 * np.log10(1 + hz / 700))

    at = mel(np.arange(_FRAME + 1) * SAMPLE_RATE / (2 * _FRAME))[None]
    lowest, highest = mel(np.array([_LOWEST_HZ, _HIGHEST_HZ]))
    edges = np.linspace(lowest, highest, _MELS + 2)
    low, mid, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    return np.asarray(
        np.clip(np.minimum((at - low) / (mid - low), (high - at) / (high - mid)), 0, None)
    )


def _cepstra(power: Doubles) -> Doubles:
    """Cepstral coefficients 1 to _CEPSTRA of each frame [frames, _CEPSTRA]; level is left out."""
    mels = np.log(power @ _mel_bank().T + 1e-9)
    places = (np.arange(_MELS) + 0.5)[None] * np.arange(1, _CEPSTRA + 1)[:, None]
    return np.asarray(mels @ np.cos(np.pi * places / _MELS).T / _MELS)


_SCALE = 0.12
"""Standard deviation of a mean coefficient between lines of one voice."""
