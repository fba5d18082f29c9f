"""How often captions tell what is not there: those of language models beside those of people.

A rated sample is CSV, JSON lines or Parquet, a row a judgement:

    id              of the clip, unlike that of any other row of the same source
    source          whose caption: "llm", "human", or any other name
    hallucinated    1 where something in it is neither heard nor seen, else 0
    caption         the caption, for who reads the file; optional

Intervals are Wilson's. Sources are compared with the first: where both are rated on the same clips,
by McNemar's exact test on the clips where they differ, else by Fisher's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import scipy.stats

from musiscene_core import chart_style as style
from musiscene_core.errors import InputError
from musiscene_training.dataset import tabled
from musiscene_training.evaluate.tables import aligned

_YES, _NO = ("1", "true", "yes"), ("0", "false", "no")
_FEW = 30


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """How often captions of one source tell what is not there.

    Attributes:
        source: whose captions.
        rated: judgements.
        hallucinated: how many say so.
        rate: their share.
        low: end of its 95 % interval.
        high: its other end.
        p: chance of such a difference from the first source were there none; None for the first.
        paired: whether it is told from the same clips.
    """

    source: str
    rated: int
    hallucinated: int
    rate: float
    low: float
    high: float
    p: float | None = None
    paired: bool = False


def read_ratings(path: Path) -> dict[str, dict[str, bool]]:
    """Judgements by source and by clip, in the order of the file.

    Raises:
        InputError: it cannot be read, or a row has no id or no source, is not rated 0 or 1, or is
            of a clip and a source that another row is of.
    """
    found: dict[str, dict[str, bool]] = {}
    for place, row in tabled(path):
        name, source = (str(row.get(key, "")).strip() for key in ("id", "source"))
        said = _judgement(row.get("hallucinated"))
        if not name or not source or said is None:
            raise InputError(
                f"{f'Row {name} of {path}' if name else place} needs an id, a source, and"
                " hallucinated as 0 or 1.",
                hint="Complete it, or take it out.",
            )
        if name in found.setdefault(source, {}):
            raise InputError(
                f"{path} rates the caption of {name} by {source} more than once.",
                hint="Keep one row for each caption.",
            )
        found[source][name] = said
    if not found:
        raise InputError(f"{path} has no rows.", hint="Write one for each caption.")
    return found


def rates(ratings: Mapping[str, Mapping[str, bool]]) -> tuple[Rate, ...]:
    """The rate of each source, from judgements by clip."""
    found: list[Rate] = []
    first = next(iter(ratings.values()), {})
    for source, said in ratings.items():
        count, many = len(said), sum(said.values())
        ends = scipy.stats.binomtest(many, count).proportion_ci(method="wilson")
        paired = said.keys() == first.keys()
        test = _mcnemar if paired else _fisher
        found.append(
            Rate(
                source=source,
                rated=count,
                hallucinated=many,
                rate=many / count,
                low=float(ends.low),
                high=float(ends.high),
                p=test(said, first) if found else None,
                paired=bool(found) and paired,
            )
        )
    return tuple(found)


def _mcnemar(one: Mapping[str, bool], other: Mapping[str, bool]) -> float:
    """Where clips differ, each way is as likely were there no difference."""
    only = sum(said and not other[name] for name, said in one.items())
    apart = sum(said != other[name] for name, said in one.items())
    return float(scipy.stats.binomtest(only, apart).pvalue) if apart else 1.0


def _fisher(one: Mapping[str, bool], other: Mapping[str, bool]) -> float:
    counts = [[sum(said.values()), len(said) - sum(said.values())] for said in (one, other)]
    return float(scipy.stats.fisher_exact(counts)[1])


def table(found: Sequence[Rate]) -> str:
    """The rates as Markdown, with a warning where they are of few."""
    rows = [
        [
            one.source,
            f"{one.hallucinated} of {one.rated}",
            f"{one.rate:.3f}",
            f"{one.low:.3f} to {one.high:.3f}",
            "-" if one.p is None else f"{one.p:.4f}{' (same clips)' * one.paired}",
        ]
        for one in found
    ]
    text = aligned(("captions of", "hallucinated", "rate", "95 %", "p"), rows) + "\n"
    few = [one.source for one in found if one.rated < _FEW]
    if few:
        text += f"\n- SAMPLE SIZE: fewer than {_FEW} judgements of {', '.join(few)}.\n"
    if len(found) == 1:
        text += "\n- There is one source: nothing to compare it with.\n"
    return text


def plot(found: Sequence[Rate]) -> bytes:
    """The rates and their intervals, as PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 4), dpi=100, facecolor=style.BACKGROUND, layout="constrained")
    axis = figure.subplots()
    places = range(len(found))
    values = [one.rate for one in found]
    ends = ([one.rate - one.low for one in found], [one.high - one.rate for one in found])
    ends = tuple([max(0.0, value) for value in side] for side in ends)
    axis.bar(places, values, color=style.ORANGE, yerr=ends, ecolor=style.TEXT, capsize=5)
    axis.set_xticks(list(places), [one.source for one in found])
    axis.set_ylim(0, 1)
    axis.set_title("Captions that tell what is not there", color=style.TEXT, fontsize=11)
    axis.set_facecolor(style.PANEL)
    axis.tick_params(colors=style.TEXT)
    return style.as_png(figure)


def _judgement(value: Any) -> bool | None:
    said = str(value).strip().lower()
    return True if said in _YES else False if said in _NO else None
