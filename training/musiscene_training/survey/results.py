"""What came of a survey: every rating as CSV, figures by system as a table, and a plot.

A listener counts for a question with the scenes in which she answered it for every system, so that
each comparison is of the same listeners and scenes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from musiscene_core import chart_style as style
from musiscene_training.evaluate.output import as_csv
from musiscene_training.evaluate.tables import aligned
from musiscene_training.survey.plan import Survey
from musiscene_training.survey.questions import Question
from musiscene_training.survey.statistics import (
    Anova,
    Pair,
    Summary,
    Table,
    anova,
    pairs,
    summaries,
)
from musiscene_training.survey.store import Listener, Rated

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Outcome(msgspec.Struct, frozen=True):
    """One question's figures.

    Attributes:
        question: which.
        listeners: how many count.
        ratings: how many of theirs.
        left_out: ratings of scenes not rated for every system.
        means: each listener's mean for each system [n, k].
        systems: figures in the survey's order.
        anova: None where there is too little to tell.
        pairs: every two systems compared.
    """

    question: Question
    listeners: int
    ratings: int
    left_out: int
    means: tuple[tuple[float, ...], ...]
    systems: tuple[Summary, ...]
    anova: Anova | None
    pairs: tuple[Pair, ...]


def outcomes(survey: Survey, rated: Sequence[Rated]) -> list[Outcome]:
    """The figures of every question that somebody answered for all systems of a scene."""
    found = []
    for question in survey.questions:
        answers = [answer for answer in rated if answer.question == question.key]
        table, used = _table(survey, answers)
        if not len(table):
            continue
        found.append(
            Outcome(
                question,
                len(table),
                used,
                len(answers) - used,
                tuple(map(tuple, table.tolist())),
                tuple(summaries(table)),
                anova(table),
                tuple(pairs(table)),
            )
        )
    return found


def _table(survey: Survey, answers: Sequence[Rated]) -> tuple[Table, int]:
    """Means over complete scenes [n, k], and how many ratings they are of."""
    by_scene: dict[tuple[int, str], dict[str, int]] = defaultdict(dict)
    for answer in answers:
        by_scene[answer.listener, answer.scene][answer.system] = answer.value
    by_listener: dict[int, list[list[int]]] = defaultdict(list)
    for (listener, _scene), values in by_scene.items():
        if len(values) == len(survey.systems):
            by_listener[listener].append([values[system] for system in survey.systems])
    rows = [np.mean(scenes, axis=0) for scenes in by_listener.values()]
    used = sum(len(scenes) for scenes in by_listener.values()) * len(survey.systems)
    return np.array(rows, dtype=np.float64).reshape(-1, len(survey.systems)), used


def ratings_csv(rated: Sequence[Rated]) -> bytes:
    """Every rating, a row each."""
    rows = [
        [
            f"{value:.1f}" if name == "heard_s" else int(value) if name == "finished" else value
            for name, value in msgspec.structs.asdict(answer).items()
        ]
        for answer in rated
    ]
    return as_csv(Rated.__struct_fields__, rows)


def systems_csv(survey: Survey, found: Sequence[Outcome]) -> bytes:
    """Figures, a row for a question and a system; empty where one listener gives none."""
    rows = [
        [
            outcome.question.key,
            system,
            int(system == survey.reference),
            outcome.listeners,
            *_values(figures),
        ]
        for outcome in found
        for system, figures in zip(survey.systems, outcome.systems, strict=True)
    ]
    headings = ("question", "system", "reference", "listeners", *Summary.__struct_fields__)
    return as_csv(headings, rows)


def _values(figures: Summary) -> tuple[float | None, ...]:
    return (figures.mean, figures.sd, figures.ci, figures.within_ci)


def report(survey: Survey, listeners: Sequence[Listener], found: Sequence[Outcome]) -> str:
    """The figures as Markdown that can be read as it is."""
    finished = sum(bool(listener.finished) for listener in listeners)
    lines = [
        f"# {survey.title}",
        "",
        f"{len(listeners)} began, {finished} finished. {len(survey.scenes)} scenes, "
        f"{len(survey.systems)} systems, all at {survey.loudness_lufs:.1f} LUFS, seed "
        f"{survey.seed}.",
    ]
    for outcome in found:
        lines += ["", *_section(survey, outcome)]
    remarks = [(one.number, one.remark) for one in listeners if one.remark]
    if remarks:
        lines += ["", "## Remarks", ""]
        lines += [f"- {number}: {' '.join(text.split())}" for number, text in remarks]
    return "\n".join(lines) + "\n"


def _section(survey: Survey, outcome: Outcome) -> list[str]:
    question = outcome.question
    rows_by_mean = []
    best_first = sorted(range(len(survey.systems)), key=lambda at: -outcome.systems[at].mean)
    for at in best_first:
        figures = outcome.systems[at]
        name = survey.systems[at]
        name += " (hidden reference)" if name == survey.reference else ""
        rows_by_mean.append([name, *map(_figure, _values(figures))])
    lines = [
        f"## {question.key}: {question.text} ({question.lowest} to {question.highest})",
        "",
        f"{_counted(outcome.listeners, 'listener')}, {_counted(outcome.ratings, 'rating')}"
        + (
            f"; {_counted(outcome.left_out, 'rating')} of scenes not rated for every system "
            "left out"
            if outcome.left_out
            else ""
        )
        + ".",
        "",
        aligned(("system", "mean", "SD", "95 % CI ±", "within-subject ±"), rows_by_mean),
        "",
        _verdict(outcome),
    ]
    if outcome.pairs:
        rows = [
            [
                f"{survey.systems[pair.first]} - {survey.systems[pair.second]}",
                f"{pair.difference:+.2f}",
                f"{pair.ci:.2f}",
                _p(pair.p),
            ]
            for pair in outcome.pairs
        ]
        lines += ["", aligned(("difference", "mean", "95 % CI ±", "p (Holm)"), rows)]
    return lines


def _verdict(outcome: Outcome) -> str:
    tested = outcome.anova
    if tested is None:
        if outcome.listeners < 2:
            return "One listener: no interval and no test. At least two are needed."
        return "No analysis of variance: all listeners rated the differences exactly alike."
    return (
        f"Within-subject ANOVA: F({tested.df_systems}, {tested.df_error}) = {tested.f:.3f}, "
        f"p {_p(tested.p, equal=True)}; Greenhouse-Geisser epsilon {tested.epsilon:.3f}, "
        f"p {_p(tested.p_corrected, equal=True)}; partial eta squared {tested.eta_squared:.3f}."
    )


def _p(p: float, *, equal: bool = False) -> str:
    if p < 0.001:
        return "< 0.001"
    return f"= {p:.3f}" if equal else f"{p:.3f}"


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def plot(survey: Survey, found: Sequence[Outcome]) -> bytes:
    """Each system's mean with its within-subject interval, and each listener's, as PNG."""
    from matplotlib.figure import Figure

    wide = max(5.0, 1.6 * len(survey.systems)) * len(found)
    figure = Figure(figsize=(wide, 5), dpi=110, facecolor=style.BACKGROUND, layout="constrained")
    axes = figure.subplots(1, len(found), squeeze=False)[0]
    for axis, outcome in zip(axes, found, strict=True):
        _draw(axis, survey, outcome)
    return style.as_png(figure)


def _draw(axis: Axes, survey: Survey, outcome: Outcome) -> None:
    means = np.array(outcome.means)
    # Spread by rank, so that the same figures give the same picture.
    aside = np.linspace(-0.18, 0.18, len(means)) if len(means) > 1 else np.zeros(1)
    for at, (system, figures) in enumerate(zip(survey.systems, outcome.systems, strict=True)):
        colour = style.SKY if system == survey.reference else style.ORANGE
        axis.scatter(at + aside, np.sort(means[:, at]), s=14, color=colour, alpha=0.35, lw=0)
        axis.errorbar(
            at, figures.mean, figures.within_ci or 0, color=colour, fmt="o", ms=9, capsize=7, lw=2
        )
        axis.annotate(
            f"{figures.mean:.1f}",
            (at, figures.mean),
            xytext=(14, 0),
            textcoords="offset points",
            color=style.TEXT,
            va="center",
            bbox={"facecolor": style.PANEL, "edgecolor": "none", "pad": 1.5, "alpha": 0.8},
        )
    names = [
        f"{system}\n(reference)" if system == survey.reference else system
        for system in survey.systems
    ]
    axis.set_xticks(range(len(names)), names)
    axis.set_xlim(-0.5, len(names) - 0.5)
    question = outcome.question
    margin = 0.04 * (question.highest - question.lowest)
    axis.set_ylim(question.lowest - margin, question.highest + margin)
    axis.set_title(
        f"{question.key}, {_counted(outcome.listeners, 'listener')}", color=style.TEXT, fontsize=11
    )
    axis.set_facecolor(style.PANEL)
    axis.grid(axis="y", color=style.EDGE, lw=0.6)
    axis.set_axisbelow(True)
    axis.tick_params(colors=style.TEXT)
    for spine in axis.spines.values():
        spine.set_color(style.EDGE)
