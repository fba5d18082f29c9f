"""How our charts look: dark, with curves that every kind of colour vision tells apart.

Knows nothing of what a chart shows.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any

BACKGROUND, PANEL, EDGE, TEXT, DIM = "#28282E", "#17181A", "#3A3A40", "#D2D2D2", "#8A8A90"
# Okabe and Ito's colours.
ORANGE, SKY, GREEN, YELLOW, RED, PINK = (
    "#E69F00",
    "#56B4E9",
    "#009E73",
    "#F0E442",
    "#D55E00",
    "#CC79A7",
)


def dress(axis: Any, title: str, length_s: float) -> None:
    """Give a panel its name, its colours and the cue's length in seconds across."""
    axis.set_facecolor(PANEL)
    axis.set_xlim(0, length_s)
    axis.set_ylabel(title, color=TEXT, fontsize=10)
    axis.tick_params(colors=DIM, labelsize=8, labelbottom=False)
    for spine in axis.spines.values():
        spine.set_color(EDGE)


def legend(axis: Any, columns: int = 6, *, above: bool = False) -> None:
    """Name a panel's curves at its upper right, beside each other; within it, or `above`."""
    where: dict[str, Any] = {"loc": "upper right"}
    if above:
        where = {"loc": "lower right", "bbox_to_anchor": (1.0, 1.0), "borderaxespad": 0.1}
    axis.legend(
        **where,
        fontsize=8,
        ncols=columns,
        facecolor=BACKGROUND,
        edgecolor="none",
        labelcolor=TEXT,
        framealpha=0.8,
    )


def as_png(figure: Any) -> bytes:
    """A matplotlib Figure as PNG; the same figure gives the same bytes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    FigureCanvasAgg(figure)
    picture = BytesIO()
    figure.savefig(picture, format="png", facecolor=BACKGROUND)
    return picture.getvalue()
