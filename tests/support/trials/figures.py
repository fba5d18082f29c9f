"""What a trial found, beside what it should have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

Say = Callable[[str], None]
"""Hears how far a trial is."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One line of the table.

    Attributes:
        test: what was tried, and how often.
        figure: what came of it.
        target: what should.
        ok: whether it did; None where it could not be tried here.
        timed: whether it is about time, which a busy machine spoils.
    """

    test: str
    figure: str
    target: str
    ok: bool | None
    timed: bool = False

    @property
    def verdict(self) -> str:
        return {True: "met", False: "MISSED", None: "not tried"}[self.ok]


def skipped(test: str, reason: str) -> list[Figure]:
    return [Figure(test=test, figure=reason, target="", ok=None)]


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of `values` do not exceed; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def spread(seconds: Sequence[float]) -> str:
    """p50, p99 and the largest, in milliseconds."""
    p50, p99, largest = (1000 * percentile(seconds, share) for share in (0.5, 0.99, 1.0))
    return f"p50 {p50:.1f} ms, p99 {p99:.1f} ms, max {largest:.0f} ms"


def table(figures: Iterable[Figure]) -> str:
    """All figures as a Markdown table, aligned for a terminal too."""
    head = ("test", "figure", "target", "")
    rows = [head, *((row.test, row.figure, row.target, row.verdict) for row in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)
