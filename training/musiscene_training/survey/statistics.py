"""Means, confidence intervals and the within-subject analysis of variance of ratings.

Works on one table [n, k]: n listeners by k systems, each cell a listener's mean over scenes.
Knows nothing of where ratings come from.

Sources: repeated-measures ANOVA as in Girden (1992); epsilon of Greenhouse and Geisser (1959);
within-subject intervals of Cousineau (2005) with Morey's correction (2008); Holm (1979).
"""

from __future__ import annotations

import math
from itertools import combinations

import msgspec
import numpy as np
import numpy.typing as npt
from scipy import stats

CONFIDENCE = 0.95

Table = npt.NDArray[np.float64]


class Summary(msgspec.Struct, frozen=True):
    """One system's ratings.

    Attributes:
        mean: over listeners.
        sd: between listeners; None for one listener.
        ci: half the 95 % interval of the mean; None for one listener.
        within_ci: the same without what listeners differ by throughout: for comparing systems.
    """

    mean: float
    sd: float | None
    ci: float | None
    within_ci: float | None


class Anova(msgspec.Struct, frozen=True):
    """Whether systems differ, each listener being her own control.

    Attributes:
        f: ratio of the systems' mean square to the residual's.
        df_systems: k - 1.
        df_error: (n - 1)(k - 1).
        p: of F, if the differences vary alike.
        epsilon: by how much they do not (1: alike).
        p_corrected: of F with both degrees of freedom times epsilon.
        eta_squared: partial: systems / (systems + residual).
    """

    f: float
    df_systems: int
    df_error: int
    p: float
    epsilon: float
    p_corrected: float
    eta_squared: float


class Pair(msgspec.Struct, frozen=True):
    """Two systems, the first minus the second; `p` by paired t test, Holm's correction done."""

    first: int
    second: int
    difference: float
    ci: float
    p: float


def summaries(table: Table) -> list[Summary]:
    """Each system's figures."""
    n, k = table.shape
    if n < 2:
        return [Summary(float(mean), None, None, None) for mean in table.mean(axis=0)]
    normed = table - table.mean(axis=1, keepdims=True) + table.mean()
    reach = stats.t.ppf((1 + CONFIDENCE) / 2, n - 1) / math.sqrt(n)
    spread = table.std(axis=0, ddof=1)
    within = normed.std(axis=0, ddof=1) * np.sqrt(k / (k - 1))
    return [
        Summary(float(mean), float(sd), float(reach * sd), float(reach * inner))
        for mean, sd, inner in zip(table.mean(axis=0), spread, within, strict=True)
    ]


def anova(table: Table) -> Anova | None:
    """One-way within-subject ANOVA; None where it says nothing.

    That is with one listener, or where every listener's ratings differ by exactly the same.
    """
    n, k = table.shape
    if n < 2 or k < 2:
        return None
    grand = table.mean()
    systems = n * float(((table.mean(axis=0) - grand) ** 2).sum())
    rest = table - table.mean(axis=1, keepdims=True) - table.mean(axis=0, keepdims=True) + grand
    error = float((rest**2).sum())
    if error <= 1e-12 * max(1.0, float((table**2).sum())):
        return None
    df_systems, df_error = k - 1, (n - 1) * (k - 1)
    f = (systems / df_systems) / (error / df_error)
    epsilon = _epsilon(table)
    return Anova(
        f,
        df_systems,
        df_error,
        float(stats.f.sf(f, df_systems, df_error)),
        epsilon,
        float(stats.f.sf(f, df_systems * epsilon, df_error * epsilon)),
        systems / (systems + error),
    )


def _epsilon(table: Table) -> float:
    """Greenhouse and Geisser's: from the double-centred covariance of the systems."""
    k = table.shape[1]
    covariance = np.cov(table, rowvar=False)
    centred = covariance - covariance.mean(axis=0) - covariance.mean(axis=1)[:, None]
    centred += covariance.mean()
    return float(np.clip(np.trace(centred) ** 2 / ((k - 1) * (centred**2).sum()), 1 / (k - 1), 1))


def pairs(table: Table) -> list[Pair]:
    """Every two systems compared; none with one listener."""
    n, k = table.shape
    if n < 2:
        return []
    reach = float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1))
    found = []
    for first, second in combinations(range(k), 2):
        apart = table[:, first] - table[:, second]
        error = float(apart.std(ddof=1)) / math.sqrt(n)
        mean = float(apart.mean())
        if error > 1e-12:
            p = 2 * float(stats.t.sf(abs(mean) / error, n - 1))
        else:
            p = 1.0 if abs(mean) < 1e-12 else 0.0
        found.append(Pair(first, second, mean, reach * error, p))
    return _holm(found)


def _holm(found: list[Pair]) -> list[Pair]:
    ranked = sorted(range(len(found)), key=lambda index: found[index].p)
    corrected = [0.0] * len(found)
    highest = 0.0
    for rank, index in enumerate(ranked):
        highest = max(highest, min(1.0, found[index].p * (len(found) - rank)))
        corrected[index] = highest
    return [msgspec.structs.replace(pair, p=p) for pair, p in zip(found, corrected, strict=True)]
