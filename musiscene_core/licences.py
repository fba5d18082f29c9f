"""Licences of weights: what may be done with the music that they had a hand in.

A licence that is not known allows nothing: better asked once too often.
"""

from __future__ import annotations

FREE = (
    *("apache-2.0", "mit", "cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0", "bsd-2-clause", "bsd-3-clause"),
    *("isc", "unlicense", "public domain", "llama2", "llama3", "llama3.1", "llama3.2", "llama3.3"),
)
"""Licences that allow commercial use, as hubs and SPDX write them; LLaMA's do with conditions."""


def allows_commercial_use(licence: str) -> bool:
    """Whether music made with the help of weights under `licence` may be sold."""
    return licence.strip().lower() in FREE
