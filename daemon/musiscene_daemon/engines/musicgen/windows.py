"""Music past what the model holds at once: windows that go on from each other's tokens.

A window begins with the tokens that the one before ended with, and all tokens are decoded as one
stream, so that a join is no cut. Windows end where the plan's sections do, else on its bar lines.
Knows no model.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from musiscene_core.cue import Cue, Section

WINDOW_S = 30.0
"""What MusicGen was trained on."""
OVERLAP_S = 6.0
_LEAST_NEW_S = 8.0
_ARC_DB = 6.0
"""How much louder the fullest section is meant to be than the emptiest."""
_MOST_LATE_S = 2.5
"""How long before a window's end a beat is looked for to go on from."""


@dataclass(frozen=True)
class Window:
    """A stretch of frames.

    Attributes:
        first: its first new frame.
        last: the frame after its last one.
        overlap: frames before `first` that it goes on from.
        sections: of the plan, in it, in order.
    """

    first: int
    last: int
    overlap: int
    sections: tuple[Section, ...] = ()


def windows(frames: int, frame_rate: float, plan: Cue) -> tuple[Window, ...]:
    """How `frames` frames are written: on the plan's sections where they allow it, else its bars.

    Args:
        frames: in all.
        frame_rate: frames a second.
        plan: the cue's form and tempo.
    """
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
            last = _on_section(last, at + least, frame_rate, plan)
        found.append(Window(at, last, held, _sections(plan, at / frame_rate, last / frame_rate)))
        at = last
    return tuple(found)


def join_at(beats_s: tuple[float, ...], bar_lines_s: tuple[float, ...], length_s: float) -> float:
    """Where music of `length_s` is left so that the next window begins on a beat, in seconds.

    The last bar line heard near its end, else the last beat, else the end itself.
    """
    for places in (bar_lines_s, beats_s):
        near = [place for place in places if length_s - _MOST_LATE_S <= place <= length_s - 0.02]
        if near:
            return near[-1]
    return length_s


def level_db(plan: Cue, start_s: float, end_s: float) -> float:
    """How loud a stretch is meant to be, against others, by how full the plan has its middle."""
    middle = plan.tempo.beat((start_s + end_s) / 2)
    before = [one for one in plan.sections if one.start <= middle] or list(plan.sections[:1])
    return _ARC_DB * (before[-1].density if before else 0.5)


def _on_section(last: int, earliest: int, frame_rate: float, plan: Cue) -> int:
    """The last section's or else bar's beginning at or before `last`, unless before `earliest`."""
    starts = [math.floor(plan.tempo.seconds(one.start) * frame_rate) for one in plan.sections]
    inside = [start for start in starts if earliest <= start <= last]
    if inside:
        return inside[-1]
    beat = plan.tempo.beat(last / frame_rate)
    line = plan.tempo.seconds(plan.tempo.bar_at(beat).beat)
    frame = math.floor(line * frame_rate + 1e-6)
    return frame if earliest <= frame <= last else last


def _sections(plan: Cue, start_s: float, end_s: float) -> tuple[Section, ...]:
    """The sections that sound in [start_s, end_s) for more than a moment."""
    found = []
    for section in plan.sections:
        begin = plan.tempo.seconds(section.start)
        end = plan.tempo.seconds(section.start + section.length)
        if min(end, end_s) - max(begin, start_s) > min(1.0, 0.5 * (end_s - start_s)):
            found.append(section)
    return tuple(found)
