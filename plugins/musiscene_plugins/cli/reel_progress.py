"""How far a reel is, on stderr: the whole and the cue at work; without a terminal, a line a cue."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from musiscene_plugins.reel.scoring import CueOutcome, ReelProgress

_WORDS = {"made": "made", "kept": "kept as it was", "failed": "failed"}


@contextmanager
def shown_reel(cues: int, *, quiet: bool) -> Iterator[ReelProgress]:
    """Progress of `cues` cues; `quiet` says nothing where stderr is no terminal."""
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        yield _Lines(console, cues, quiet)
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn())
    with Bars(*columns, TimeElapsedColumn(), console=console, transient=True) as bars:
        yield _Shown(bars, cues)


class _Shown:
    """Two bars: the reel, and the cue that moved last."""

    def __init__(self, bars: Bars, cues: int) -> None:
        self._bars = bars
        self._cues = cues
        self._fractions: dict[str, float] = {}
        self._ended = 0
        self._whole = bars.add_task(f"0 of {cues} cues", total=float(cues))
        self._current = bars.add_task("Starting", total=1.0)

    def at(self, cue: str, stage: str, fraction: float) -> None:
        if fraction > self._fractions.get(cue, 0.0):
            self._bars.update(self._current, description=f"{cue}: {stage}", completed=fraction)
        self._fractions[cue] = fraction
        self._update()

    def ended(self, outcome: CueOutcome) -> None:
        self._fractions.pop(outcome.cue.name, None)
        self._ended += 1
        self._update()

    def _update(self) -> None:
        done = self._ended + sum(self._fractions.values())
        text = f"{self._ended} of {self._cues} cues"
        self._bars.update(self._whole, description=text, completed=done)


class _Lines:
    """A line a cue."""

    def __init__(self, console: Console, cues: int, quiet: bool) -> None:
        self._console = console
        self._cues = cues
        self._quiet = quiet
        self._ended = 0

    def at(self, cue: str, stage: str, fraction: float) -> None:
        pass

    def ended(self, outcome: CueOutcome) -> None:
        self._ended += 1
        if self._quiet:
            return
        text = f"{self._ended} of {self._cues}: {outcome.cue.name} {_WORDS[outcome.state]}"
        self._console.print(text, markup=False)
