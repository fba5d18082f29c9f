"""Figures as the two papers print them, to stand beside ours: made of other data and weights."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CaptionRow:
    """A row of MusiScene's table 2; `bleu` is the mean of orders 1 to 4."""

    name: str
    bleu: float
    meteor: float
    rouge_l: float
    bert: float


@dataclass(frozen=True)
class MusicRow:
    """A row about music made from captions; smaller is better in both figures."""

    name: str
    fad: float
    kl: float


TABLE_2 = (
    CaptionRow("MU-LLaMA", 0.190, 0.207, 0.219, 0.863),
    CaptionRow("MusiScene", 0.421, 0.403, 0.404, 0.901),
)
TABLE_3 = (
    MusicRow("MSI", 5.78, 2.10),
    MusicRow("Video captions", 4.46, 2.13),
    MusicRow("Music captions", 6.43, 2.12),
    MusicRow("Fusion", 6.62, 2.05),
)
"""MusiScene's, with music by MusicGen; FAD by VGGish, KL by PaSST."""
HERRMANN_TABLE_1 = (
    MusicRow("Original tracks", 2.78, 0.00),
    MusicRow("Herrmann-1", 4.85, 0.73),
    MusicRow("CMT", 13.58, 1.93),
)
"""Herrmann-1's; FAD by VGGish against cinematic music, KL by a LEAF classifier."""
