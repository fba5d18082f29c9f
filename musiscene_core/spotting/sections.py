"""Sections of music: where it changes enough that the parts are better described apart.

At each moment the seconds before are compared with the seconds after, in timbre and harmony, by
how far their means lie apart against how much each varies within itself (the diagonal of Foote's
novelty, ICME 2000, without his matrix, so that hours take little memory). Knows no form: a chorus
that comes back is a section of its own.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from musiscene_core.progress import Progress, silent
from musiscene_core.spotting import chroma, timbre
from musiscene_core.spotting.heard import SAMPLE_RATE, heard_blocks

Doubles = npt.NDArray[np.float64]

SHORTEST_S, LONGEST_S = 12.0, 90.0
ONE_S = 45.0
"""What is no longer than this is heard as one."""
_HOP_S = timbre.HOP_S
_AROUND_S = 10.0
_CLEAR = 0.58
"""Novelty from which the music has changed: known sections reach 0.7, what stays alike 0.45."""
_HARMONY = 0.7
"""How much harmony counts against timbre."""


def find_sections(
    path: str | Path,
    start_s: float,
    end_s: float,
    *,
    stream: int = 0,
    progress: Progress = silent,
) -> tuple[tuple[float, float], ...]:
    """The sections of [start_s, end_s) of a file, abutting, in seconds of file time.

    Hears all of it once; keeps 1.6 kB a second.

    Raises:
        MediaError: unreadable, or its samples are no numbers.
    """
    if end_s - start_s <= ONE_S:
        return ((start_s, end_s),)
    colour = timbre.TimbreListener(SAMPLE_RATE)
    notes = chroma.ChromaListener(SAMPLE_RATE)
    span = Fraction(end_s) - Fraction(start_s)
    done = 0
    for block in heard_blocks(path, Fraction(start_s), Fraction(end_s), stream=stream):
        colour.push(block)
        notes.push(block)
        done += len(block)
        progress("Finding the sections", min(1.0, float(done / (span * SAMPLE_RATE))))
    edges = boundaries(colour.finish()[0], notes.finish()[0])
    inner = [start_s + edge for edge in edges if SHORTEST_S <= edge <= end_s - start_s - SHORTEST_S]
    return tuple(pairwise([start_s, *inner, end_s]))


def boundaries(bands: npt.NDArray[np.floating], steps: npt.NDArray[np.floating]) -> list[float]:
    """Seconds at which sections begin, but for the first.

    Args:
        bands: decibels [n, bands], one row every timbre.HOP_S.
        steps: chroma [m, chroma.STEPS], one row every chroma.HOP_S.
    """
    if not len(bands):
        return []
    features = _features(np.asarray(bands, np.float64), np.asarray(steps, np.float64))
    novelty = _novelty(features, round(_AROUND_S / _HOP_S))
    apart = round(SHORTEST_S / _HOP_S)
    near = apart // 2
    around = np.lib.stride_tricks.sliding_window_view(np.pad(novelty, near), 2 * near + 1)
    peaks = np.flatnonzero((novelty >= _CLEAR) & (novelty == around.max(axis=1)))
    found: list[int] = []
    for place in sorted(peaks.tolist(), key=lambda peak: -novelty[peak]):
        if all(abs(place - other) >= apart for other in found):
            found.append(place)
    found += _cuts_in_the_long([0, *sorted(found), len(features)], novelty, apart)
    return [place * _HOP_S for place in sorted(found)]


def _cuts_in_the_long(edges: list[int], novelty: Doubles, apart: int) -> list[int]:
    """Where to cut what stays the same for too long: where it changes most."""
    longest = round(LONGEST_S / _HOP_S)
    cuts: list[int] = []
    spans = list(pairwise(edges))
    while spans:
        first, last = spans.pop()
        if last - first <= longest:
            continue
        # Near the middle third, so that what is left is worth describing.
        low, high = first + max(apart, (last - first) // 3), last - max(apart, (last - first) // 3)
        cut = low + int(np.argmax(novelty[low : high + 1]))
        cuts.append(cut)
        spans += [(first, cut), (cut, last)]
    return cuts


def _features(bands: Doubles, steps: Doubles) -> Doubles:
    """Timbre and harmony side by side [n, d], each of about unit spread."""
    count = len(bands)
    if len(steps):
        classes = steps.reshape(len(steps), 12, -1).sum(axis=2)
        lengths = np.linalg.norm(classes, axis=1, keepdims=True)
        classes = classes / np.maximum(lengths, 1e-9)
        places = np.minimum(
            (np.arange(count) * _HOP_S / chroma.HOP_S).astype(np.intp), len(steps) - 1
        )
        classes = classes[places]
    else:
        classes = np.zeros((count, 12))
    return np.concatenate([_unit(bands), _HARMONY * _unit(classes)], axis=1)


def _unit(values: Doubles) -> Doubles:
    """Centred, and scaled so that the mean squared length of a row is 1."""
    centred = values - values.mean(axis=0)
    size = float(np.sqrt((centred**2).sum(axis=1).mean()))
    return centred / size if size > 1e-9 else np.zeros_like(centred)


def _novelty(features: Doubles, reach: int) -> Doubles:
    """How much the `reach` rows after each differ from those before [n]; 0 near the ends."""
    count = len(features)
    novelty = np.zeros(count)
    if count < 2 * reach:
        return novelty
    sums = np.concatenate([np.zeros((1, features.shape[1])), np.cumsum(features, axis=0)])
    squares = np.concatenate([[0.0], np.cumsum((features**2).sum(axis=1))])
    at = np.arange(reach, count - reach + 1)
    before = (sums[at] - sums[at - reach]) / reach
    after = (sums[at + reach] - sums[at]) / reach
    within = (squares[at + reach] - squares[at - reach]) / (2 * reach)
    within -= 0.5 * ((before**2).sum(axis=1) + (after**2).sum(axis=1))
    between = np.sqrt(((after - before) ** 2).sum(axis=1))
    values = between / np.sqrt(np.maximum(within, 0.0) + 0.05)
    novelty[at[at < count]] = values[at < count]
    return novelty
