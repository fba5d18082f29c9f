"""Tables in the layout of the two papers, our rows above theirs, which are marked as published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from musiscene_training.evaluate.published import HERRMANN_TABLE_1, TABLE_2, TABLE_3

PUBLISHED = "published"
OURS = "here"
STRATEGIES: Mapping[str, str] = {
    "scene_imagination": "MSI",
    "msi": "MSI",
    "video": "Video captions",
    "music": "Music captions",
    "fusion": "Fusion",
    "music_conditions": "Herrmann-1 conditions",
    "herrmann": "Herrmann-1 conditions",
    "tags": "Tags (LP-MusicCaps style)",
}
"""What the paper's table 3 calls each caption strategy, and ours beside them."""


class MusicFigures(msgspec.Struct, frozen=True):
    """A row about music; None where nothing was counted.

    Attributes:
        name: of the method or caption strategy.
        fad: Fréchet audio distance.
        kl: Kullback-Leibler divergence.
    """

    name: str
    fad: float | None
    kl: float | None


class CaptionFigures(msgspec.Struct, frozen=True):
    """A row about captions, each figure 0 to 1; None where nothing was counted."""

    name: str
    bleu: float
    meteor: float
    rouge_l: float
    bert: float | None = None


def table_2(ours: Sequence[CaptionFigures]) -> str:
    """MusiScene's table 2: captioners against references."""
    rows = [
        [one.name, _cell(one.bleu), _cell(one.meteor), _cell(one.rouge_l), _cell(one.bert), OURS]
        for one in ours
    ]
    rows += [
        [
            row.name,
            *(f"{value:.3f}" for value in (row.bleu, row.meteor, row.rouge_l, row.bert)),
            PUBLISHED,
        ]
        for row in TABLE_2
    ]
    return aligned(("Model", "B-U ↑", "M-R ↑", "R-L ↑", "B-S ↑", ""), rows)


def table_3(ours: Sequence[MusicFigures]) -> str:
    """MusiScene's table 3: music made from each kind of caption."""
    rows = [[one.name, _cell(one.fad, 2), _cell(one.kl, 2), OURS] for one in ours]
    rows += [[row.name, f"{row.fad:.2f}", f"{row.kl:.2f}", PUBLISHED] for row in TABLE_3]
    return aligned(("Text Input", "FAD ↓", "KL Div. ↓", ""), rows)


def herrmann_table_1(ours: Sequence[MusicFigures]) -> str:
    """Herrmann-1's table 1: a pipeline's music beside original tracks and another's."""
    rows = [[one.name, _cell(one.kl, 2), _cell(one.fad, 2), OURS] for one in ours]
    rows += [[row.name, f"{row.kl:.2f}", f"{row.fad:.2f}", PUBLISHED] for row in HERRMANN_TABLE_1]
    return aligned(("Method", "KLD Score ↓", "FAD Score ↓", ""), rows)


def aligned(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table whose columns are as wide as what is in them."""
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    lines = [headings, ["-" * width for width in widths], *rows]
    return "\n".join(
        "| "
        + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        + " |"
        for line in lines
    )


def _cell(value: float | None, digits: int = 3) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
