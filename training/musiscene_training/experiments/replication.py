"""Tables 2 and 3 of the MusiScene paper, made again.

Table 2: the captioner as it was given (MU-LLaMA), the same after the phase `msi` (MusiScene),
captions by rule from tags (LP-MusicCaps style), and the floor of shuffled references, on rows that
nothing was trained on. Table 3: music made from each kind of caption, against the clips' own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from musiscene_core import chart_style as style
from musiscene_training.evaluate.music.findings import MusicReport
from musiscene_training.evaluate.music.report import table as music_table
from musiscene_training.evaluate.report import Figures, Report
from musiscene_training.evaluate.report import table as captions_table
from musiscene_training.evaluate.tables import PUBLISHED
from musiscene_training.experiments.drawing import bars
from musiscene_training.experiments.judged import Judged, signs_table
from musiscene_training.experiments.study import Record

GIVEN, TRAINED = "MU-LLaMA", "MusiScene"
_FIGURES: Mapping[str, str] = {
    "bleu": "BLEU",
    "meteor": "METEOR",
    "rouge_l": "ROUGE-L",
    "bert": "BERTScore",
}


class Replication(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it.

    Attributes:
        record: of the experiment.
        captions: figures of table 2 and around it; its own checks are MusiScene's.
        judged: both captioners by items, with signs of failure.
        trained: how many numbers trained.
        steps: of the training.
        seconds: that they took.
        music: figures of table 3; None where no music was made.
        notes: what a reader has to know, a sentence each.
    """

    record: Record
    captions: Report
    judged: tuple[Judged, ...]
    trained: int
    steps: int
    seconds: float
    music: MusicReport | None = None
    notes: tuple[str, ...] = ()


def table(found: Replication) -> str:
    """Everything as Markdown."""
    rows = found.record.settings["rows"]
    parts = [
        "# Replication of MusiScene",
        f"{found.captions.items} held-out items, {rows['train']} rows trained on, "
        f"{found.trained:,} numbers trained for {found.steps} steps in {found.seconds:.0f} s.",
        captions_table(found.captions).rstrip(),
        "Signs of failure, captioner by captioner:\n\n" + signs_table(found.judged),
    ]
    if found.music is not None:
        parts.append(
            "Music made from each kind of caption:\n\n" + music_table(found.music).rstrip()
        )
    if found.notes:
        parts.append("\n".join(f"- {note}" for note in found.notes))
    return "\n\n".join(parts) + "\n"


def plot(found: Replication) -> bytes:
    """Table 2 as bars, profile by profile, the published rows beside the profile they are of."""
    panels: dict[str, dict[str, Sequence[float | None]]] = {}
    for profile, title in (("standard", "standard"), ("legacy", "legacy, and as published")):
        rows = [row for row in found.captions.figures if row.profile == profile]
        if profile == "legacy":
            rows += [row for row in found.captions.figures if row.profile == PUBLISHED]
        panels[f"Profile {title}"] = {_named(row): _values(row) for row in rows}
    return bars(tuple(_FIGURES.values()), panels, _colours(found.captions.figures))


def _named(row: Figures) -> str:
    return f"{row.name}, published" if row.profile == PUBLISHED else row.name


def _values(row: Figures) -> tuple[Any, ...]:
    return tuple(getattr(row, name) for name in _FIGURES)


def _colours(rows: Sequence[Figures]) -> dict[str, str]:
    palette = (style.ORANGE, style.DIM, style.SKY, style.GREEN, style.YELLOW, style.PINK)
    names = list(dict.fromkeys(_named(row) for row in rows))
    return dict(zip(names, palette, strict=False))
