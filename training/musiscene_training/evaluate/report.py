"""What an evaluation of captions found: its figures as one value, a table and a plot."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from musiscene_core import chart_style as style
from musiscene_training.evaluate.metrics import Profile, Scores
from musiscene_training.evaluate.published import TABLE_2
from musiscene_training.evaluate.signatures import Check
from musiscene_training.evaluate.tables import PUBLISHED, CaptionFigures, aligned, table_2

HEADINGS = (
    "captions",
    "profile",
    "BLEU",
    "B-1",
    "B-2",
    "B-3",
    "B-4",
    "METEOR",
    "ROUGE-L",
    "BERTScore",
)
_BINS = 20
_PALE = "#5A5A62"


class Figures(msgspec.Struct, frozen=True):
    """A row of the table; None where nothing was measured.

    Attributes:
        name: whose captions.
        profile: of the metrics, or PUBLISHED.
        bleu: mean of orders 1 to 4.
        bleu_by_order: each of them, cumulative; empty where only the mean is known.
        meteor: mean over items.
        rouge_l: mean over items.
        bert: BERTScore's F1, in `legacy` its recall, mean over items.
    """

    name: str
    profile: Profile | str
    bleu: float
    bleu_by_order: tuple[float, ...]
    meteor: float
    rouge_l: float
    bert: float | None = None


class ItemFigures(msgspec.Struct, frozen=True):
    """One caption; figures of `standard` unless named otherwise."""

    id: str
    text: str
    reference: str
    bleu: float
    meteor: float
    rouge_l: float
    legacy_bleu: float
    legacy_rouge_l: float
    bert: float | None
    scene: bool
    upbeat: bool
    copied: bool


class Report(msgspec.Struct, frozen=True):
    """What an evaluation found.

    Attributes:
        items: how many captions were scored.
        digest: SHA-256 over captions and references, in hex.
        figures: rows of the table: ours, their floor, and published ones.
        checks: signs of failure.
        notes: what a reader has to know about the figures, a sentence each.
        synonyms: whether METEOR knew synonyms.
        made_with: versions of what counted, by package.
    """

    items: int
    digest: str
    figures: tuple[Figures, ...]
    checks: tuple[Check, ...]
    notes: tuple[str, ...]
    synonyms: bool
    made_with: dict[str, str]


def figures_of(name: str, profile: Profile, scores: Scores, bert: float | None = None) -> Figures:
    """A row of what was measured here."""
    return Figures(
        name, profile, scores.bleu_mean, scores.bleu, scores.meteor, scores.rouge_l, bert
    )


def published() -> tuple[Figures, ...]:
    """The rows of MusiScene's table 2."""
    return tuple(
        Figures(f"{row.name} (table 2)", PUBLISHED, row.bleu, (), row.meteor, row.rouge_l, row.bert)
        for row in TABLE_2
    )


def table(report: Report) -> str:
    """The figures, signs and notes as Markdown that can be read as it is."""
    rows = [[row.name, row.profile, *map(_figure, _values(row))] for row in report.figures]
    signs = [
        [
            check.name,
            f"{check.value:.3f}",
            "" if check.limit is None else f"{check.limit:.3f}",
            f"WARNING: {check.says}" if check.warns else "",
        ]
        for check in report.checks
    ]
    parts = [
        aligned(HEADINGS, rows),
        _layout(report),
        aligned(("sign", "value", "limit", ""), signs),
    ]
    parts.extend(f"- {note}" for note in report.notes)
    return "\n\n".join(parts[:3]) + "\n\n" + "\n".join(parts[3:]) + "\n"


def _layout(report: Report) -> str:
    """The standard figures of the captioner and its baselines as MusiScene's table 2."""
    ours = [
        CaptionFigures(row.name, row.bleu, row.meteor, row.rouge_l, row.bert)
        for row in report.figures
        if row.profile == "standard"
    ]
    return "MusiScene, table 2 (ours in profile standard):\n\n" + table_2(ours)


def plot(report: Report, items: Sequence[ItemFigures]) -> bytes:
    """Ours beside floor and published rows, and how the items' scores lie, as PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(14, 5.4), dpi=100, facecolor=style.BACKGROUND, layout="constrained")
    bars, spread = figure.subplots(1, 2, width_ratios=(3, 2))
    names = ("BLEU", "METEOR", "ROUGE-L", "BERTScore")
    colours = (style.ORANGE, style.DIM, style.YELLOW, _PALE, style.SKY, style.GREEN)
    width = 0.8 / len(report.figures)
    for rank, (row, colour) in enumerate(zip(report.figures, colours, strict=False)):
        values = (row.bleu, row.meteor, row.rouge_l, row.bert or 0.0)
        places = [at + (rank - (len(report.figures) - 1) / 2) * width for at in range(len(names))]
        bars.bar(places, values, width * 0.9, color=colour, label=f"{row.name}, {row.profile}")
    bars.set_xticks(range(len(names)), names)
    bars.set_ylim(0, 1.24)
    bars.set_yticks([0, 0.2, 0.4, 0.6, 0.8, 1.0])
    bars.set_title("Captions and their references", color=style.TEXT, fontsize=11)
    style.legend(bars, columns=3)
    spread.hist(
        [[getattr(item, name) for item in items] for name in ("bleu", "meteor", "rouge_l")],
        bins=_BINS,
        range=(0, 1),
        color=[style.ORANGE, style.SKY, style.GREEN],
        label=["BLEU", "METEOR", "ROUGE-L"],
    )
    spread.set_title(f"Scores of {len(items)} items, standard", color=style.TEXT, fontsize=11)
    spread.set_ylabel("items", color=style.TEXT)
    style.legend(spread, columns=1)
    for axis in (bars, spread):
        axis.set_facecolor(style.PANEL)
        axis.tick_params(colors=style.TEXT)
        for spine in axis.spines.values():
            spine.set_color(style.EDGE)
    return style.as_png(figure)


def _values(row: Figures) -> tuple[float | None, ...]:
    orders = row.bleu_by_order or (None,) * 4
    return (row.bleu, *orders, row.meteor, row.rouge_l, row.bert)


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
