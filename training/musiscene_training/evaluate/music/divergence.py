"""How far apart a classifier's opinions of two sounds are: Kullback-Leibler, as audiocraft counts.

KL(P || Q) = sum of P log(P / Q), P of the reference and Q of what was made, in nats (Herrmann-1,
equation 1). A sound's opinion is the mean over its windows of the softmax over the logits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from musiscene_core.errors import InputError

Probabilities = npt.NDArray[np.float64]
EPSILON = 1e-6
"""Added to what the logarithm of is taken, as audiocraft does."""


@dataclass(frozen=True)
class Divergence:
    """Of one pair of sounds.

    Attributes:
        pq: KL(reference || made), which is what both papers report.
        qp: KL(made || reference).
    """

    pq: float
    qp: float

    @property
    def both(self) -> float:
        """Their sum."""
        return self.pq + self.qp


def opinion(logits: npt.NDArray[np.floating]) -> Probabilities:
    """Probabilities [C] of a sound whose windows have `logits` [n, C].

    Raises:
        InputError: some are no numbers.
    """
    given = np.asarray(logits, dtype=np.float64)
    if not np.isfinite(given).all():
        raise InputError("The classifier gave what is no number.", hint="Look at its weights.")
    shifted = np.exp(given - given.max(axis=1, keepdims=True))
    return np.asarray((shifted / shifted.sum(axis=1, keepdims=True)).mean(axis=0))


def divergence(reference: Probabilities, made: Probabilities) -> Divergence:
    """How far apart two opinions [C] are."""
    return Divergence(_kl(reference, made), _kl(made, reference))


def _kl(one: Probabilities, other: Probabilities) -> float:
    known = one > 0
    terms = one[known] * (np.log(one[known]) - np.log(other[known] + EPSILON))
    return float(terms.sum())
