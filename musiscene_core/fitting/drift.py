"""Drift: how far a stretch of music lies from another, and how far it may."""

from __future__ import annotations

import msgspec

MOST_TEMPO_PERCENT = 4.0
"""What stretching can bring back; steady music is heard to a fifth of a percent."""
MOST_FIFTHS = 2
"""Steps on the circle of fifths; a relative key is none away."""
MOST_CHROMA = 0.35
MOST_LEVEL_LU = 9.0
MOST_COLOUR_DB = 5.0
"""At the mean of all bands; what is matched later is even less."""


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """How far a stretch lies from another.

    Attributes:
        tempo_percent: how much faster it is, octaves aside; None where that is not sure.
        fifths: steps between the keys on the circle of fifths; None where one is not sure.
        chroma: cosine distance of the mean pitch classes, 0 to 1.
        level_lu: how much louder it is than it is meant to be.
        colour_db: how far its bands lie apart, at the mean, level aside.
    """

    tempo_percent: float | None
    fifths: int | None
    chroma: float
    level_lu: float
    colour_db: float = 0.0

    @property
    def too_far(self) -> tuple[str, ...]:
        """In words, what is beyond its threshold; empty where all is well."""
        found = []
        if self.tempo_percent is not None and abs(self.tempo_percent) > MOST_TEMPO_PERCENT:
            found.append(f"the tempo by {self.tempo_percent:+.1f} %")
        if self.fifths is not None and self.fifths > MOST_FIFTHS:
            found.append(f"the key by {self.fifths} fifths")
        if self.chroma > MOST_CHROMA:
            found.append(f"the harmony by {self.chroma:.2f}")
        if abs(self.level_lu) > MOST_LEVEL_LU:
            found.append(f"the level by {self.level_lu:+.1f} LU")
        if self.colour_db > MOST_COLOUR_DB:
            found.append(f"the colour by {self.colour_db:.1f} dB")
        return tuple(found)

    @property
    def badness(self) -> float:
        """0 for none; 1 for each threshold reached."""
        return (
            abs(self.tempo_percent or 0.0) / MOST_TEMPO_PERCENT
            + (self.fifths or 0) / (MOST_FIFTHS + 1)
            + self.chroma / MOST_CHROMA
            + abs(self.level_lu) / MOST_LEVEL_LU
            + self.colour_db / MOST_COLOUR_DB
        )
