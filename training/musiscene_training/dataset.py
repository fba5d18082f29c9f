"""A dataset as training and evaluation read it: one row a question about a piece of music.

    folder/rows.jsonl           one JSON object a line, or
    folder/*.parquet            the same columns, read in the order of the files' names
    folder/...                  whatever the rows refer to, by paths relative to the folder

A row without a split goes to training or validation by a digest of what it came from, 80 to 20, so
that a recording is never on both sides and adding rows moves none; unless nothing would be left to
train on, as with a single recording. Loads no torch.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from musiscene_core.codec import digest, write_atomically
from musiscene_core.errors import InputError, RequestError

Split = Literal["train", "validation", "test"]

ROWS_FILE = "rows.jsonl"
VALIDATION_SHARE = 0.2
_MOST_LINE_BYTES = 1 << 20


class Row(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A question about a piece of music, and its answer.

    Attributes:
        id: unlike any other row's.
        question: in plain words.
        answer: what shall be said.
        sound: a sound or movie file, relative to the dataset or absolute.
        start_s: where the piece begins in it, file time in seconds.
        end_s: where it ends; None for the end of the file.
        features: the encoder's features [S, W] as an .npy file, instead of the sound.
        split: which part of the work it serves; empty to have it decided by `source`.
        source: what it was made from, such as a film or a video's id; rows of one source stay
            together. Empty: its sound.
        genre: what kind of music it is; empty where nobody said.
        licence: what it may be used for, in its makers' words.
    """

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
    question: str
    answer: str
    sound: str = ""
    start_s: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    end_s: Annotated[float, msgspec.Meta(ge=0)] | None = None
    features: str = ""
    split: Split | Literal[""] = ""
    source: str = ""
    genre: str = ""
    licence: str = ""


class Problem(msgspec.Struct, frozen=True):
    """Why a row is left out.

    Attributes:
        row: its id, or its place in the file where it has none.
        why: a sentence.
    """

    row: str
    why: str


@dataclass(frozen=True)
class Dataset:
    """What was read of a folder.

    Attributes:
        folder: that paths in rows are relative to.
        rows: that can be used, in the order of the files, each with a split.
        problems: why others cannot.
    """

    folder: Path
    rows: tuple[Row, ...]
    problems: tuple[Problem, ...]

    def part(self, split: Split) -> tuple[Row, ...]:
        """The rows of one split."""
        return tuple(row for row in self.rows if row.split == split)

    @property
    def digest(self) -> str:
        """SHA-256 over the rows, whatever their order and the form of their file, in hex."""
        return digest(sorted(self.rows, key=lambda row: row.id))


def read_dataset(folder: Path) -> Dataset:
    """The rows of the dataset in `folder`; those that cannot be used are told, not fatal.

    Raises:
        InputError: there is no dataset, or none of its rows can be used.
    """
    rows: list[Row] = []
    problems: list[Problem] = []
    seen: set[str] = set()
    for place, given in _given(folder):
        row = _row(given)
        if isinstance(row, str):
            problems.append(Problem(place, row))
        elif row.id in seen:
            problems.append(Problem(row.id, f"Another row before {place} has this id."))
        elif why := _unusable(row):
            problems.append(Problem(row.id, why))
        else:
            seen.add(row.id)
            rows.append(row)
    if not rows:
        first = f" The first: {problems[0].row}: {problems[0].why}" if problems else ""
        raise InputError(
            f"No row of the dataset {folder} can be used.{first}",
            hint="Each row needs id, question, answer, and sound or features.",
        )
    return Dataset(folder, tuple(_parted(rows)), tuple(problems))


def write_rows(folder: Path, rows: Iterable[Row]) -> None:
    """Write a dataset as JSONL; a reader sees the old rows or the new ones.

    Raises:
        OutputError: no space or no permission.
    """
    lines = (msgspec.json.encode(row) + b"\n" for row in rows)
    write_atomically(folder / ROWS_FILE, b"".join(lines))


def split_of(source: str, validation_share: float = VALIDATION_SHARE) -> Split:
    """Which split everything made from `source` belongs to."""
    drawn = int.from_bytes(hashlib.sha256(source.encode()).digest()[:8], "big") / 2**64
    return "validation" if drawn < validation_share else "train"


def _parted(rows: Sequence[Row]) -> list[Row]:
    """`rows`, each with a split; where none of one or a few sources was drawn, all are trained."""
    drawn = [row.split or split_of(_origin(row)) for row in rows]
    if "train" not in drawn and not any(row.split for row in rows):
        drawn = ["train"] * len(rows)
    return [
        msgspec.structs.replace(row, split=split) for row, split in zip(rows, drawn, strict=True)
    ]


def _origin(row: Row) -> str:
    return row.source or row.sound or row.features or row.id


def _given(folder: Path) -> Iterator[tuple[str, bytes | dict[str, Any]]]:
    """Each row as it lies there, with the place to name it by."""
    if (folder / ROWS_FILE).is_file():
        yield from lines_of(folder / ROWS_FILE)
        return
    tables = sorted(folder.glob("*.parquet")) if folder.is_dir() else []
    if not tables:
        raise InputError(
            f"{folder} holds no dataset.",
            hint=f"Name a folder with {ROWS_FILE} or Parquet files in it.",
        )
    for path in tables:
        yield from rows_of(path, set(Row.__struct_fields__))


def lines_of(path: Path) -> Iterator[tuple[str, bytes]]:
    """The lines of `path` that are not blank, each with the place to name it by.

    Raises:
        InputError: it cannot be read, or has a line beyond all measure.
    """
    try:
        with path.open("rb") as file:
            number = 0
            while line := file.readline(_MOST_LINE_BYTES + 1):
                number += 1
                if len(line) > _MOST_LINE_BYTES:
                    raise InputError(
                        f"Line {number} of {path} is longer than {_MOST_LINE_BYTES >> 20} MiB.",
                        hint="Put one row on each line.",
                    )
                if line.strip():
                    yield f"{path.name}:{number}", line
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error


def rows_of(path: Path, known: set[str] | None = None) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rows of a Parquet file, of the columns in `known` or all, without what is null.

    Raises:
        InputError: it is no such file.
        RequestError: pyarrow is not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise RequestError(
            "Parquet files need the package pyarrow, which is not installed.",
            hint=f"Run: pip install 'musiscene[train]', or write {ROWS_FILE} instead.",
        ) from error
    try:
        table = pyarrow.parquet.ParquetFile(path)
        wanted = [name for name in table.schema_arrow.names if known is None or name in known]
        number = 0
        for batch in table.iter_batches(batch_size=1024, columns=wanted):
            for given in batch.to_pylist():
                number += 1
                yield (
                    f"{path.name}:{number}",
                    {name: value for name, value in given.items() if value is not None},
                )
    except (pyarrow.ArrowException, OSError) as error:
        raise InputError(
            f"{path} is no Parquet file that can be read: {error}.", hint="Make it again."
        ) from error


def tabled(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rows of a table, by the file's ending: .jsonl, .csv or .parquet; each with its place.

    Raises:
        InputError: it cannot be read, or is none of these.
        RequestError: it is Parquet and pyarrow is not installed.
    """
    kind = path.suffix.lower()
    if kind == ".parquet":
        yield from rows_of(path)
    elif kind == ".csv":
        yield from _csv_rows(path)
    elif kind in (".jsonl", ".ndjson"):
        for place, line in lines_of(path):
            try:
                yield place, msgspec.json.decode(line, type=dict[str, Any])
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
                raise InputError(f"{place} is no JSON object: {error}.") from error
    else:
        raise InputError(
            f"{path} is of no kind that can be read.", hint="Give .jsonl, .csv or .parquet."
        )


def _csv_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file, strict=True)
            for row in rows:
                place = f"{path.name}:{rows.line_num}"
                if None in row:
                    raise InputError(
                        f"{place} has more fields than the first line has names.",
                        hint="Put texts with commas in them between quotation marks.",
                    )
                yield place, {str(name).strip(): value or "" for name, value in row.items()}
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputError(f"{path} is no CSV file: {error}.", hint="Save it as UTF-8.") from error


def _row(given: bytes | dict[str, Any]) -> Row | str:
    try:
        if isinstance(given, bytes):
            return msgspec.json.decode(given, type=Row)
        return msgspec.convert(given, Row)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return f"It is no row: {error}."


def _unusable(row: Row) -> str:
    checks: Sequence[tuple[bool, str]] = (
        (not row.question.strip(), "The question is empty."),
        (not row.answer.strip(), "The answer is empty."),
        (not row.sound and not row.features, "It names neither sound nor features."),
        (row.end_s is not None and row.end_s <= row.start_s, "It ends before it begins."),
    )
    return next((why for wrong, why in checks if wrong), "")
