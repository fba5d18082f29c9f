"""Licences of weights: what may be done with the music that they had a hand in.

A licence that is not known allows nothing: better asked once too often.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

FREE = (
    *("apache-2.0", "mit", "cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0", "bsd-2-clause", "bsd-3-clause"),
    *("isc", "unlicense", "public domain", "llama2", "llama3", "llama3.1", "llama3.2", "llama3.3"),
)
"""Licences that allow commercial use, as hubs and SPDX write them; LLaMA's do with conditions."""


_FORBIDS = re.compile(r"\bnc\b|non-?\s?commercial|\bresearch\b", re.IGNORECASE)
"""What licences that forbid it say, in their names or their makers' words."""


def allows_commercial_use(licence: str) -> bool:
    """Whether music made with the help of weights under `licence` may be sold."""
    return licence.strip().lower() in FREE


def forbids_commercial_use(licence: str) -> bool:
    """Whether it says itself that it does; one that is only not known does not."""
    return _FORBIDS.search(licence) is not None


def licence_of_made(said: str, sources: Iterable[str]) -> str:
    """The licence of weights that were made of others, or of music under licences of its own.

    Args:
        said: what their maker says; empty where nothing. What a source forbids goes with it.
        sources: the licences of what they were made of; empty where unknown.
    """
    known = list(dict.fromkeys(one.strip() for one in sources))
    forbidding = [one for one in known if forbids_commercial_use(one) and one != said]
    if forbidding:
        return "; ".join(filter(None, (said, f"made of what is under {', '.join(forbidding)}")))
    return said or (known[0] if len(known) == 1 else "")
