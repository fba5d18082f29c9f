"""What commands say on the terminal: results on stdout, progress on stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console, RenderableType
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.text import Text

from musiscene_core.progress import Progress
from musiscene_core.protocol.state import GrowingText

_SHOWN_CHARACTERS = 400


def result_console() -> Console:
    """Where results go."""
    return Console(file=sys.stdout, highlight=False, soft_wrap=not sys.stdout.isatty())


def about(seconds: float) -> str:
    """A foretold time, no finer than it is known."""
    if seconds < 60:
        step = 1 if seconds < 10 else 5
        return f"{max(1, step * round(seconds / step))} s"
    if seconds < 3600:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"


class ShownProgress(Progress, Protocol):
    """Progress that also says how long is left, where anyone knows, and shows growing texts."""

    def eta(self, seconds: float | None) -> None:
        """From now on say that `seconds` are left; None: nobody knows."""

    def writing(self, texts: tuple[GrowingText, ...]) -> None:
        """Show the text that grew last, on a terminal; elsewhere only whole ones are of use."""


@contextmanager
def shown_progress(*, quiet: bool) -> Iterator[ShownProgress]:
    """Progress on stderr: a bar on a terminal, else a line a stage.

    Where MUSISCENE_PROGRESS is "percent", a line "42 % words" for each percent, for programs.

    Args:
        quiet: say nothing where stderr is no terminal, for scripts that read it.
    """
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    if os.environ.get("MUSISCENE_PROGRESS") == "percent":
        yield _Percent(console)
        return
    if not console.is_terminal:
        yield _Silent() if quiet else _Lines(console)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]}"),
    )
    with _Bars(*columns, console=console, transient=True) as bars:
        yield _Bar(bars)


class _Percent:
    """A line for each percent, and each stage."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._said = ""

    def __call__(self, stage: str, fraction: float) -> None:
        line = f"{100 * min(1.0, max(0.0, fraction)):.0f} % {stage}"
        if line != self._said:
            self._said = line
            self._console.print(line, markup=False)

    def eta(self, seconds: float | None) -> None:
        """Programs tell it themselves."""

    def writing(self, texts: tuple[GrowingText, ...]) -> None:
        """They read the result."""


class _Bars(Bars):
    """Bars with the end of a growing text under them."""

    text = ""

    def get_renderables(self) -> Iterable[RenderableType]:
        """The bars, then the text."""
        yield from super().get_renderables()
        if self.text:
            yield Text(self.text, style="dim")


class _Bar:
    """A bar that moves."""

    def __init__(self, bars: _Bars) -> None:
        self._bars = bars
        self._task = bars.add_task("Starting", total=1.0, left="")

    def __call__(self, stage: str, fraction: float) -> None:
        self._bars.update(self._task, description=stage, completed=fraction)

    def eta(self, seconds: float | None) -> None:
        left = "" if seconds is None else f"about {about(seconds)} left"
        self._bars.update(self._task, left=left)

    def writing(self, texts: tuple[GrowingText, ...]) -> None:
        latest = texts[-1].text
        cut = latest[-_SHOWN_CHARACTERS:]
        self._bars.text = cut if cut == latest else f"… {cut}"


class _Silent:
    """Says nothing."""

    def __call__(self, stage: str, fraction: float) -> None:
        pass

    def eta(self, seconds: float | None) -> None:
        pass

    def writing(self, texts: tuple[GrowingText, ...]) -> None:
        pass


class _Lines:
    """One line whenever the stage changes."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._stage = ""
        self._left: float | None = None

    def eta(self, seconds: float | None) -> None:
        self._left = seconds

    def writing(self, texts: tuple[GrowingText, ...]) -> None:
        pass

    def __call__(self, stage: str, fraction: float) -> None:
        if stage != self._stage:
            self._stage = stage
            left = "" if self._left is None else f" about {about(self._left)} left"
            self._console.print(f"{stage} ...{left}", markup=False)
