"""How a picture differs from the one before it once the movement between them is undone.

Optical flow (DIS, Kroeger et al. 2016) carries the older picture onto the newer one. What still
differs is measured twice: how much colour changed (hue, saturation and value, after the content
detector of PySceneDetect), and how much structure was lost (one minus local correlation, which a
change of light leaves alone). Medians over blocks keep a title that pops up from counting as a new
shot. Their product, the rupture, tells cuts from movement.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Image = npt.NDArray[np.uint8]
FLOW_SIZE = (128, 72)
"""Pixels (across, down) on which movement is measured, whatever the picture's shape."""
COLOR_SIZE = (64, 36)
"""Pixels on which colour and structure are compared: half of FLOW_SIZE."""
_GRID = (16, 9)
_BLOCK = (8, 6)
"""Pixels (across, down) of a block in which structure is compared."""
_LIT = 10.0
"""Value (0-255) below which a block is black in both pictures and says nothing."""
_LIT_SHARE = 0.15
_TEXTURE = 4.0
"""Standard deviation (0-255) at which a block's structure counts half."""
_NOTHING = np.empty(0, dtype=np.float32)
_DOUBTFUL = 1.5
"""Rupture above which larger movement is looked for: flow alone misses jumps."""


class Difference(NamedTuple):
    """What changed from one picture to the next.

    Attributes:
        change: median change of colour where the picture is lit, 0 to about 500.
        loss: structure that is gone, 0 to about 1.
        flow: mean length of the movement, in diagonals of the picture.
    """

    change: float
    loss: float
    flow: float

    @property
    def rupture(self) -> float:
        """Change times loss: small under movement and under changing light."""
        return self.change * self.loss


class View:
    """One picture made small: what every comparison needs of it.

    Attributes:
        gray: luma [72, 128] uint8.
        color: BGR [36, 64, 3] uint8.
        hue, chroma, value: uint8 [36, 64]; hue runs 0-255 round the circle.
        blocks, texture: structure (see `_structure`).
        diagonal: (width, height) as shares of the picture's diagonal.
    """

    def __init__(self, image: Image | None) -> None:
        """Take `image` [H, W, 3] BGR; None is black."""
        if image is None:
            image = np.zeros((FLOW_SIZE[1], FLOW_SIZE[0], 3), dtype=np.uint8)
        height, width = image.shape[:2]
        length = float(np.hypot(width, height))
        self.diagonal = (width / length, height / length)
        large = image if (width, height) == FLOW_SIZE else shrunk(image, FLOW_SIZE)
        self.gray = _gray(large)
        self.color = shrunk(large, COLOR_SIZE)
        self.hue, self.chroma, self.value = _cylinder(self.color)
        self.blocks, self.texture = _structure(_gray(self.color))


class Comparer:
    """Compares pictures; keeps the flow solver and its grid."""

    def __init__(self) -> None:
        self._solver = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        across, down = np.meshgrid(np.arange(COLOR_SIZE[0]), np.arange(COLOR_SIZE[1]))
        self._grid = np.dstack([across, down]).astype(np.float32)
        self._window = cv2.createHanningWindow(FLOW_SIZE, cv2.CV_32F)

    def compare(self, before: View, after: View) -> Difference:
        """What changed from `before` to `after` beyond movement."""
        found = self._after_flow(before, after, self._flow(before, after, _NOTHING))
        if found.rupture < _DOUBTFUL:
            return found
        shift, _ = cv2.phaseCorrelate(
            after.gray.astype(np.float32), before.gray.astype(np.float32), self._window
        )
        start = np.empty((FLOW_SIZE[1], FLOW_SIZE[0], 2), dtype=np.float32)
        start[:] = shift
        again = self._after_flow(before, after, self._flow(before, after, start))
        return min(found, again, key=lambda difference: difference.rupture)

    def _flow(self, before: View, after: View, start: Floats) -> Floats:
        return np.asarray(self._solver.calc(after.gray, before.gray, start), np.float32)

    def _after_flow(self, before: View, after: View, flow: Floats) -> Difference:
        small = cv2.resize(flow, COLOR_SIZE, interpolation=cv2.INTER_AREA)
        scale = (after.diagonal[0] / FLOW_SIZE[0], after.diagonal[1] / FLOW_SIZE[1])
        length = float(cv2.magnitude(small[..., 0] * scale[0], small[..., 1] * scale[1]).mean())
        where = self._grid + 0.5 * small
        edge = cv2.BORDER_REPLICATE
        carried = np.asarray(
            cv2.remap(before.color, where, _NOTHING, cv2.INTER_LINEAR, borderMode=edge), np.uint8
        )
        return Difference(_color_change(carried, after), _structure_loss(carried, after), length)


def shrunk(image: Image, size: tuple[int, int]) -> Image:
    """`image` at `size` (across, down), averaged over areas."""
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def _gray(color: Image) -> Image:
    return np.asarray(cv2.cvtColor(color, cv2.COLOR_BGR2GRAY), np.uint8)


def _cylinder(color: Image) -> tuple[Image, Image, Image]:
    hsv = np.asarray(cv2.cvtColor(color, cv2.COLOR_BGR2HSV_FULL), np.uint8)
    hue, saturation, value = (np.ascontiguousarray(hsv[..., channel]) for channel in range(3))
    # Saturation of a dark pixel is noise; saturation times value, its chroma, is not.
    return hue, np.asarray(cv2.multiply(saturation, value, scale=1 / 255), np.uint8), value


def _color_change(carried: Image, after: View) -> float:
    hue, chroma, value = _cylinder(carried)
    turn = cv2.absdiff(hue, after.hue)
    turn = cv2.min(turn, cv2.bitwise_not(turn))
    colored = cv2.multiply(turn, cv2.min(chroma, after.chroma), scale=2 / 255, dtype=cv2.CV_32F)
    change = cv2.add(cv2.absdiff(chroma, after.chroma), colored, dtype=cv2.CV_32F)
    change = cv2.add(cv2.absdiff(value, after.value), change, dtype=cv2.CV_32F)
    blocks = cv2.resize(change, _GRID, interpolation=cv2.INTER_AREA).ravel()
    brightest = cv2.resize(cv2.max(value, after.value), _GRID, interpolation=cv2.INTER_AREA)
    lit = brightest.ravel() >= _LIT
    if lit.mean() >= _LIT_SHARE:
        blocks = blocks[lit]
    return float(np.median(blocks))


def _structure_loss(carried: Image, after: View) -> float:
    blocks, texture = _structure(_gray(carried))
    alike = np.einsum("ij,ij->i", blocks, after.blocks) / (texture * after.texture + 1.0)
    strongest = np.maximum(texture, after.texture)
    weight = strongest / (strongest + _TEXTURE)
    order = np.argsort(alike)
    total = np.cumsum(weight[order])
    return 1.0 - float(alike[order[np.searchsorted(total, total[-1] / 2)]])


def _structure(gray: Image) -> tuple[Floats, Floats]:
    """Blocks [n, pixels] about their mean, scaled by 1/sqrt(pixels), and their deviation [n]."""
    across, down = _BLOCK
    rows, columns = COLOR_SIZE[1] // down, COLOR_SIZE[0] // across
    blocks = (
        gray.astype(np.float32)
        .reshape(rows, down, columns, across)
        .transpose(0, 2, 1, 3)
        .reshape(rows * columns, down * across)
    )
    blocks = (blocks - blocks.mean(axis=1, keepdims=True)) / np.float32(np.sqrt(down * across))
    return blocks, np.sqrt(np.einsum("ij,ij->i", blocks, blocks))
