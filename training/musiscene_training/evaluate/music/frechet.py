"""The Fréchet distance between two sets of embeddings (FAD; Kilgour et al. 2018).

Each set is taken as a Gaussian: F = |m1 - m2|^2 + tr(S1 + S2 - 2 sqrt(S1 S2)). A finite set always
makes it too large, the more so the fewer windows there are for the embedding's dimensions; so there
are an interval over resampled clips, and what it would be of endless music (FAD-infinity: Chong &
Forsyth 2020, Gui et al. 2024), a line through its values over one by the number of windows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from musiscene_core.errors import InputError

Values = npt.NDArray[np.float64]
Windows = npt.NDArray[np.floating]
"""Embeddings of one clip, [n, D]."""

ENOUGH_A_DIMENSION = 10
"""Windows for each dimension from which a FAD is taken as it is."""
_DRAWS = 200
_LEAST_CLIPS = 5
_SIZES, _SUBSETS = 12, 4
_SEED = 23


@dataclass(frozen=True)
class Gaussian:
    """What is known of a set: mean [D], covariance [D, D], and how many windows it is of."""

    mean: Values
    covariance: Values
    count: int


@dataclass(frozen=True)
class Distance:
    """A FAD and how far it can be trusted.

    Attributes:
        fad: of all windows.
        low: end of the 95 % interval over clips; None with fewer than 5 clips on a side.
        high: its other end.
        endless: FAD-infinity; None where there are too few windows to draw a line.
        fit: R² of that line.
        windows: of reference and generated music.
        dimensions: of the embedding.
    """

    fad: float
    low: float | None
    high: float | None
    endless: float | None
    fit: float | None
    windows: tuple[int, int]
    dimensions: int

    @property
    def too_few(self) -> bool:
        """Whether there are fewer windows than the embedding's dimensions want."""
        return min(self.windows) < ENOUGH_A_DIMENSION * self.dimensions


class _Sums:
    """What adds up over clips: windows, their sum, and the sum of their outer products."""

    def __init__(self, clips: Sequence[Windows]) -> None:
        whole = [np.asarray(clip, dtype=np.float64) for clip in clips]
        # Around a centre of their own, so that large means do not eat the digits of the spread.
        self._centre = np.concatenate(whole).mean(axis=0)
        moved = [clip - self._centre for clip in whole]
        self._counts = np.array([len(clip) for clip in moved])
        self._sums = np.stack([clip.sum(axis=0) for clip in moved])
        self._products = np.stack([clip.T @ clip for clip in moved])

    def gaussian(self, weights: npt.NDArray[np.integer]) -> Gaussian:
        """Of every clip as often as `weights` says."""
        count = int(weights @ self._counts)
        mean = weights @ self._sums / count
        product = np.tensordot(weights.astype(np.float64), self._products, axes=1)
        covariance = (product - count * np.outer(mean, mean)) / (count - 1)
        return Gaussian(mean + self._centre, covariance, count)

    def __len__(self) -> int:
        return len(self._counts)


def gaussian(windows: Windows) -> Gaussian:
    """Mean and unbiased covariance of embeddings [n, D].

    Raises:
        InputError: fewer than two, or some are no numbers.
    """
    given = np.asarray(windows, dtype=np.float64)
    if given.ndim != 2 or len(given) < 2:
        raise InputError(
            "A FAD takes two windows or more on each side.", hint="Give more or longer sounds."
        )
    if not np.isfinite(given).all():
        raise InputError(
            "The embedding gave what is no number.", hint="Look at the model's weights."
        )
    centred = given - given.mean(axis=0)
    return Gaussian(given.mean(axis=0), centred.T @ centred / (len(given) - 1), len(given))


def frechet(one: Gaussian, other: Gaussian) -> float:
    """The distance of two Gaussians, 0 or more."""
    apart = one.mean - other.mean
    values, vectors = np.linalg.eigh(one.covariance)
    root = (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
    # sqrt(S1 S2) has the eigenvalues of the symmetric, positive sqrt(S1) S2 sqrt(S1), rooted.
    shared = np.linalg.eigvalsh(root @ other.covariance @ root)
    spread = np.trace(one.covariance) + np.trace(other.covariance)
    return max(0.0, float(apart @ apart + spread - 2 * np.sqrt(np.clip(shared, 0, None)).sum()))


def distance(
    reference: Sequence[Windows], generated: Sequence[Windows], draws: int = _DRAWS
) -> Distance:
    """The FAD between two sets of clips, each [n, D], with interval and extrapolation.

    The interval is the basic bootstrap over clips, of both sets: draws lie above the distance by
    what resampling adds, and are turned round it, which takes the same off again.

    Raises:
        InputError: fewer than two windows in a set, or some are no numbers.
    """
    sides = [
        np.concatenate([np.asarray(clip) for clip in clips]) for clips in (reference, generated)
    ]
    first, second = gaussian(sides[0]), gaussian(sides[1])
    fad = frechet(first, second)
    low, high = _interval(reference, generated, fad, draws)
    endless, fit = _extrapolated(first, np.asarray(sides[1], dtype=np.float64))
    return Distance(fad, low, high, endless, fit, (first.count, second.count), sides[0].shape[1])


def _interval(
    reference: Sequence[Windows], generated: Sequence[Windows], fad: float, draws: int
) -> tuple[float | None, float | None]:
    if min(len(reference), len(generated)) < _LEAST_CLIPS or not draws:
        return None, None
    random = np.random.default_rng(_SEED)
    sides = (_Sums(reference), _Sums(generated))
    found = []
    for _ in range(draws):
        drawn = [
            side.gaussian(
                np.bincount(random.integers(len(side), size=len(side)), minlength=len(side))
            )
            for side in sides
        ]
        found.append(frechet(*drawn))
    low, high = np.percentile(found, [2.5, 97.5])
    return max(0.0, float(2 * fad - high)), max(0.0, float(2 * fad - low))


def _extrapolated(reference: Gaussian, windows: Values) -> tuple[float | None, float | None]:
    """The distance at 1 / n = 0 of a line through those of ever more windows, and its R²."""
    least = max(2 * windows.shape[1], len(windows) // 5)
    if len(windows) < 2 * least:
        return None, None
    random = np.random.default_rng(_SEED)
    sizes = np.linspace(least, len(windows), _SIZES).astype(int)
    found = [
        np.mean(
            [
                frechet(reference, gaussian(windows[random.permutation(len(windows))[:size]]))
                for _ in range(_SUBSETS)
            ]
        )
        for size in sizes
    ]
    slope, endless = np.polyfit(1 / sizes, found, 1)
    left = found - (slope / sizes + endless)
    total = float(np.sum((found - np.mean(found)) ** 2))
    return float(endless), 1 - float(left @ left) / total if total else 1.0
