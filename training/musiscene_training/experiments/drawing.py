"""Charts of experiments: bars side by side, and quality against time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from musiscene_core import chart_style as style
from musiscene_training.experiments.judged import Spread

PALETTE = (style.ORANGE, style.SKY, style.GREEN, style.YELLOW, style.RED, style.PINK)
Value = float | Spread | None


def bars(
    groups: Sequence[str],
    panels: Mapping[str, Mapping[str, Sequence[Value]]],
    colours: Mapping[str, str],
) -> bytes:
    """A panel each with a group of bars for each of `groups`, as PNG.

    Args:
        groups: along the bottom.
        panels: by title, the values of each kind of bar, one a group; None draws nothing.
        colours: by the bars' names.
    """
    from matplotlib.figure import Figure

    figure = Figure(
        figsize=(7.2 * len(panels), 5.4),
        dpi=100,
        facecolor=style.BACKGROUND,
        layout="constrained",
    )
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for axis, (title, rows) in zip(axes, panels.items(), strict=True):
        width = 0.84 / max(1, len(rows))
        for rank, (name, values) in enumerate(rows.items()):
            places = [at + (rank - (len(rows) - 1) / 2) * width for at in range(len(groups))]
            there = [(at, one) for at, one in zip(places, values, strict=True) if one is not None]
            axis.bar(
                [at for at, _ in there],
                [_value(one) for _, one in there],
                width * 0.92,
                yerr=_errors([one for _, one in there]),
                color=colours.get(name, style.DIM),
                ecolor=style.TEXT,
                capsize=3,
                label=name,
            )
        axis.set_xticks(range(len(groups)), groups)
        axis.set_xlim(-0.5, len(groups) - 0.5)
        low, high = axis.get_ylim()
        # Room for the names above the tallest bar.
        axis.set_ylim(low, high + (high - low) * 0.14 * -(-len(rows) // 2))
        axis.set_title(title, color=style.TEXT, fontsize=11)
        style.legend(axis, columns=2)
        dress(axis)
    return style.as_png(figure)


def dress(axis: Any) -> None:
    """Give a panel its colours."""
    axis.set_facecolor(style.PANEL)
    axis.tick_params(colors=style.TEXT)
    axis.axhline(0, color=style.EDGE, linewidth=0.8)
    for spine in axis.spines.values():
        spine.set_color(style.EDGE)


def _value(one: float | Spread) -> float:
    return one.value if isinstance(one, Spread) else one


def _errors(given: Sequence[float | Spread]) -> tuple[list[float], list[float]] | None:
    found = [reach(one) for one in given]
    if not any(low or high for low, high in found):
        return None
    return [low for low, _ in found], [high for _, high in found]


def reach(one: float | Spread) -> tuple[float, float]:
    """How far an interval goes down and up; 0 where there is none."""
    if not isinstance(one, Spread) or one.low is None or one.high is None:
        return 0.0, 0.0
    return max(0.0, one.value - one.low), max(0.0, one.high - one.value)
