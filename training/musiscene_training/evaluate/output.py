"""Where evaluations write: a folder of their own, the whole result last."""

from __future__ import annotations

import csv
import io
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.progress import Progress as Bars

from musiscene_core.codec import to_json, write_atomically
from musiscene_core.errors import OutputError
from musiscene_core.progress import Progress

RESULT_FILE, TABLE_FILE, ITEMS_FILE, PLOT_FILE = (
    "result.json",
    "table.md",
    "items.csv",
    "scores.png",
)

_EVERY_S = 30.0
"""Between two lines of a log."""


def check_output(output: Path, *known: str) -> None:
    """Refuse a folder in which something lies but what is called as in `known`.

    Raises:
        OutputError: it is there and not empty, or cannot be looked into.
    """
    try:
        taken = output.exists() and (
            not output.is_dir() or any(one.name not in known for one in output.iterdir())
        )
    except OSError as error:
        raise OutputError.from_os(error, output) from error
    if taken:
        raise OutputError(
            f"{output} is there already and not empty.", hint="Name a new folder with --output."
        )


def deliver(output: Path, text: str, items: bytes, plot: bytes, result: Any) -> None:
    """Print and write a result.

    Raises:
        OutputError: no space or no permission; what was found is printed by then.
    """
    # Before anything is written: a full disk shall not cost the figures.
    sys.stdout.write(text)
    write_atomically(output / TABLE_FILE, text.encode())
    write_atomically(output / ITEMS_FILE, items)
    write_atomically(output / PLOT_FILE, plot)
    # Last: where it is, the evaluation is whole.
    write_atomically(output / RESULT_FILE, to_json(result))
    sys.stdout.write(f"{output}: {TABLE_FILE}, {ITEMS_FILE}, {PLOT_FILE}, {RESULT_FILE}\n")


def as_csv(headings: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    """Rows as CSV that a spreadsheet opens without running anything in it."""
    file = io.StringIO(newline="")
    written = csv.writer(file)
    written.writerow(headings)
    for row in rows:
        written.writerow(
            f"{value:.4f}" if isinstance(value, float) else _unarmed(value) for value in row
        )
    return file.getvalue().encode()


def flat(value: msgspec.Struct, prefix: str = "") -> dict[str, Any]:
    """A Struct's fields by name, those of Structs and dicts in it with a dot between."""
    found: dict[str, Any] = {}
    fields: Mapping[str, Any] = msgspec.structs.asdict(value)
    for name, held in fields.items():
        if isinstance(held, msgspec.Struct):
            found |= flat(held, f"{prefix}{name}.")
        elif isinstance(held, dict):
            found |= {f"{prefix}{name}.{key}": one for key, one in held.items()}
        else:
            found[prefix + name] = held
    return found


@contextmanager
def shown_progress() -> Iterator[Progress]:
    """A bar on a terminal; elsewhere a line now and then, for the logs of long work."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    if not console.is_terminal:
        yield NowAndThen(console)
        return
    with Bars(console=console, transient=True) as bars:
        task = bars.add_task("Starting", total=1.0)

        def shown(stage: str, fraction: float) -> None:
            bars.update(task, description=stage, completed=fraction)

        yield shown


class NowAndThen:
    """Says how far work is, once it has lasted a while."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._last = time.monotonic()

    def __call__(self, stage: str, fraction: float) -> None:
        """As Progress is called."""
        now = time.monotonic()
        if now - self._last >= _EVERY_S:
            self._last = now
            self._console.print(f"{100 * fraction:.0f} % {stage}", markup=False)


def _unarmed(value: object) -> object:
    """`value`, unless a spreadsheet would run it as a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in tuple("=+-@\t\r") else value
