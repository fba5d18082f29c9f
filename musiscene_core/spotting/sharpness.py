"""How sharp pictures are and how many faces they show, measured as they pass.

Sharpness is the variance of the Laplacian (Pech-Pacheco et al. 2000): blur and black take it away.
Faces cost forty times as much, so they are looked for in the sharpest picture of each second only,
by the detector that comes with OpenCV (Viola and Jones 2001). At the size that spotting looks at,
it finds faces that fill a quarter of the picture's height or more.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import cv2

from musiscene_core.spotting.likeness import Image

LOOK_S = 1.0
"""Faces are looked for once in so many seconds, and once a stretch of like pictures."""
_CASCADE = "haarcascade_frontalface_alt2.xml"
_STEP, _NEIGHBOURS = 1.2, 3


def sharpness(gray: Image) -> float:
    """Variance of the Laplacian of `gray` [H, W], 0 where all is one tone."""
    deviation = cv2.meanStdDev(cv2.Laplacian(gray, cv2.CV_16S))[1]
    return float(deviation[0, 0]) ** 2


class Faced(Protocol):
    """A picture in which faces may be counted.

    Attributes:
        faces: how many there are; below 0 where that is not known.
    """

    faces: int

    @property
    def gray(self) -> Image:
        """Luma [H, W]."""


class FaceWatch:
    """Counts faces in the sharpest picture of each second."""

    def __init__(self, fps: float, first: int = 0) -> None:
        """Watch pictures at `fps` cue frames a second, `first` the record frame of cue frame 0."""
        path = Path(cv2.__file__).parent / "data" / _CASCADE
        self._finder = cv2.CascadeClassifier(str(path)) if path.is_file() else None
        self._span = max(1, round(LOOK_S * fps))
        self._first = first
        self._second = 0
        self._best: tuple[float, int, Faced] | None = None
        self._found: dict[int, int] = {}

    @property
    def can_see(self) -> bool:
        """Whether OpenCV's detector is installed; without it nobody has a face."""
        return self._finder is not None

    def add(self, cue_frame: int, picture: Faced, sharp: float, *, another: bool) -> None:
        """Take note of a picture; `another` is true where it looks unlike the last."""
        # Seconds of the timeline: a range that is moved has its faces looked for where they were.
        second = (cue_frame + self._first) // self._span
        if another or second != self._second:
            self._look()
            self._second = second
        if self._best is None or sharp > self._best[0]:
            self._best = (sharp, cue_frame, picture)

    @property
    def so_far(self) -> dict[int, int]:
        """What was found of seconds that have passed."""
        return self._found

    def found(self) -> dict[int, int]:
        """The cue frames of the pictures that were looked at, and how many faces they show."""
        self._look()
        return self._found

    def _look(self) -> None:
        if self._best is None:
            return
        sharp, frame, picture = self._best
        self._best = None
        if self._finder is None or sharp <= 0:
            self._found[frame] = 0
            return
        if picture.faces < 0:
            picture.faces = len(self._finder.detectMultiScale(picture.gray, _STEP, _NEIGHBOURS))
        self._found[frame] = picture.faces
