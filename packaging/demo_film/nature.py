"""Sky, sea and weather of the demo film, each a function of time so that any frame stands alone.

Every function adds one element to a Picture; the order of calls is the order of the paper layers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from demo_film.paint import Floats, Picture, arc, colour, gradient, mix, wander

BELOW = 900.0
"""A row safely under the picture, where closed outlines of ground and sea end."""


@dataclass(frozen=True)
class Swell:
    """A train of waves drawn as one layer of paper."""

    row: float
    """Mean water line."""
    height: float
    length: float
    speed: float
    """Pixels a second; positive runs to the right."""
    seed: int
    chop: float = 0.6
    """0 = sine, 1 = sharp crests."""

    def crest(self, t: float) -> NDArray[np.float64]:
        """The water's edge from left to right, [N, 2]: three Gerstner waves."""
        x = np.arange(-140.0, 790.0, 4.0)
        across, up = np.zeros_like(x), np.zeros_like(x)
        for k, (share, ratio) in enumerate(((0.62, 1.0), (0.27, 0.57), (0.11, 0.31))):
            number = 2 * np.pi / (self.length * ratio)
            phase = number * x - number * self.speed * t * ratio**-0.5 + self.seed * (1.7 + k)
            up += share * self.height * np.cos(phase)
            across -= self.chop * share * self.height * np.sin(phase)
        return np.stack([x + across, self.row - up], axis=1)

    def at(self, x: float, t: float) -> tuple[float, float]:
        """Row of the water and its slope (radians) near column x."""
        crest = self.crest(t)
        near = np.interp([x - 34, x, x + 34], crest[:, 0], crest[:, 1])
        return float(near.mean()), float(np.arctan2(near[2] - near[0], 68))


def water(
    picture: Picture,
    swell: Swell,
    t: float,
    top: str | Floats,
    deep: str | Floats,
    *,
    depth: float = 1.0,
    foam: str | None = None,
    lines: int = 2,
    shadow: float = 0.3,
) -> None:
    """One layer of sea: graded paper, contour lines under the crest, foam on high crests."""
    crest = swell.crest(t)
    row = float(picture.camera.place([[320, swell.row]], depth)[0, 1])
    reach = 40 + 1.6 * swell.height
    paint = gradient((row - swell.height, top), (row + reach, deep))
    outline = np.concatenate([crest, [[790, BELOW], [-140, BELOW]]])
    picture.cut(outline, paint=paint, depth=depth, shadow=shadow, soft=6, lift=(0, -4), edge=0.07)
    tint = colour(top) if isinstance(top, str) else top
    for k in range(lines):
        lower = crest.copy()
        lower[:, 1] = swell.row + (crest[:, 1] - swell.row) * (0.86 - 0.16 * k) + 7 + 8 * k
        breaks = np.cos(crest[:, 0] / (31 + 9 * k) + swell.seed + 0.7 * t) > -0.25
        runs = [lower[i] for i in np.split(np.arange(len(lower)), _edges(breaks))]
        first = 0 if breaks[0] else 1
        picture.draw(
            *runs[first::2],
            paint=mix(tint, colour("#ffffff"), 0.25),
            depth=depth,
            opacity=0.34 - 0.1 * k,
        )
    if foam:
        high = np.clip((swell.row - crest[:, 1]) / max(swell.height, 1), 0, 1) ** 1.5
        ragged = 1 + 0.5 * np.sin(crest[:, 0] / 5.3 + swell.seed + 3 * t)
        cap = crest + np.stack([0 * high, high * ragged * (3 + 0.16 * swell.height)], axis=1)
        outline = np.concatenate([crest - [0, 1.0], cap[::-1]])
        picture.cut(outline, paint=foam, depth=depth, opacity=0.8)


def _edges(flags: NDArray[np.bool_]) -> NDArray[np.intp]:
    return np.flatnonzero(np.diff(flags)) + 1


def stars(picture: Picture, t: float, below: float, strength: float = 1.0) -> None:
    """Twinkling points above row `below`."""
    rng = np.random.default_rng(4)
    for _ in range(110):
        x, y = rng.uniform(-40, 680), below * rng.uniform(-0.1, 1)
        size, phase, rate = rng.uniform(0.5, 1.5), rng.uniform(0, 6.28), rng.uniform(1, 4)
        shine = strength * (0.55 + 0.45 * np.sin(phase + rate * t)) * max(0.0, 1 - y / below)
        if shine < 0.06:
            continue
        px, py = picture.camera.place([[x, y]], 0.05)[0]
        left, top = int(px) - 3, int(py) - 3
        if not (0 <= left < 633 and 0 <= top < 353):
            continue
        gy, gx = np.mgrid[top : top + 7, left : left + 7]
        dot = np.exp(-((gx - px) ** 2 + (gy - py) ** 2) / (size * size))
        picture.rgb[top : top + 7, left : left + 7] += (shine * dot)[..., None] * colour("#dfe9ff")


def moon(picture: Picture, at: tuple[float, float], radius: float, warm: bool = False) -> None:
    """A paper disc inside ever larger, ever fainter discs of light."""
    tint = "#ffd9a0" if warm else "#c9dcff"
    strength = 0.016 if warm else 0.028
    for k, size in enumerate((5.2, 3.7, 2.5, 1.65)):
        ring = picture.mask(arc(*at, radius * size, radius * size, 0, 360), depth=0.08)
        picture.light(ring.astype(np.float32) / 255, tint, strength * (1 + 0.5 * k))
    disc = arc(*at, radius, radius, 0, 360)
    picture.cut(disc, paint="#fff6d8" if warm else "#f4f1e2", depth=0.08)
    if not warm:
        for dx, dy, r in ((-0.3, -0.2, 0.22), (0.28, 0.3, 0.3), (0.25, -0.4, 0.12)):
            crater = arc(at[0] + dx * radius, at[1] + dy * radius, r * radius, r * radius, 0, 360)
            picture.cut(crater, paint="#dcdccb", depth=0.08, opacity=0.7)


def glitter(
    picture: Picture, t: float, x: float, top: float, bottom: float, tint: str, strength: float
) -> None:
    """Broken reflections of a light on the water under column x."""
    rng = np.random.default_rng(21)
    paths = []
    for _ in range(int(18 + 0.5 * (bottom - top))):
        down = rng.uniform(0, 1)
        y = top + (bottom - top) * down
        nearness = max(0.0, (y - 225) / 130)
        spread, length = 12 + 60 * nearness, 5 + 26 * nearness * rng.uniform(0.4, 1)
        offset, phase, rate = rng.normal() * 0.6, rng.uniform(0, 6.28), rng.uniform(2, 5)
        if np.sin(phase + rate * t) > 0.0:
            cx = x + spread * offset + 3 * np.sin(phase + t)
            paths.append(np.array([[cx - length / 2, y], [cx + length / 2, y]]))
    mask = picture.strokes(*paths, width=1, depth=0.5)
    picture.light(mask.astype(np.float32) / 255, tint, strength)


@lru_cache(maxsize=32)
def _bank(seed: int, width: float, puff: float) -> tuple[tuple[float, float, float], ...]:
    """Circles (x, y, r) whose union is a bank of cloud, about the origin."""
    rng = np.random.default_rng(seed)
    circles = []
    x = -width / 2
    while x < width / 2:
        dome = np.sqrt(max(0.05, 1 - (2 * x / width) ** 2))
        r = puff * (0.45 + 0.75 * dome * rng.uniform(0.6, 1))
        circles.append((x, -0.35 * puff * dome * rng.uniform(0.3, 1), r))
        x += r * rng.uniform(0.75, 1.05)
    return tuple(circles)


def cloud(
    picture: Picture,
    at: tuple[float, float],
    width: float,
    puff: float,
    seed: int,
    paint: Floats | str,
    *,
    depth: float = 0.4,
    upside_down: bool = False,
    shadow: float = 0.35,
    opacity: float = 1.0,
    edge: float = 0.05,
) -> None:
    """A bank of scalloped cloud with a flat far side; upside down it hangs from above."""
    turn = -1 if upside_down else 1
    outlines = [
        arc(at[0] + x, at[1] + turn * y, r, r, 0, 360) for x, y, r in _bank(seed, width, puff)
    ]
    left, right = at[0] - width / 2, at[0] + width / 2
    if upside_down:
        body = [[left, at[1]], [right, at[1]], [right, at[1] - 500], [left, at[1] - 500]]
    else:
        foot = at[1] + 0.3 * puff
        outlines = [np.minimum(o, [1e9, foot]) for o in outlines]
        body = [[left, foot - 2], [right, foot - 2], [right, foot], [left, foot]]
    mask = picture.mask(*outlines, body, depth=depth)
    lift = (0.0, 5.0) if upside_down else (0.0, -4.0)
    picture.paste(mask, paint, shadow=shadow, soft=8, lift=lift, edge=edge, opacity=opacity)


def rain(picture: Picture, t: float, strength: float, slant: float = 0.35) -> None:
    """Two sheets of falling streaks; strength 0..1 is how many and how bright."""
    for sheet, (count, length, speed) in enumerate(((70, 17, 620), (34, 34, 980))):
        rng = np.random.default_rng(60 + sheet)
        x0, y0 = rng.uniform(-160, 680, count), rng.uniform(0, 440, count)
        keep = int(count * strength)
        y = (y0 + speed * t * rng.uniform(0.9, 1.1, count)) % 440 - 40
        x = (x0 - slant * (y + 40)) % 840 - 80
        tails = np.stack([x, y], 1)
        heads = tails + np.array([-slant * length, length])
        mask = picture.strokes(*np.stack([tails, heads], 1)[:keep], depth=0.0)
        picture.light(mask.astype(np.float32) / 255, "#a9c4dc", 0.16 + 0.08 * sheet)


def bolt(
    picture: Picture, start: tuple[float, float], end: tuple[float, float], seed: int, level: float
) -> None:
    """A forked stroke of lightning, as bright as `level`."""
    if level <= 0.05:
        return
    rng = np.random.default_rng(seed)
    paths = [_jagged(rng, np.array(start), np.array(end))]
    for _ in range(3):
        root = paths[0][rng.integers(8, 22)]
        tip = root + rng.uniform([-60, 50], [60, 90])
        paths.append(_jagged(rng, root, tip)[::2])
    core = picture.strokes(paths[0], width=2, depth=0.2)
    twigs = picture.strokes(*paths[1:], width=1, depth=0.2)
    stroke = np.maximum(core, twigs).astype(np.float32) / 255
    picture.light(cv2.GaussianBlur(stroke, (0, 0), 7) * 3.0, "#8f9dff", level)
    picture.light(cv2.GaussianBlur(stroke, (0, 0), 2.2), "#c9d0ff", 1.2 * level)
    picture.light(stroke, "#ffffff", 1.3 * level)


def _jagged(rng: np.random.Generator, start: NDArray, end: NDArray) -> NDArray:
    """A broken line by five rounds of midpoint displacement, [33, 2]."""
    points = np.stack([start, end]).astype(np.float64)
    reach = 0.11 * np.hypot(*(end - start))
    for _ in range(5):
        middle = (points[:-1] + points[1:]) / 2
        middle += rng.uniform(-1, 1, middle.shape) * [reach, 0.3 * reach]
        points = np.insert(points, np.arange(1, len(points)), middle, axis=0)
        reach *= 0.52
    return points


def ridge(
    left: float, right: float, row: float, height: float, seed: int, step: float = 26
) -> NDArray:
    """A closed outline of jagged ground rising to `height` above `row`, ends sloping down."""
    rng = np.random.default_rng(seed)
    x = np.arange(left, right + 1, step)
    hump = np.sin(np.pi * (x - left) / (right - left)) ** 0.6
    y = row - height * hump * rng.uniform(0.55, 1, len(x))
    x = x + rng.uniform(-0.3, 0.3, len(x)) * step
    return np.concatenate([np.stack([x, y], 1), [[right, BELOW], [left, BELOW]]])


def spray(picture: Picture, t: float, at: tuple[float, float], period: float, size: float) -> None:
    """Drops thrown up at a point every `period` seconds."""
    age = t % period
    rng = np.random.default_rng(int(t // period) + 90)
    angle = rng.uniform(-2.7, -0.4, 40)
    speed = rng.uniform(0.3, 1, 40) * size
    x = at[0] + np.cos(angle) * speed * age * 1.6
    y = at[1] + np.sin(angle) * speed * age * 2.2 + 190 * age * age
    drops = [
        arc(a, b, r, r, 0, 360) for a, b, r in zip(x, y, rng.uniform(0.6, 1.7, 40), strict=True)
    ]
    picture.cut(
        *drops,
        paint="#dfe9ee",
        opacity=float(np.clip(4 * age - 0.4, 0, 1) * np.clip(0.8 - age / 0.9, 0, 1)),
    )


def gull(picture: Picture, at: tuple[float, float], size: float, t: float, paint: str) -> None:
    """A bird of two bent wings beating twice a second."""
    beat = 0.5 * np.sin(t * 11) * (0.4 + 0.6 * (wander(t, 2, 0.3) > 0))
    wings = np.array(
        [
            [-1, -0.25 - beat],
            [-0.45, -0.42 - 0.3 * beat],
            [0, 0],
            [0.45, -0.42 - 0.3 * beat],
            [1, -0.25 - beat],
            [0.45, -0.24 - 0.3 * beat],
            [0, 0.16],
            [-0.45, -0.24 - 0.3 * beat],
        ]
    )
    picture.cut(wings * size + at, paint=paint, depth=0.6)
