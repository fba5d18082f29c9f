"""What commands say on the terminal: results on stdout, progress on stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from musiscene_core.progress import Progress, silent


def result_console() -> Console:
    """Where results go."""
    return Console(file=sys.stdout, highlight=False, soft_wrap=not sys.stdout.isatty())


@contextmanager
def shown_progress(*, quiet: bool) -> Iterator[Progress]:
    """Progress on stderr: a bar on a terminal, else a line a stage.

    Args:
        quiet: say nothing where stderr is no terminal, for scripts that read it.
    """
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        yield silent if quiet else _Lines(console)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
    )
    with Bars(*columns, console=console, transient=True) as bars:
        task = bars.add_task("Starting", total=1.0)

        def show(stage: str, fraction: float) -> None:
            bars.update(task, description=stage, completed=fraction)

        yield show


class _Lines:
    """One line whenever the stage changes."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._stage = ""

    def __call__(self, stage: str, fraction: float) -> None:
        if stage != self._stage:
            self._stage = stage
            self._console.print(f"{stage} ...", markup=False)
