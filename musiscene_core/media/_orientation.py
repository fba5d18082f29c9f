"""How a decoded frame must be turned before it is shown.

The display matrix is FFmpeg's: nine 16.16 numbers, x' = a x + c y, y' = b x + d y.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np
from av.buffer import Buffer
from av.sidedata.sidedata import Type
from av.video.frame import VideoFrame as DecodedFrame
from numpy.typing import NDArray


@dataclass(frozen=True)
class Orientation:
    """Mirror left to right first, then turn clockwise.

    Attributes:
        quarter_turns: clockwise quarter turns, 0 to 3.
        mirrored: mirror before turning.
    """

    quarter_turns: int = 0
    mirrored: bool = False

    @property
    def degrees(self) -> int:
        """Clockwise turn in degrees: 0, 90, 180 or 270."""
        return 90 * self.quarter_turns

    @property
    def swaps_sides(self) -> bool:
        """Whether width and height change places."""
        return self.quarter_turns % 2 == 1

    def apply(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Turn an image [H, W, 3] the right way up."""
        if self == UPRIGHT:
            return image
        flipped = image[:, ::-1] if self.mirrored else image
        return np.ascontiguousarray(np.rot90(flipped, -self.quarter_turns))


UPRIGHT = Orientation()
_TURNS = {(1, 0): 0, (0, 1): 1, (-1, 0): 2, (0, -1): 3}


def orientation_of(frame: DecodedFrame) -> Orientation:
    """The orientation a frame asks for; upright where it asks for none or a slanted one."""
    try:
        data = cast("Mapping[Type, Buffer]", frame.side_data).get(Type.DISPLAYMATRIX)
    except ValueError:
        # Side data of a kind this PyAV cannot name hides all the rest; FFmpeg's own angle remains.
        return Orientation((-round(frame.rotation / 90)) % 4)
    if data is None:
        return UPRIGHT
    matrix = np.frombuffer(bytes(data), np.int32)
    a, b, c, d = (int(np.sign(matrix[i])) for i in (0, 1, 3, 4))
    mirrored = a * d - b * c < 0
    turns = _TURNS.get((-a, -b) if mirrored else (a, b))
    return UPRIGHT if turns is None else Orientation(turns, mirrored)
