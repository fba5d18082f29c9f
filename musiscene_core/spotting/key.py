"""Key: tonic and mode from chroma, with how sure that is.

Correlates the pitch classes with a profile of each of the 24 keys. Assumes one key: music that
modulates gets the one that fits it best on the whole, with a low confidence.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from musiscene_core.brief import Mode

Doubles = npt.NDArray[np.float64]

# Albrecht and Shanahan, "The use of large corpora to build a new type of key-finding model" (2013):
# of the published profiles the one that also tells natural minor from its relative major.
_MAJOR = (0.238, 0.006, 0.111, 0.006, 0.137, 0.094, 0.016, 0.214, 0.009, 0.080, 0.008, 0.081)
_MINOR = (0.220, 0.006, 0.104, 0.123, 0.019, 0.103, 0.012, 0.214, 0.062, 0.022, 0.061, 0.052)
_SURE_MARGIN = 0.2
_FAINT = 0.3
"""A best correlation below this is no key at all."""


class Key(NamedTuple):
    """A tonic (pitch class from C = 0) and mode, None where unknown, and how sure it is, 0 to 1."""

    tonic: int | None
    mode: Mode | None
    confidence: float


NO_KEY = Key(None, None, 0.0)


def find_key(classes: Doubles) -> Key:
    """The key that pitch-class strengths [12] from C fit best; NO_KEY where they fit none.

    The confidence is the lead over the next best key, 1 from a correlation lead of _SURE_MARGIN.
    """
    if float(np.std(classes)) <= 1e-9 * (1.0 + float(np.max(np.abs(classes)))):
        return NO_KEY
    scores = np.array([_correlations(classes, profile) for profile in (_MAJOR, _MINOR)])
    order = np.argsort(scores, axis=None)
    best, second = float(scores.flat[order[-1]]), float(scores.flat[order[-2]])
    if best < _FAINT:
        return NO_KEY
    mode, tonic = divmod(int(order[-1]), 12)
    confidence = min(1.0, (best - second) / _SURE_MARGIN)
    return Key(tonic, "minor" if mode else "major", confidence)


def _correlations(classes: Doubles, profile: tuple[float, ...]) -> Doubles:
    """Correlation [12] with `profile` set on each tonic."""
    return np.array(
        [float(np.corrcoef(classes, np.roll(profile, tonic))[0, 1]) for tonic in range(12)]
    )
