"""How large the adapter must be: quality against training time, by the width inside its bridges.

Each captioner is the given one with a new adapter, whose bridges are so wide inside, trained by the
same phase on the same rows with the same seed. The language model, its prefix queries and its gates
stay as they are in `msi`.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from musiscene_core import chart_style as style
from musiscene_core.errors import RequestError
from musiscene_training.evaluate.tables import aligned
from musiscene_training.experiments.drawing import PALETTE, dress, reach
from musiscene_training.experiments.judged import METRICS, Judged, in_figures, signs_table
from musiscene_training.experiments.study import Record

HIDDEN = (256, 512, 1024)
_MOST = 1 << 20


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one width.

    Attributes:
        hidden: width inside the bridges.
        seed: of the new adapter and of the order of rows.
        trained: how many numbers trained.
        steps: of the training.
        seconds: that they took, together.
        loss: of training, over the last tenth of its steps.
        judged: what it says of the held-out rows.
    """

    hidden: int
    seed: int
    trained: int
    steps: int
    seconds: float
    loss: float | None
    judged: Judged


class Capacity(msgspec.Struct, frozen=True, kw_only=True):
    """What came of all of them."""

    record: Record
    sizes: tuple[Size, ...]
    notes: tuple[str, ...] = ()


def widths(text: str) -> tuple[int, ...]:
    """Widths as a user lists them, such as "256,512,1024".

    Raises:
        RequestError: they are none.
    """
    found = [word.strip() for word in text.split(",") if word.strip()]
    if not found or not all(word.isdecimal() and 1 <= int(word) <= _MOST for word in found):
        raise RequestError(
            f"{text!r} lists no widths from 1 to {_MOST}.", hint="For example: 256,512,1024"
        )
    return tuple(dict.fromkeys(map(int, found)))


def table(found: Capacity) -> str:
    """A row a training, and the signs of failure."""
    rows = [
        [
            f"{one.hidden}",
            f"{one.seed}",
            f"{one.trained:,}",
            f"{one.seconds:.1f}",
            "-" if one.loss is None else f"{one.loss:.3f}",
            *(in_figures(one.judged.scores[name]) for name in METRICS),
            f"{one.judged.floors['rouge_l']:.3f}" if one.judged.floors else "-",
        ]
        for one in found.sizes
    ]
    headings = ("hidden", "seed", "trained", "seconds", "loss", *METRICS.values(), "floor R-L")
    parts = [
        "# Adapter capacity",
        aligned(headings, rows),
        "Signs of failure, size by size:\n\n" + signs_table([one.judged for one in found.sizes]),
    ]
    notes = (
        "Scores are means over items with 95 % intervals over sources; BLEU of single items is"
        " coarse. Seconds are those of the steps, on the hardware in experiment.json.",
        *found.notes,
    )
    parts.append("\n".join(f"- {note}" for note in notes))
    return "\n\n".join(parts) + "\n"


def plot(found: Capacity) -> bytes:
    """Quality over training time, and over how many numbers trained, as PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 5.4), dpi=100, facecolor=style.BACKGROUND, layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    for axis, name, label in zip(
        axes, ("seconds", "trained"), ("training, seconds", "numbers trained"), strict=True
    ):
        places = [float(getattr(one, name)) for one in found.sizes]
        for colour, (metric, title) in zip(PALETTE, METRICS.items(), strict=False):
            spreads = [one.judged.scores[metric] for one in found.sizes]
            ends = [reach(one) for one in spreads]
            axis.errorbar(
                places,
                [one.value for one in spreads],
                yerr=([low for low, _ in ends], [high for _, high in ends]),
                fmt="o",
                color=colour,
                capsize=3,
                label=title,
            )
        _name_points(axis, found.sizes, places)
        axis.set_xlabel(label, color=style.TEXT)
        dress(axis)
    axes[1].set_xscale("log")
    axes[0].set_ylabel("score of held-out items, 0 to 1", color=style.TEXT)
    low, high = axes[0].get_ylim()
    axes[0].set_ylim(low, high + 0.2 * (high - low))
    style.legend(axes[0], columns=3)
    figure.suptitle(
        "Quality against training time, by the width inside the adapter's bridges",
        color=style.TEXT,
        fontsize=11,
    )
    return style.as_png(figure)


def _name_points(axis: object, sizes: Sequence[Size], places: Sequence[float]) -> None:
    for one, place in zip(sizes, places, strict=True):
        best = max(spread.value for spread in one.judged.scores.values())
        axis.annotate(  # type: ignore[attr-defined]
            str(one.hidden),
            (place, best),
            textcoords="offset points",
            xytext=(7, 5),
            color=style.TEXT,
            fontsize=9,
        )
