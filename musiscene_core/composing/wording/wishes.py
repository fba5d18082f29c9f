"""What words ask of the music, once they are read.

Times are cue seconds. Knows nothing of the words, nor of notes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from musiscene_core.brief import Mode
from musiscene_core.cue import StemRole

Kind = Literal[
    "mood",
    "idiom",
    "instrument",
    "role",
    "density",
    "dynamic",
    "register",
    "articulation",
    "silence",
    "ending",
]
"""What can be asked for. A role is a stem; a silence is a stretch with no music at all."""


@dataclass(frozen=True)
class Asked:
    """One thing asked for, or ruled out, over [start_s, end_s).

    Attributes:
        kind: what it is about.
        value: a name in the vocabulary's tables; for a role a stem, for a mood a dimension.
        start_s: from when.
        end_s: until when; infinite to the end.
        denied: ruled out ("no drums").
        only: nothing else beside it ("only strings").
        amount: how much of it ("very", "slightly"), 1 where nothing is said.
    """

    kind: Kind
    value: str
    start_s: float = 0.0
    end_s: float = math.inf
    denied: bool = False
    only: bool = False
    amount: float = 1.0

    def holds(self, seconds: float) -> bool:
        """Whether it is asked for at `seconds`."""
        return self.start_s <= seconds + 1e-9 < self.end_s


@dataclass(frozen=True)
class Unknown:
    """Words that were not understood.

    Attributes:
        text: as written.
        start: index of its first character in the caption.
        end: index after its last.
        suggestions: what may have been meant.
        reason: why it could not be used, a clause; empty for a word that nobody here knows.
    """

    text: str
    start: int
    end: int
    suggestions: tuple[str, ...] = ()
    reason: str = ""

    def __str__(self) -> str:
        """A sentence for the user."""
        said = f"Not understood: {self.text!r}"
        if self.reason:
            said += f" ({self.reason})"
        if self.suggestions:
            said += f"; did you mean {' or '.join(self.suggestions)}?"
        return said if said.endswith("?") else said + "."


@dataclass(frozen=True)
class TempoAsked:
    """A tempo in words.

    Attributes:
        bpm: hold this one; None where only a range or a change is named.
        low: slowest, in beats a minute.
        high: fastest.
        factor: faster or slower than the scene would have it.
    """

    bpm: float | None = None
    low: float = 0.0
    high: float = math.inf
    factor: float = 1.0


@dataclass(frozen=True)
class Wishes:
    """What the captions ask for; None and empty where they say nothing.

    Attributes:
        tempo: a tempo.
        tonic: a key's pitch class.
        mode: its mode.
        scale: a scale by name.
        metre: beats a bar.
        asked: everything else, in the order of the words.
        moments: cue seconds that the music must meet, because something changes there.
        unknown: words not understood.
    """

    tempo: TempoAsked = TempoAsked()
    tonic: int | None = None
    mode: Mode | None = None
    scale: str | None = None
    metre: int | None = None
    asked: tuple[Asked, ...] = ()
    moments: tuple[float, ...] = ()
    unknown: tuple[Unknown, ...] = ()

    @property
    def without(self) -> frozenset[StemRole]:
        """Stems ruled out from beginning to end."""
        wanted = {asked.value for asked in self.of("role") if not asked.denied}
        return frozenset(
            asked.value  # type: ignore[misc]
            for asked in self.of("role")
            if asked.denied
            and asked.start_s <= 0
            and asked.end_s == math.inf
            and asked.value not in wanted
        )

    def of(self, kind: Kind, seconds: float | None = None) -> Iterator[Asked]:
        """What is asked of one kind, at `seconds` or at any time."""
        for asked in self.asked:
            if asked.kind == kind and (seconds is None or asked.holds(seconds)):
                yield asked
