"""Which frames will likely stand for a scene, told while it is still being watched.

Shots are known only once all is watched. Until then a picture that looks unlike the last is taken
for a cut; what is told too much costs time, never correctness: frames.py has the last word.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from musiscene_core.spotting.frames import SAMPLES, best_in, cells, first_cell, inside

OnFrame = Callable[[int], None]
"""Hears of a cue frame, once, from the thread that watches."""


class Foresight:
    """Tells frames as soon as the stretch they stand for has passed."""

    def __init__(self, length: int, first: int, on_frame: OnFrame) -> None:
        """Foresee a range of `length` cue frames from record frame `first`."""
        self._sharpness = np.zeros(length, dtype=np.float32)
        self._length = length
        self._first = first
        self._cell = first_cell(length)
        self._on_frame = on_frame
        self._told: set[int] = set()
        self._begun = 0
        self._known = 0
        self._shots = 0

    def add(self, cue_frame: int, sharp: float, faces: Mapping[int, int], *, another: bool) -> None:
        """Take note of a picture that appears; `another` is true where it looks unlike the last."""
        if cue_frame:
            # A picture holds until the next.
            self._sharpness[self._known + 1 : cue_frame] = self._sharpness[self._known]
        if another and cue_frame > self._begun:
            self._end(cue_frame, faces)
        elif self._shots < SAMPLES:
            self._pass(cue_frame, faces)
        self._sharpness[cue_frame] = sharp
        self._known = cue_frame

    def finish(self, faces: Mapping[int, int]) -> None:
        """Take note that all has passed."""
        self._sharpness[self._known + 1 :] = self._sharpness[self._known]
        self._end(self._length, faces)

    def _pass(self, cue_frame: int, faces: Mapping[int, int]) -> None:
        """Tell of the cells of the grid that have passed within the shot that goes on."""
        before = (self._known + self._first) // self._cell
        now = (cue_frame + self._first) // self._cell
        for cell in range(before, now):
            start = cell * self._cell - self._first
            if start > self._begun:
                self._tell(start, start + self._cell, faces)

    def _end(self, end: int, faces: Mapping[int, int]) -> None:
        span = inside(self._begun, end)
        many = self._shots >= SAMPLES
        parts = [span] if many else cells(*span, self._cell, self._first)
        for start, stop in parts:
            self._tell(start, stop, faces)
        self._begun = end
        self._shots += 1

    def _tell(self, start: int, end: int, faces: Mapping[int, int]) -> None:
        frame = best_in(start, end, self._sharpness, faces)
        if frame not in self._told:
            self._told.add(frame)
            self._on_frame(frame)
