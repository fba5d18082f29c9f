"""Which rows an experiment trains on, and which it holds back to judge by.

Rows of the split `test` are held back where there are any, and those of `validation` choose the
best epoch. In a dataset of two splits, as the paper's, those of `validation` are held back, and
nothing chooses: the last epoch is taken, so that no captioner is chosen by what it is judged by.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from musiscene_core.errors import InputError
from musiscene_training.dataset import ROWS_FILE, Dataset, Row, write_rows


def held_back(dataset: Dataset) -> tuple[Row, ...]:
    """The rows that captioners are judged by.

    Raises:
        InputError: there are none, or none to train on.
    """
    rows = dataset.part("test") or dataset.part("validation")
    if not rows or not dataset.part("train"):
        raise InputError(
            f"{dataset.folder} has {len(dataset.part('train'))} rows to train on and {len(rows)}"
            " held back.",
            hint="There must be some of each: from two sources or more, or by the column split.",
        )
    return rows


def choosing(dataset: Dataset) -> tuple[Row, ...]:
    """The rows that the best epoch is chosen by; none in a dataset of two splits."""
    return dataset.part("validation") if dataset.part("test") else ()


def trainable(folder: Path, dataset: Dataset, training: Sequence[Row], more: Iterable[Row]) -> Path:
    """Write a dataset of these rows, whose media stays where it is; returns its folder.

    Args:
        folder: for it.
        dataset: that the rows are of.
        training: rows to learn from.
        more: rows that the best epoch is chosen by.

    Raises:
        OutputError: no space or no permission.
    """
    chosen = [
        *(_placed(row, dataset.folder, "train") for row in training),
        *(_placed(row, dataset.folder, "validation") for row in more),
    ]
    folder.mkdir(parents=True, exist_ok=True)
    wanted = b"".join(msgspec.json.encode(row) + b"\n" for row in chosen)
    path = folder / ROWS_FILE
    # As it was, it need not be written: a training under way reads it.
    if not path.is_file() or path.read_bytes() != wanted:
        write_rows(folder, chosen)
    return folder


def _placed(row: Row, folder: Path, split: str) -> Row:
    here = folder.resolve()
    return msgspec.structs.replace(
        row,
        split=split,
        sound=str(here / row.sound) if row.sound else "",
        features=str(here / row.features) if row.features else "",
    )
