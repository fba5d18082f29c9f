"""What an import gives: rows by dataset, clips, and why others are left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from musiscene_core.codec import write_atomically
from musiscene_core.errors import InputError, OutputError
from musiscene_training.dataset import Problem, Row, write_rows
from musiscene_training.vacad.clips import Clip

PROBLEMS_FILE, CLIPS_FILE = "problems.jsonl", "clips.jsonl"


@dataclass(frozen=True)
class Found:
    """What was read.

    Attributes:
        rows: of each dataset, by the name of its folder; "" for the output folder itself.
        clips: to build from.
        problems: why others are left out.
    """

    rows: Mapping[str, Sequence[Row]]
    clips: Sequence[Clip]
    problems: Sequence[Problem]


def write(found: Found, output: Path) -> list[Path]:
    """Write what was found into a new folder; returns the files that training and building read.

    Raises:
        OutputError: there is something already, no space, or no permission.
        InputError: nothing can be used.
    """
    if not found.clips and not any(found.rows.values()):
        first = f" The first: {found.problems[0].row}: {found.problems[0].why}"
        raise InputError(
            f"Nothing of it can be used.{first if found.problems else ''}",
            hint="Look whether the media lie where they are looked for.",
        )
    try:
        taken = output.exists() and (not output.is_dir() or any(output.iterdir()))
    except OSError as error:
        raise OutputError.from_os(error, output) from error
    if taken:
        raise OutputError(
            f"{output} is there already and not empty.", hint="Name a new folder with --output."
        )
    written = []
    if found.problems:
        write_atomically(output / PROBLEMS_FILE, _lines(found.problems))
    for name, rows in found.rows.items():
        if rows:
            write_rows(output / name, rows)
            written.append(output / name)
    if found.clips:
        write_atomically(output / CLIPS_FILE, _lines(found.clips))
        written.append(output / CLIPS_FILE)
    return written


def media_in(folder: Path) -> dict[str, Path]:
    """The files in a folder, by their name and by their name without its ending.

    Raises:
        InputError: there is no such folder.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder.", hint="Name the folder that the media lie in.")
    files = sorted(path for path in folder.resolve().iterdir() if path.is_file())
    return {path.stem: path for path in files} | {path.name: path for path in files}


def _lines(values: Sequence[msgspec.Struct]) -> bytes:
    return b"".join(msgspec.json.encode(value) + b"\n" for value in values)
