"""An experiment's folder: what it is of, and which of its runs are done already.

    OUTPUT/experiment.json          settings, digests, code, versions, hardware
    OUTPUT/data/NAME/rows.jsonl     who is trained on what; media stays where it is
    OUTPUT/runs/NAME/training/      of the adapter, with its own checkpoints
    OUTPUT/runs/NAME/answers.jsonl  what the captioner said of the held-out rows, as far as it is
    OUTPUT/runs/NAME/run.json       what came of the run: written last
    OUTPUT/table.md, items.csv, scores.png, result.json

The same command goes on where it was ended, however it was ended.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from musiscene_core.codec import read_json, to_json, write_atomically
from musiscene_core.errors import RequestError
from musiscene_training import holding
from musiscene_training.dataset import Problem
from musiscene_training.evaluate.signatures import Check

EXPERIMENT_FILE, RUN_FILE = "experiment.json", "run.json"


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """An experiment, as it was begun.

    Attributes:
        experiment: its name.
        settings: all that changes its figures, the seed among them.
        captioner: what it starts from, as house packs know captioners.
        data_digest: of the rows.
        code: the commit that ran, or the version.
        packages: versions of what it computed with.
        hardware: processor or GPU, and how many processes.
    """

    experiment: str
    settings: dict[str, Any]
    captioner: str
    data_digest: str
    code: str
    packages: dict[str, str]
    hardware: dict[str, str]


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a run.

    Attributes:
        name: of the run.
        captioner: that speaks.
        answers: what it said, by row.
        problems: rows whose music cannot be heard.
        trained: how many numbers trained; 0 for a captioner as it was given.
        steps: of its training.
        seconds: that they took, together.
        loss: of training, over the last tenth of its steps; None without a training.
        moving: whether the loss moves; None where that cannot be told.
        code: the commit that ran.
    """

    name: str
    captioner: str
    answers: dict[str, str]
    problems: tuple[Problem, ...] = ()
    trained: int = 0
    steps: int = 0
    seconds: float = 0.0
    loss: float | None = None
    moving: Check | None = None
    code: str = ""


def begin(folder: Path, record: Record) -> Record:
    """Write the record of an experiment, or make sure that the one there is of the same one.

    Returns:
        The record as it was begun with.

    Raises:
        RequestError: another experiment lies there; what differs is named.
        OutputError: no space or no permission.
    """
    path = folder / EXPERIMENT_FILE
    # As it will be read back: JSON knows no tuples.
    record = msgspec.json.decode(msgspec.json.encode(record), type=Record)
    if not path.exists():
        write_atomically(path, to_json(record))
        return record
    before = read_json(path, Record)
    changed = _differences(before, record)
    if changed:
        raise RequestError(
            f"{folder} holds another experiment: {'; '.join(changed)}.",
            hint="Give what it was begun with to go on with it, or choose another --output.",
        )
    return before


def check_folder(folder: Path) -> None:
    """Refuse a folder with other things in it.

    Raises:
        RequestError: it is not empty, and no experiment was begun there.
        OutputError: it cannot be looked into.
    """
    holding.check_folder(folder, EXPERIMENT_FILE, "experiment", {"tiny"})


def _differences(before: Record, now: Record) -> list[str]:
    if before.experiment != now.experiment:
        return [f"it is {before.experiment}, not {now.experiment}"]
    names = sorted({*before.settings, *now.settings})
    changed = [
        f"{name} was {before.settings.get(name)}, not {now.settings.get(name)}"
        for name in names
        if before.settings.get(name) != now.settings.get(name)
    ]
    changed += ["the captioner is another one"] * (before.captioner != now.captioner)
    changed += ["the data are not the same"] * (before.data_digest != now.data_digest)
    return changed
