"""Parquet files of clips and outcomes: whole or not there, read without trust."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from musiscene_core.codec import write_atomically
from musiscene_core.errors import InputError, RequestError
from musiscene_training.dataset import rows_of
from musiscene_training.vacad.clips import Clip, Outcome

T = TypeVar("T", Clip, Outcome)


def write_table(path: Path, rows: Sequence[T], kind: type[T]) -> None:
    """Write rows of one kind; a reader sees the old file or the new one.

    Raises:
        OutputError: no space or no permission.
        RequestError: pyarrow is not installed.
    """
    given = [msgspec.to_builtins(row) for row in rows]
    write_atomically(path, encoded(given, _columns(kind)))


def read_table(path: Path, kind: type[T]) -> list[T]:
    """The rows of `path`.

    Raises:
        InputError: it is damaged, or holds something else.
        RequestError: pyarrow is not installed.
    """
    try:
        return [msgspec.convert(row, kind) for _, row in rows_of(path)]
    except (msgspec.MsgspecError, RecursionError) as error:
        raise InputError(
            f"{path} is not as this build wrote it: {error}.", hint="Delete it and run again."
        ) from error


def encoded(rows: Sequence[dict[str, Any]], columns: Sequence[tuple[str, Any]]) -> bytes:
    """Rows as a Parquet file.

    Args:
        rows: whose keys are names of columns.
        columns: each a name and what _type takes.
    """
    pyarrow = _pyarrow()
    from pyarrow import parquet

    schema = pyarrow.schema([(name, _type(kind)) for name, kind in columns])
    file = io.BytesIO()
    parquet.write_table(
        pyarrow.Table.from_pylist(list(rows), schema=schema), file, compression="zstd"
    )
    return file.getvalue()


_STRETCH = {"path": str, "start_s": float, "end_s": float}
_CLIP: tuple[tuple[str, Any], ...] = (
    ("id", str),
    ("source", str),
    ("sound", _STRETCH),
    ("pictures", [_STRETCH]),
    ("start_s", float),
    ("end_s", float),
    ("labels", [str]),
    ("licence", str),
    ("seen", str),
    ("heard", str),
    ("scene", str),
)
MEASURES = [{"name": str, "value": float}]
_OUTCOME: tuple[tuple[str, Any], ...] = (
    ("id", str),
    ("value", str),
    ("problem", str),
    ("writer", str),
    ("notes", [str]),
    ("measures", MEASURES),
)


def _columns(kind: type[Clip] | type[Outcome]) -> tuple[tuple[str, Any], ...]:
    return _CLIP if kind is Clip else _OUTCOME


def _type(kind: Any) -> Any:
    """The Arrow type of str, float or bool, of a list [of one of these], or of a dict of fields."""
    pyarrow = _pyarrow()
    if isinstance(kind, list):
        return pyarrow.list_(_type(kind[0]))
    if isinstance(kind, dict):
        return pyarrow.struct([(name, _type(field)) for name, field in kind.items()])
    return {str: pyarrow.string(), float: pyarrow.float64(), bool: pyarrow.bool_()}[kind]


def _pyarrow() -> Any:
    try:
        import pyarrow
    except ImportError as error:
        raise RequestError(
            "Parquet files need the package pyarrow, which is not installed.",
            hint="Run: pip install 'musiscene[train]'",
        ) from error
    return pyarrow
