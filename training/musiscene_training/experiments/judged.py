"""Runs beside each other: scores with their intervals, floors, and signs of failure.

Rows of one source sound alike and are no independent judgements, so intervals come from drawing
sources, not rows, again and again (the cluster bootstrap; percentiles, 95 %).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from musiscene_training.dataset import Row
from musiscene_training.evaluate import metrics
from musiscene_training.evaluate.captions import Captions, Item, looks_english
from musiscene_training.evaluate.signatures import Check, checks
from musiscene_training.evaluate.tables import aligned
from musiscene_training.experiments.study import Run

METRICS: Mapping[str, str] = {"bleu": "BLEU", "meteor": "METEOR", "rouge_l": "ROUGE-L"}
"""Of single items, in profile standard, and what they are called."""
LEAST_SOURCES = 5
"""Of fewer sources there are no intervals."""

Floats = npt.NDArray[np.float64]


class Spread(msgspec.Struct, frozen=True):
    """A mean and its 95 % interval, which is None where sources are too few."""

    value: float
    low: float | None = None
    high: float | None = None


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """A run's captions, or those of some of its rows, as judged.

    Attributes:
        name: of the run.
        part: which rows.
        items: how many.
        sources: that they come from.
        scores: means over items by metric, with their intervals.
        floors: what the same captions score against the references of other items.
        checks: signs of failure.
    """

    name: str
    part: str
    items: int
    sources: int
    scores: dict[str, Spread]
    floors: dict[str, float]
    checks: tuple[Check, ...]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is warned of, a sentence each."""
        return tuple(f"{one.name} {one.value:.2f}: {one.says}" for one in self.checks if one.warns)


class Scored(msgspec.Struct, frozen=True, kw_only=True):
    """A row's scores by a run."""

    run: str
    part: str
    id: str
    source: str
    genre: str
    text: str
    reference: str
    bleu: float
    meteor: float
    rouge_l: float


def captions_of(rows: Sequence[Row], texts: Mapping[str, str]) -> Captions:
    """What was said of those rows that were heard, as evaluations take it."""
    items = tuple(Item(row.id, texts[row.id], (row.answer,)) for row in rows if row.id in texts)
    return Captions(
        items,
        tuple(row.id for row in rows if row.id not in texts),
        tuple(item.id for item in items if not looks_english(item.text)),
        tuple(item.id for item in items if not item.text.strip()),
        hashlib.sha256(msgspec.json.encode(items)).hexdigest(),
    )


def judged(
    run: Run,
    rows: Sequence[Row],
    training: Sequence[str],
    *,
    part: str = "",
    draws: int = 2000,
    seed: int = 0,
) -> tuple[Judged, tuple[Scored, ...]]:
    """Score what a run said of these rows.

    Args:
        run: whose answers.
        rows: of which at least one was answered.
        training: texts that it may have copied.
        part: what to call the rows.
        draws: behind each interval.
        seed: of them.
    """
    heard = [row for row in rows if row.id in run.answers]
    texts = [run.answers[row.id] for row in heard]
    wanted = [(row.answer,) for row in heard]
    singles = metrics.score_items(texts, wanted, "standard")
    floors: dict[str, float] = {}
    if len(heard) > 1:
        floors = _floors(texts, wanted)
    sources = [source_of(row) for row in heard]
    scores = {
        name: spread([getattr(one, name) for one in singles], sources, draws, seed)
        for name in METRICS
    }
    moving = (run.moving,) if run.moving is not None else ()
    found = Judged(
        name=run.name,
        part=part,
        items=len(heard),
        sources=len(set(sources)),
        scores=scores,
        floors=floors,
        checks=(*checks(texts, wanted, training), *moving),
    )
    scored = tuple(
        Scored(
            run=run.name,
            part=part,
            id=row.id,
            source=source,
            genre=row.genre,
            text=text,
            reference=row.answer,
            bleu=one.bleu,
            meteor=one.meteor,
            rouge_l=one.rouge_l,
        )
        for row, source, text, one in zip(heard, sources, texts, singles, strict=True)
    )
    return found, scored


def source_of(row: Row) -> str:
    """What a row was made from."""
    return row.source or row.sound or row.features or row.id


def spread(values: Sequence[float], sources: Sequence[str], draws: int, seed: int) -> Spread:
    """The mean of values and its interval."""
    mean = float(np.mean(values))
    drawn = resampled(values, sources, draws, seed)
    return Spread(mean, *_ends(drawn)) if drawn is not None else Spread(mean)


def gap(
    one: tuple[Sequence[float], Sequence[str]],
    other: tuple[Sequence[float], Sequence[str]],
    draws: int,
    seed: int,
) -> Spread:
    """How much larger the mean of `one` is, values and their sources each, with its interval."""
    value = float(np.mean(one[0]) - np.mean(other[0]))
    first, second = resampled(*one, draws, seed), resampled(*other, draws, seed + 1)
    if first is None or second is None:
        return Spread(value)
    return Spread(value, *_ends(first - second))


def resampled(
    values: Sequence[float], sources: Sequence[str], draws: int, seed: int
) -> Floats | None:
    """Means [draws] of as many sources drawn with replacement; None where they are too few."""
    names, places = np.unique(np.asarray(sources), return_inverse=True)
    if len(names) < LEAST_SOURCES or draws < 1:
        return None
    sums = np.bincount(places, weights=np.asarray(values, np.float64), minlength=len(names))
    counts = np.bincount(places, minlength=len(names))
    chosen = np.random.default_rng(seed).integers(len(names), size=(draws, len(names)))
    found: Floats = sums[chosen].sum(axis=1) / counts[chosen].sum(axis=1)
    return found


def signs_table(found: Sequence[Judged]) -> str:
    """Signs of failure of each run, as Markdown."""
    rows = [
        [
            f"{one.name} {one.part}".strip(),
            check.name,
            f"{check.value:.3f}",
            "" if check.limit is None else f"{check.limit:.3f}",
            f"WARNING: {check.says}" if check.warns else "",
        ]
        for one in found
        for check in one.checks
    ]
    return aligned(("captions", "sign", "value", "limit", ""), rows)


def in_figures(one: Spread) -> str:
    """A mean and its interval in words."""
    if one.low is None or one.high is None:
        return f"{one.value:.3f}"
    return f"{one.value:.3f} ({one.low:.3f} to {one.high:.3f})"


def _floors(texts: Sequence[str], wanted: Sequence[tuple[str]]) -> dict[str, float]:
    singles = [
        single
        for order in metrics.shuffles(len(texts))
        for single in metrics.score_items(texts, [wanted[place] for place in order], "standard")
    ]
    return {name: float(np.mean([getattr(one, name) for one in singles])) for name in METRICS}


def _ends(drawn: Floats) -> tuple[float, float]:
    low, high = np.percentile(drawn, [2.5, 97.5])
    return float(low), float(high)
