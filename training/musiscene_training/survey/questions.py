"""What listeners are asked about each version, as the two papers asked it.

Suitability is MusiScene's question (section 5.2), relevance and quality are Herrmann-1's (4.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A question with the scale that answers it.

    Attributes:
        key: its name in results.
        text: as listeners read it.
        low: what the lowest value means.
        high: what the highest value means.
        lowest: the scale's first whole number.
        highest: its last; up to seven steps are buttons, more are a slider.
    """

    key: str
    text: str
    low: str
    high: str
    lowest: int
    highest: int

    @property
    def values(self) -> range:
        """Every answer there is."""
        return range(self.lowest, self.highest + 1)

    @property
    def slides(self) -> bool:
        """Whether it is answered with a slider."""
        return len(self.values) > 7


SUITABILITY = Question(
    key="suitability",
    text="How well does the music suit the scene?",
    low="not at all",
    high="perfectly",
    lowest=0,
    highest=100,
)
RELEVANCE = Question(
    key="relevance",
    text="How appropriate is the music to what the scene shows?",
    low="very low",
    high="very high",
    lowest=1,
    highest=5,
)
QUALITY = Question(
    key="quality",
    text="How good is the music as music? Count anything that sounds wrong.",
    low="very low",
    high="very high",
    lowest=1,
    highest=5,
)

FORMS: Mapping[str, tuple[Question, ...]] = MappingProxyType(
    {"suitability": (SUITABILITY,), "relevance": (RELEVANCE, QUALITY)}
)
"""The papers' two forms: 0 to 100 suitability, or 1 to 5 relevance and quality."""
