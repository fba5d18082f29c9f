"""Where things are on the strip: rows in pixels, and record frames across."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from musiscene_gui.widgets import theme

RULER: Final = (0, 20)
SHOTS: Final = (22, 40)
DIALOGUE: Final = (65, 14)
TEMP: Final = (82, 10)
CUES: Final = (95, 18)
MUSIC: Final = (115, 20)
"""Each row's top and height."""
HEIGHT: Final = 138
CURVE: Final = (SHOTS[0] + 2, DIALOGUE[0] + DIALOGUE[1] - SHOTS[0] - 4)
"""The emotion curve lies over shots and dialogue."""
GRIP_PX: Final = 5
"""How near the pointer must be to take hold of something."""


@dataclass(frozen=True)
class Scale:
    """Record frames to pixels and back.

    Attributes:
        left: pixel of `start`.
        right: pixel of `end`.
        start: record position at the left end.
        end: record position at the right end; after `start`.
    """

    left: float
    right: float
    start: float
    end: float

    @classmethod
    def of(cls, width: int, view: tuple[float, float]) -> Scale:
        """For a strip of `width` pixels that shows `view`."""
        start, end = view
        right = max(theme.GUTTER + 1, width - theme.RIGHT_MARGIN)
        return cls(theme.GUTTER, right, start, max(end, start + 1))

    @property
    def pixels_a_frame(self) -> float:
        """How wide a frame is."""
        return (self.right - self.left) / (self.end - self.start)

    def x(self, frame: float) -> float:
        """The pixel at which a record frame begins."""
        return self.left + (frame - self.start) * self.pixels_a_frame

    def shows(self, start: float, end: float) -> bool:
        """Whether any of what lies between two record positions is seen."""
        return start <= self.end and end >= self.start

    def position(self, x: float) -> float:
        """The record position at a pixel."""
        return self.start + (x - self.left) / self.pixels_a_frame

    def frame(self, x: float) -> int:
        """The record frame whose beginning is nearest to a pixel."""
        return round(self.position(x))


def curve_y(value: float) -> float:
    """The pixel of a feeling of -1 to 1."""
    top, height = CURVE
    return top + (1 - value) / 2 * height


def curve_value(y: float) -> float:
    """The feeling, -1 to 1, at a pixel."""
    top, height = CURVE
    return min(1.0, max(-1.0, 1 - 2 * (y - top) / height))


def ruler_is_short(rate: int, pixels_a_frame: float, length: int) -> bool:
    """Whether minutes and seconds do as labels: all of a ruler has them alike.

    Args:
        rate: nominal frames a second.
        pixels_a_frame: how far it is zoomed in; near enough, frames are told too.
        length: frames of the timeline, whose hours have to be told beyond one.
    """
    return rate * pixels_a_frame < 200 and length <= 3600 * rate


def ruler_step(rate: int, pixels_a_frame: float, room: int) -> int:
    """Frames between labels of the ruler that are each `room` pixels wide."""
    for seconds in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600):
        if seconds * rate * pixels_a_frame >= room:
            return seconds * rate
    return 7200 * rate
