"""How freely a captioner may choose its words, and how many it may use."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from musiscene_core.errors import RequestError
from musiscene_core.request import GenerationProfile

MAX_TOKENS = 4096


class Generation(msgspec.Struct, frozen=True, kw_only=True):
    """How an answer is drawn.

    Attributes:
        temperature: 0 always takes the likeliest token; higher is freer.
        top_p: draw only among the likeliest tokens that together have this probability.
        max_tokens: the answer ends here at the latest.
        seed: the same seed draws the same answer to the same question over the same music.
    """

    temperature: float = 0.1
    top_p: float = 0.75
    max_tokens: int = 256
    seed: int = 0

    def __post_init__(self) -> None:
        wrong = (
            (not 0 <= self.temperature <= 5, "The temperature must be 0 to 5."),
            (not 0 < self.top_p <= 1, "Top-p must be above 0, and 1 at most."),
            (not 1 <= self.max_tokens <= MAX_TOKENS, f"Tokens must be 1 to {MAX_TOKENS}."),
            (not 0 <= self.seed < 2**63, "The seed must be a whole number from 0 up."),
        )
        for failed, message in wrong:
            if failed:
                raise RequestError(message)


PROFILES: Mapping[GenerationProfile, Generation] = MappingProxyType(
    {
        "steady": Generation(),
        "inference": Generation(temperature=0.6, top_p=0.8, max_tokens=512),
        "evaluation": Generation(temperature=0.6, top_p=0.8, max_tokens=1024),
    }
)
"""The settings of MU-LLaMA's generate(), of its inference script, and of its published evaluation.
The last also mixed in a nearest-neighbour cache of training features, which is not made here."""
