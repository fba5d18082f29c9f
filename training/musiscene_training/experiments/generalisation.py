"""How well a captioner does with genres that it was never trained on.

Rows of the genres left out go to no training, nor do those of a source that has any of them. What
is trained on the others answers held-out rows of both kinds; so does the captioner as it was given,
since references of one kind may be easier to meet than those of the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from musiscene_core import chart_style as style
from musiscene_core.errors import InputError
from musiscene_training.dataset import Dataset, Row
from musiscene_training.evaluate.captions import rows_by_id
from musiscene_training.evaluate.tables import aligned
from musiscene_training.experiments.drawing import bars
from musiscene_training.experiments.judged import (
    METRICS,
    Judged,
    Scored,
    Spread,
    gap,
    in_figures,
    signs_table,
    source_of,
    spread,
)
from musiscene_training.experiments.parts import choosing, held_back
from musiscene_training.experiments.study import Record

INSIDE, OUTSIDE = "known genres", "new genres"
_SHOWN = 8


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """The rows by what they are for.

    Attributes:
        training: that are learned from, all of known genres.
        choosing: that the best epoch is chosen by; of known genres too.
        inside: held-out rows of known genres.
        outside: all rows of the genres left out.
        unnamed: rows without a genre, which are left out.
        shared: rows of known genres whose source has others too, which are left out.
    """

    training: tuple[Row, ...]
    choosing: tuple[Row, ...]
    inside: tuple[Row, ...]
    outside: tuple[Row, ...]
    unnamed: int
    shared: int


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """By how much a captioner does better with genres that it knows.

    Attributes:
        run: the captioner.
        metric: by which.
        value: score inside less score outside.
    """

    run: str
    metric: str
    value: Spread


class Generalisation(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it.

    Attributes:
        record: of the experiment.
        judged: each captioner inside and outside.
        gaps: between the two.
        genres: of the trained captioner, ROUGE-L by genre, and how many items each has.
        outside: the genres left out.
        notes: what a reader has to know, a sentence each.
    """

    record: Record
    judged: tuple[Judged, ...]
    gaps: tuple[Gap, ...]
    genres: dict[str, tuple[int, Spread]]
    outside: tuple[str, ...]
    notes: tuple[str, ...] = ()


def read_genres(path: Path) -> dict[str, tuple[str, ...]]:
    """Genres by row: a column `genre`, or `labels` as a VACAD build has them; several by commas.

    Raises:
        InputError: the file cannot be read, or has neither.
    """
    found = {
        name: _listed(row.get("genre") or row.get("labels"))
        for name, row in rows_by_id(path).items()
    }
    if not any(found.values()):
        raise InputError(
            f"{path} names no genres.", hint="It needs the columns id and genre, or id and labels."
        )
    return found


def parted(dataset: Dataset, genres: Mapping[str, Sequence[str]], left_out: Sequence[str]) -> Parts:
    """Put rows where they belong.

    Args:
        dataset: the rows.
        genres: by row, beside those that rows name themselves.
        left_out: genres that nothing is trained on, whatever their case.

    Raises:
        InputError: a genre is of no row, or nothing is left to train on or to judge by.
    """
    wanted = {one.casefold() for one in left_out}
    named = {row.id: tuple(genres.get(row.id, ())) or _listed(row.genre) for row in dataset.rows}
    present = {one.casefold() for some in named.values() for one in some}
    if absent := sorted(wanted - present):
        known = ", ".join(sorted(present)[:_SHOWN])
        raise InputError(
            f"No row is of the genre {absent[0]}; there are: {known or 'none at all'}.",
            hint="Name genres as the rows do, or give a file of them with --genres.",
        )

    def is_new(row: Row) -> bool:
        return any(one.casefold() in wanted for one in named[row.id])

    usable = [_with_genre(row, named[row.id]) for row in dataset.rows if named[row.id]]
    outside = tuple(row for row in usable if is_new(row))
    foreign = {source_of(row) for row in outside}
    known_rows = [row for row in usable if not is_new(row) and source_of(row) not in foreign]
    held = {row.id for row in held_back(dataset)}
    chosen = {row.id for row in choosing(dataset)}
    parts = Parts(
        training=tuple(row for row in known_rows if row.split == "train"),
        choosing=tuple(row for row in known_rows if row.id in chosen),
        inside=tuple(row for row in known_rows if row.id in held),
        outside=outside,
        unnamed=len(dataset.rows) - len(usable),
        shared=len(usable) - len(outside) - len(known_rows),
    )
    for rows, what in ((parts.training, "train on"), (parts.inside, "judge by")):
        if not rows:
            raise InputError(
                f"Without {', '.join(left_out)} no row of known genres is left to {what}.",
                hint="Leave out fewer genres.",
            )
    return parts


def gaps(run: str, scored: Sequence[Scored], draws: int, seed: int) -> tuple[Gap, ...]:
    """By how much a run does better inside, by each metric."""
    found = []
    for metric in METRICS:
        sides = [
            ([getattr(one, metric) for one in some], [one.source for one in some])
            for part in (INSIDE, OUTSIDE)
            for some in [[one for one in scored if one.run == run and one.part == part]]
        ]
        found.append(Gap(run=run, metric=metric, value=gap(sides[0], sides[1], draws, seed)))
    return tuple(found)


def by_genre(
    run: str, scored: Sequence[Scored], draws: int, seed: int
) -> dict[str, tuple[int, Spread]]:
    """ROUGE-L of a run, genre by genre."""
    found = {}
    of_run = [one for one in scored if one.run == run]
    for genre in dict.fromkeys(name for one in of_run for name in _listed(one.genre)):
        some = [one for one in of_run if genre in _listed(one.genre)]
        values, sources = [one.rouge_l for one in some], [one.source for one in some]
        found[genre] = (len(some), spread(values, sources, draws, seed))
    return found


def table(found: Generalisation) -> str:
    """Inside, outside and the gap of each captioner; genres; signs of failure."""
    by_place = {(one.name, one.part): one for one in found.judged}
    names = list(dict.fromkeys(one.name for one in found.judged))
    rows = []
    for one in found.gaps:
        inside, outside = (by_place[one.run, part] for part in (INSIDE, OUTSIDE))
        rows.append(
            [
                one.run,
                METRICS[one.metric],
                in_figures(inside.scores[one.metric]),
                _floor(inside, one.metric),
                in_figures(outside.scores[one.metric]),
                _floor(outside, one.metric),
                in_figures(one.value),
            ]
        )
    headings = ("captions", "figure", INSIDE, "floor", OUTSIDE, "floor", "gap")
    items = [[one.name, one.part, f"{one.items}", f"{one.sources}"] for one in found.judged]
    new = {one.casefold() for one in found.outside}
    genres = [
        [genre, "new" if genre.casefold() in new else "", f"{count}", in_figures(value)]
        for genre, (count, value) in found.genres.items()
    ]
    parts = [
        "# Generalisation to new genres",
        f"Left out of training: {', '.join(found.outside)}.",
        aligned(headings, rows),
        aligned(("captions", "rows", "items", "sources"), items),
        f"{names[-1]} by genre:\n\n" + aligned(("genre", "", "items", "ROUGE-L"), genres),
        "Signs of failure:\n\n" + signs_table(found.judged),
    ]
    notes = (
        "95 % intervals come from drawing sources; a gap whose interval holds 0 is none that these"
        " items show. Floors are what the same captions score against others' references.",
        *found.notes,
    )
    parts.append("\n".join(f"- {note}" for note in notes))
    return "\n\n".join(parts) + "\n"


def plot(found: Generalisation) -> bytes:
    """Scores inside and outside with their intervals, and the gaps, as PNG."""
    scores: dict[str, Sequence[Any]] = {
        f"{one.name}, {one.part}": [one.scores[metric] for metric in METRICS]
        for one in found.judged
    }
    names = list(dict.fromkeys(one.run for one in found.gaps))
    differences: dict[str, Sequence[Any]] = {
        name: [one.value for one in found.gaps if one.run == name] for name in names
    }
    palette = (style.DIM, "#5A5A62", style.ORANGE, style.YELLOW)
    colours = dict(zip(scores, palette, strict=False))
    colours |= dict(zip(differences, (style.DIM, style.ORANGE), strict=False))
    panels = {
        "Genres that were trained on, and new ones": scores,
        "Gap: known genres less new ones": differences,
    }
    return bars(tuple(METRICS.values()), panels, colours)


def _floor(one: Judged, metric: str) -> str:
    return f"{one.floors[metric]:.3f}" if one.floors else "-"


def _with_genre(row: Row, genres: Sequence[str]) -> Row:
    return msgspec.structs.replace(row, genre=", ".join(genres))


def _listed(value: Any) -> tuple[str, ...]:
    given = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else []
    return tuple(one.strip() for one in given if isinstance(one, str) and one.strip())
