"""What is measured of one picture alone, and against the one before it."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import cv2
import msgspec
import numpy as np

from musiscene_core.spotting.likeness import Floats, View, shrunk
from musiscene_core.spotting.sharpness import sharpness

THUMB_SIZE = (32, 18)
"""Pixels (across, down) of the gray thumbnails compared over longer times."""
PATCHES = (8, 6)
"""Patches (across, down) whose colours tell how far a dissolve has come."""
UNKNOWN = -1
_DARK = 24.0
"""Channel value (0-255) below which colour is noise."""


class Measure(msgspec.Struct):
    """Numbers of one picture; some become known only later.

    Attributes:
        brightness: mean luma (Rec. 601 weights), 0 to 1.
        contrast: standard deviation of luma, 0 to 1.
        warmth: red less blue, over the strongest channel, of the mean colour, -1 to 1.
        saturation: chroma over value, weighted by value, 0 to 1.
        sharpness: variance of the Laplacian, 0 or more.
        thumb: uint8 [down * across] luma of THUMB_SIZE.
        patches: uint8 [down * across * 3] colours of PATCHES.
        time: file time in seconds, exact, as numerator and denominator.
        before: what the picture is known by against which it was compared.
        rupture: how much it differs from that one beyond movement (likeness.py).
        loss: structure gone since that one, 0 to about 1.
        flow: mean movement since that one, in picture diagonals.
        faces: how many there are; UNKNOWN where nobody looked.
    """

    brightness: float
    contrast: float
    warmth: float
    saturation: float
    sharpness: float
    thumb: bytes
    patches: bytes
    time: tuple[int, int] = (0, 1)
    before: str = ""
    rupture: float = 0.0
    loss: float = 0.0
    flow: float = 0.0
    faces: int = UNKNOWN

    @property
    def seconds(self) -> Fraction:
        """File time."""
        return Fraction(*self.time)


def stacked(measures: Sequence[Measure]) -> tuple[Floats, Floats]:
    """The thumbnails [n, pixels] and the patches [n, colours] of pictures as numbers."""
    thumbs, patches = (
        np.frombuffer(b"".join(parts), np.uint8).reshape(-1, size).astype(np.float32)
        for parts, size in (
            ((one.thumb for one in measures), THUMB_SIZE[0] * THUMB_SIZE[1]),
            ((one.patches for one in measures), 3 * PATCHES[0] * PATCHES[1]),
        )
    )
    return thumbs, patches


def measured(view: View, seconds: Fraction) -> Measure:
    """What can be said of a picture by itself; `seconds` is its file time."""
    mean, deviation = cv2.meanStdDev(view.gray)
    return Measure(
        brightness=float(mean[0, 0]) / 255,
        contrast=float(deviation[0, 0]) / 255,
        warmth=_warmth(view),
        saturation=_saturation(view),
        sharpness=sharpness(view.gray),
        thumb=shrunk(view.gray, THUMB_SIZE).tobytes(),
        patches=shrunk(view.color, PATCHES).tobytes(),
        time=(seconds.numerator, seconds.denominator),
    )


def _warmth(view: View) -> float:
    blue, green, red, _ = cv2.mean(view.color)
    return float((red - blue) / max(red, green, blue, _DARK))


def _saturation(view: View) -> float:
    chroma, value = cv2.mean(view.chroma)[0], cv2.mean(view.value)[0]
    return float(min(1.0, chroma / max(value, _DARK)))
