"""Measure every picture that appears, once, as it comes: one number of each kind a picture.

Pictures are forgotten as soon as they are measured, so memory does not grow with the film beyond
these numbers. Knows nothing of shots.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from musiscene_core.spotting.dissolves import Dissolve, DissolveWatch
from musiscene_core.spotting.foresight import Foresight, OnFrame
from musiscene_core.spotting.likeness import Comparer, Floats
from musiscene_core.spotting.measures import PATCHES, THUMB_SIZE, Measure, stacked
from musiscene_core.spotting.passing import Passing
from musiscene_core.spotting.playback import Shown
from musiscene_core.spotting.sharpness import FaceWatch

RETURN_S = 0.3
"""How long a flash may last."""
_AT_ONCE = 128
"""Pictures compared with earlier ones at once."""
OTHER = 2.4
"""Rupture above which a picture shows something else than the last: movement stays below."""


@dataclass(frozen=True)
class Watched:
    """What was measured, a value for each of M pictures that appeared.

    Attributes:
        cue_frame: int [M], where each appeared; it holds until the next.
        opens: bool [M], whether another stretch of the timeline begins with it.
        black: bool [M], whether it stands for a gap.
        brightness: [M] mean luma (Rec. 601 weights), 0 to 1.
        contrast: [M] standard deviation of luma, 0 to 1.
        warmth: [M] red less blue, over the strongest channel, of the mean colour, -1 to 1.
        saturation: [M] chroma over value, weighted by value, 0 to 1.
        rupture: [M] how much it differs from the one before beyond movement (likeness.py).
        loss: [M] structure gone since the one before, 0 to about 1.
        speed: [M] mean movement since the one before, in picture diagonals a second; NaN where
            unknown.
        sharpness: [M] variance of the Laplacian, 0 or more.
        lagged: [M, K] mean difference of luma (0-255) to the picture 1 ... K earlier.
        dissolves: what was seen to dissolve.
        faces: how many faces there are, at the cue frames that were looked at.
        length: the range's length in cue frames.
    """

    cue_frame: npt.NDArray[np.int64]
    opens: npt.NDArray[np.bool_]
    black: npt.NDArray[np.bool_]
    brightness: Floats
    contrast: Floats
    warmth: Floats
    saturation: Floats
    rupture: Floats
    loss: Floats
    speed: Floats
    sharpness: Floats
    lagged: Floats
    dissolves: tuple[Dissolve, ...]
    faces: dict[int, int]
    length: int

    def held(self, values: Floats) -> Floats:
        """`values` [M] for every cue frame [length]: each holds until the next picture."""
        holds = np.diff(np.append(self.cue_frame, self.length))
        return np.repeat(values, holds)


class Recorder:
    """Measures pictures in order."""

    def __init__(
        self, length: int, fps: float, first: int = 0, on_frame: OnFrame | None = None
    ) -> None:
        """Make room for a range of `length` cue frames at `fps` from record frame `first`.

        `on_frame` hears of frames that will likely stand for the scene, as they pass.
        """
        self._foresight = Foresight(length, first, on_frame) if on_frame else None
        lags = min(20, max(4, int(np.ceil(RETURN_S * fps))))
        self._length = length
        self._count = 0
        self._cue_frame = np.zeros(length, dtype=np.int64)
        self._flags = np.zeros((2, length), dtype=np.bool_)
        self._values = np.zeros((8, length), dtype=np.float32)
        self._lagged = np.zeros((length, lags), dtype=np.float32)
        self._small: list[Measure] = []
        self._thumbs = np.zeros((0, THUMB_SIZE[0] * THUMB_SIZE[1]), dtype=np.float32)
        self._comparer = Comparer()
        self._before: Passing | None = None
        self._faces = FaceWatch(fps, first)
        self._dissolves = DissolveWatch(fps, THUMB_SIZE[0] * THUMB_SIZE[1], PATCHES)

    def add(self, shown: Shown) -> None:
        """Measure one picture; its cue frame lies after that of the one before."""
        picture, index = Passing(shown), self._count
        measure = picture.measure
        self._cue_frame[index] = shown.cue_frame
        self._flags[:, index] = shown.opens, shown.image is None and shown.known is None
        rupture, loss, speed = 0.0, 0.0, np.nan
        if self._before is not None:
            picture.compare(self._before, self._comparer)
            rupture, loss = measure.rupture, measure.loss
            if shown.elapsed_s:
                speed = measure.flow / shown.elapsed_s
            self._before.keep(shown.cue_frame)
        sharp = measure.sharpness
        another = shown.opens or rupture >= OTHER
        self._faces.add(shown.cue_frame, picture, sharp, another=another)
        if self._foresight is not None:
            self._foresight.add(shown.cue_frame, sharp, self._faces.so_far, another=another)
        self._values[:, index] = (
            measure.brightness,
            measure.contrast,
            measure.warmth,
            measure.saturation,
            rupture,
            loss,
            speed,
            sharp,
        )
        self._before = picture
        self._count += 1
        self._small.append(measure)
        if len(self._small) == _AT_ONCE:
            self._look_back()

    def finish(self) -> Watched:
        """All that was measured."""
        self._look_back()
        faces = self._faces.found()
        if self._before is not None:
            self._before.keep(self._length)
        if self._foresight is not None:
            self._foresight.finish(faces)
        count = self._count
        values = self._values[:, :count]
        return Watched(
            cue_frame=self._cue_frame[:count],
            opens=self._flags[0, :count],
            black=self._flags[1, :count],
            brightness=values[0],
            contrast=values[1],
            warmth=values[2],
            saturation=values[3],
            rupture=values[4],
            loss=values[5],
            speed=values[6],
            sharpness=values[7],
            lagged=self._lagged[:count],
            dissolves=self._dissolves.found(),
            faces=faces,
            length=self._length,
        )

    def _look_back(self) -> None:
        """Compare the newest pictures with those before them, over longer times."""
        small, self._small = self._small, []
        thumbs, patches = stacked(small)
        places = slice(self._count - len(small), self._count)
        self._dissolves.add(self._cue_frame[places], thumbs, patches)
        earlier, lags = len(self._thumbs), self._lagged.shape[1]
        joined = np.concatenate([self._thumbs, thumbs])
        for lag in range(1, min(lags, len(joined) - 1) + 1):
            first = max(earlier, lag)
            change = np.abs(joined[first:] - joined[first - lag : len(joined) - lag])
            rows = self._lagged[places]
            rows[first - earlier :, lag - 1] = change.mean(axis=1)
        self._thumbs = joined[-lags:]
