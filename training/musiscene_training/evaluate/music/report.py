"""What an evaluation of music found: tables as Markdown, a row a sound as CSV, and a plot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from musiscene_core import chart_style as style
from musiscene_training.evaluate.music.findings import Mean, MusicReport
from musiscene_training.evaluate.output import as_csv, flat
from musiscene_training.evaluate.tables import (
    STRATEGIES,
    MusicFigures,
    aligned,
    herrmann_table_1,
    table_3,
)

_COLOURS = (style.ORANGE, style.SKY, style.GREEN, style.YELLOW, style.RED, style.PINK)


def table(report: MusicReport) -> str:
    """Every figure, the papers' layouts, and the notes."""
    fads = [
        [
            one.music,
            f"FAD {one.embedding}",
            _cell(one.value),
            _range(one.low, one.high),
            _cell(one.endless),
            f"{one.windows[1]} / {one.windows[0]} x {one.dimensions}",
        ]
        for one in report.fads
    ]
    means = [
        [
            one.music,
            f"{one.what} {one.by}".strip(),
            _cell(one.value),
            _range(one.low, one.high),
            "",
            f"{one.sounds} sounds",
        ]
        for one in report.means
    ]
    headings = ("music", "figure", "value", "95 %", "endless", "of")
    parts = [
        aligned(headings, [*fads, *means]),
        "MusiScene, table 3:\n\n" + table_3(paper_rows(report, "passt")),
        "Herrmann-1, table 1:\n\n" + herrmann_table_1(paper_rows(report, "leaf")),
        "\n".join(
            f"- {note}"
            for note in (
                *report.notes,
                "Rows marked published are as the papers print them: other music, other"
                " references, FAD by VGGish, KL by PaSST (MusiScene) or LEAF (Herrmann-1).",
            )
        ),
    ]
    return "\n\n".join(parts) + "\n"


def paper_rows(report: MusicReport, classifier: str) -> list[MusicFigures]:
    """FAD and KL of each set side by side, as a paper has them that used `classifier`."""
    rows = []
    for name in report.music:
        fad, kl = report.fad(name), report.mean(name, "KL", classifier)
        # Sound held against itself differs by nothing: the row that the paper has as well.
        itself = 0.0 if name not in {one.music for one in report.sounds} else None
        rows.append(
            MusicFigures(
                STRATEGIES.get(name, name),
                fad.value if fad else None,
                kl.value if kl else itself,
            )
        )
    return rows


def items(report: MusicReport) -> bytes:
    """A row a sound."""
    rows = [flat(one) for one in report.sounds]
    headings = list(dict.fromkeys(name for row in rows for name in row if name != "measured"))
    return as_csv(headings, [[row.get(name) for name in headings] for row in rows])


def plot(report: MusicReport) -> bytes:
    """Each figure's panel with a bar a set and its interval, as PNG."""
    from matplotlib.figure import Figure

    panels: dict[str, list[tuple[str, float, float | None, float | None]]] = {}
    for one in report.fads:
        if one.value is not None:
            panels.setdefault(f"FAD {one.embedding}", []).append(
                (one.music, one.value, one.low, one.high)
            )
    for mean in report.means:
        if mean.value is not None:
            panels.setdefault(f"{mean.what} {mean.by}".strip(), []).append(_bar(mean))
    across = min(4, max(1, len(panels)))
    down = -(-len(panels) // across) or 1
    figure = Figure(
        figsize=(3.6 * across, 3.2 * down),
        dpi=100,
        facecolor=style.BACKGROUND,
        layout="constrained",
    )
    axes = figure.subplots(down, across, squeeze=False).ravel()
    places = {name: at for at, name in enumerate(report.music)}
    for axis, (name, bars) in zip(axes, panels.items(), strict=False):
        _panel(axis, name, bars, places)
    for axis in axes[len(panels) :]:
        axis.set_axis_off()
    return style.as_png(figure)


def _panel(
    axis: Any,
    name: str,
    bars: Sequence[tuple[str, float, float | None, float | None]],
    places: dict[str, int],
) -> None:
    for music, value, low, high in bars:
        at = places[music]
        axis.bar(at, value, color=_COLOURS[at % len(_COLOURS)])
        if low is not None and high is not None:
            # An interval that is turned round may lie wholly beside what it is of.
            ends = ([max(0.0, value - low)], [max(0.0, high - value)])
            axis.errorbar(at, value, yerr=ends, color=style.TEXT, capsize=4)
    axis.set_xticks(list(places.values()), list(places), rotation=20, ha="right", fontsize=8)
    if not any(value for _, value, _, _ in bars):
        axis.set_ylim(0, 1)
    axis.set_title(name, color=style.TEXT, fontsize=10)
    axis.set_facecolor(style.PANEL)
    axis.tick_params(colors=style.TEXT)
    for spine in axis.spines.values():
        spine.set_color(style.EDGE)


def _bar(mean: Mean) -> tuple[str, float, float | None, float | None]:
    return mean.music, mean.value or 0.0, mean.low, mean.high


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _range(low: float | None, high: float | None) -> str:
    return "-" if low is None or high is None else f"{low:.3f} to {high:.3f}"
