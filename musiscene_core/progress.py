"""How long work says how far it is, and hears that it is no longer wanted."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called now and then by long work.

    It may raise CancelledError: whoever called the work has stopped wanting it. Work lets that
    pass through, cleaning up what it half made.
    """

    def __call__(self, stage: str, fraction: float) -> None:
        """Tell that `stage` ("Watching 12 clips", in the user's words) is `fraction` (0-1) done."""


def silent(stage: str, fraction: float) -> None:
    """Progress that nobody watches."""


class Portion:
    """A part of someone else's progress: maps 0-1 onto [start, end) of it."""

    def __init__(self, parent: Progress, start: float, end: float) -> None:
        self._parent = parent
        self._start = start
        self._span = end - start

    def __call__(self, stage: str, fraction: float) -> None:
        """Pass on `fraction` of this part as a fraction of the whole."""
        self._parent(stage, self._start + self._span * min(1.0, max(0.0, fraction)))
