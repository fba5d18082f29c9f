"""The classes of tempo that the captioner was taught to hear."""

from __future__ import annotations

TEMPI = ("slow", "moderate", "fast")
_MODERATE_BPM, _FAST_BPM = 84.0, 116.0
"""Where the second and the third begin."""


def tempo_class(bpm: float) -> str:
    """Which of TEMPI so many beats a minute are."""
    return TEMPI[(bpm >= _MODERATE_BPM) + (bpm >= _FAST_BPM)]
