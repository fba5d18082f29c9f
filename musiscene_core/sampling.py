"""How a model that writes music as tokens draws them."""

from __future__ import annotations

import math

import msgspec

from musiscene_core.errors import RequestError

MOST_TEMPERATURE, MOST_TOP_K, MOST_GUIDANCE = 10.0, 1 << 16, 30.0


class Sampling(msgspec.Struct, frozen=True, kw_only=True):
    """How tokens are drawn; the defaults are MusicGen's own.

    Attributes:
        temperature: 0 takes the likeliest.
        top_k: draw among so many; 0 among all.
        top_p: draw among the likeliest that have this much chance together; 0 or 1 among all.
        guidance: how much more the words count than nothing; 1 takes them as they are.
    """

    temperature: float = 1.0
    top_k: int = 250
    top_p: float = 0.0
    guidance: float = 3.0

    def __post_init__(self) -> None:
        wrong = (
            (
                not 0 <= self.temperature <= MOST_TEMPERATURE,
                f"The temperature must be 0 to {MOST_TEMPERATURE:g}.",
            ),
            (not 0 <= self.top_k <= MOST_TOP_K, f"Top-k must be 0 to {MOST_TOP_K}."),
            (not 0 <= self.top_p <= 1, "Top-p must be 0 to 1."),
            (
                not 1 <= self.guidance <= MOST_GUIDANCE,
                f"The guidance must be 1 to {MOST_GUIDANCE:g}.",
            ),
        )
        for failed, message in wrong:
            if failed or not math.isfinite(self.temperature + self.top_p + self.guidance):
                raise RequestError(message)

    @property
    def guided(self) -> bool:
        """Whether each take needs a second row."""
        return self.guidance > 1


USUAL = Sampling()
