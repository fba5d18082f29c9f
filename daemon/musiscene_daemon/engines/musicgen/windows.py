"""Music past what the model holds at once: windows that go on from each other's tokens.

A window begins with the tokens that the one before ended with, and all tokens are decoded as one
stream, so that a join is no cut. Joins lie on the plan's bar lines, to a frame of 20 ms. A window
that drifts away in harmony or level from the beginning is drawn again.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from musiscene_core.cue import Cue

Floats = npt.NDArray[np.float32]

WINDOW_S = 30.0
"""What MusicGen was trained on."""
OVERLAP_S = 6.0
_LEAST_NEW_S = 8.0
MOST_CHROMA_DISTANCE = 0.35
MOST_LEVEL_DB = 9.0


@dataclass(frozen=True)
class Window:
    """A stretch of frames.

    Attributes:
        first: its first new frame.
        last: the frame after its last one.
        overlap: frames before `first` that it goes on from.
    """

    first: int
    last: int
    overlap: int


def windows(frames: int, frame_rate: float, plan: Cue) -> tuple[Window, ...]:
    """How `frames` frames are written; joins on bar lines of the plan where one is near."""
    whole, overlap = round(WINDOW_S * frame_rate), round(OVERLAP_S * frame_rate)
    least = round(_LEAST_NEW_S * frame_rate)
    found = []
    at = 0
    while at < frames:
        held = min(overlap, at)
        last = min(frames, at + whole - held)
        if last < frames:
            # The end must not be left with too little to make music of.
            last = min(last, max(at + least, frames - least))
            last = _on_bar(last, at + least, frame_rate, plan)
        found.append(Window(at, last, held))
        at = last
    return tuple(found)


def _on_bar(last: int, earliest: int, frame_rate: float, plan: Cue) -> int:
    """The last bar line at or before `last`, unless that is before `earliest`."""
    beat = plan.tempo.beat(last / frame_rate)
    line = plan.tempo.seconds(plan.tempo.bar_at(beat).beat)
    frame = math.floor(line * frame_rate + 1e-6)
    return frame if earliest <= frame <= last else last


@dataclass(frozen=True)
class Drift:
    """How far a window's sound is from the beginning's.

    Attributes:
        chroma: distance of the mean chromas, 0 to 1.
        level_db: how much louder it is.
    """

    chroma: float
    level_db: float

    @property
    def too_far(self) -> bool:
        """Whether it should be drawn again."""
        return self.chroma > MOST_CHROMA_DISTANCE or abs(self.level_db) > MOST_LEVEL_DB

    @property
    def badness(self) -> float:
        """To choose the lesser of two."""
        return self.chroma / MOST_CHROMA_DISTANCE + abs(self.level_db) / MOST_LEVEL_DB


def drift(audio: Floats, reference: Floats, chroma: Callable[[Floats], Floats]) -> Drift:
    """Compare two sounds [n]; `chroma` gives [frames, 12] of one."""
    one, other = chroma(audio).mean(axis=0), chroma(reference).mean(axis=0)
    length = float(np.linalg.norm(one) * np.linalg.norm(other))
    alike = float(one @ other) / length if length > 1e-12 else 1.0
    return Drift(1.0 - alike, _level_db(audio) - _level_db(reference))


def _level_db(audio: Floats) -> float:
    return 10 * float(np.log10(float(np.mean(np.square(audio, dtype=np.float64))) + 1e-9))
