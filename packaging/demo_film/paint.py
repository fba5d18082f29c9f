"""Paper, scissors and light: the drawing primitives of the demo film.

Pictures are float32 RGB [360, 640, 3] in 0..1. Points are [N, 2] in world units, which are pixels
when the camera stands at rest. Nothing here knows the story.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from demo_film.story import HEIGHT, WIDTH

Floats = NDArray[np.float32]
Mask = NDArray[np.uint8]
CENTRE = np.array([WIDTH / 2, HEIGHT / 2])
ROWS = np.arange(HEIGHT, dtype=np.float32)[:, None]
COLUMNS = np.arange(WIDTH, dtype=np.float32)[None, :]
_SUBPIXEL = 4


@lru_cache(maxsize=256)
def colour(code: str) -> Floats:
    """RGB [3] in 0..1 from "#rrggbb"."""
    return np.array([int(code[i : i + 2], 16) for i in (1, 3, 5)], dtype=np.float32) / 255


def mix(a: Floats, b: Floats, amount: float) -> Floats:
    return a + (b - a) * np.float32(min(max(amount, 0.0), 1.0))


def ease(x: float) -> float:
    """Smooth start and stop, 0..1."""
    x = min(max(x, 0.0), 1.0)
    return x * x * (3 - 2 * x)


def gradient(*stops: tuple[float, str] | tuple[float, Floats]) -> Floats:
    """Vertical gradient [360, 1, 3] through (row, colour) stops."""
    rows = [row for row, _ in stops]
    colours = np.array([colour(c) if isinstance(c, str) else c for _, c in stops])
    channels = [np.interp(ROWS[:, 0], rows, colours[:, k]) for k in range(3)]
    return np.stack(channels, axis=-1)[:, None, :].astype(np.float32)


def wander(t: float, seed: int, rate: float = 1.0) -> float:
    """A smooth wobble in -1..1: three sines whose rates share no period."""
    phase = seed * 2.399
    return float(
        0.5 * np.sin(rate * t * 6.28 + phase)
        + 0.3 * np.sin(rate * t * 10.9 + 1.7 * phase)
        + 0.2 * np.sin(rate * t * 17.3 + 2.3 * phase)
    )


@dataclass(frozen=True)
class Camera:
    """Where we look from; a layer at depth d moves d times as much (0 = infinitely far)."""

    x: float = 0.0
    y: float = 0.0
    zoom: float = 1.0
    roll: float = 0.0
    """Radians."""

    def scale(self, depth: float) -> float:
        return 1 + (self.zoom - 1) * depth

    def place(self, points: object, depth: float = 1.0) -> NDArray[np.float64]:
        """World points [N, 2] -> screen points [N, 2]."""
        p = np.atleast_2d(np.asarray(points, dtype=np.float64))
        p = (p - CENTRE - np.array([self.x, self.y]) * depth) * self.scale(depth)
        c, s = np.cos(self.roll), np.sin(self.roll)
        return p @ np.array([[c, s], [-s, c]]) + CENTRE

    def shaken(self, t: float, amount: float) -> Camera:
        """This camera held by an unsteady hand; `amount` in pixels."""
        return Camera(
            self.x + amount * wander(t, 3, 1.3),
            self.y + amount * wander(t, 5, 1.6),
            self.zoom,
            self.roll + amount * 0.0022 * wander(t, 8, 0.9),
        )


def turned(points: object, at: tuple[float, float], scale: float, angle: float) -> NDArray:
    """Local points scaled, turned by `angle` radians and moved to `at`."""
    c, s = np.cos(angle), np.sin(angle)
    return np.asarray(points, dtype=np.float64) * scale @ np.array([[c, s], [-s, c]]) + at


def arc(cx: float, cy: float, rx: float, ry: float, start: float, end: float) -> NDArray:
    """Points along an ellipse; angles in degrees, clockwise on screen from three o'clock."""
    steps = max(8, int(abs(end - start) / 6), int(abs(end - start) * max(rx, ry) / 500))
    a = np.radians(np.linspace(start, end, steps))
    return np.stack([cx + rx * np.cos(a), cy + ry * np.sin(a)], axis=1)


def smooth(points: object, closed: bool = True) -> NDArray:
    """A rounded outline through control points (two rounds of Chaikin's corner cutting)."""
    p = np.asarray(points, dtype=np.float64)
    for _ in range(2):
        following = np.roll(p, -1, axis=0) if closed else p[1:]
        here = p if closed else p[:-1]
        cut = np.stack([0.75 * here + 0.25 * following, 0.25 * here + 0.75 * following], axis=1)
        rounded = cut.reshape(-1, 2)
        p = rounded if closed else np.concatenate([p[:1], rounded, p[-1:]])
    return p


class Picture:
    """One frame being cut and pasted, seen through a camera."""

    def __init__(self, camera: Camera, background: Floats) -> None:
        self.camera = camera
        self.rgb: Floats = np.array(np.broadcast_to(background, (HEIGHT, WIDTH, 3)), np.float32)

    def mask(self, *outlines: object, depth: float = 1.0) -> Mask:
        """Antialiased coverage [360, 640] of the union of closed outlines."""
        mask = np.zeros((HEIGHT, WIDTH), np.uint8)
        for outline in outlines:
            fixed = np.round(self.camera.place(outline, depth) * (1 << _SUBPIXEL)).astype(np.int32)
            cv2.fillPoly(mask, [fixed], 255, cv2.LINE_AA, _SUBPIXEL)
        return mask

    def strokes(
        self, *paths: object, width: float = 1.0, depth: float = 1.0, closed: bool = False
    ) -> Mask:
        """Antialiased coverage [360, 640] of lines; `width` in world units."""
        mask = np.zeros((HEIGHT, WIDTH), np.uint8)
        thick = max(1, round(width * self.camera.scale(depth)))
        for path in paths:
            fixed = np.round(self.camera.place(path, depth) * (1 << _SUBPIXEL)).astype(np.int32)
            cv2.polylines(mask, [fixed], closed, 255, thick, cv2.LINE_AA, _SUBPIXEL)
        return mask

    def paste(
        self,
        mask: Mask,
        paint: Floats | str,
        *,
        opacity: float = 1.0,
        shadow: float = 0.0,
        lift: tuple[float, float] = (2.0, -3.0),
        soft: float = 5.0,
        edge: float = 0.0,
    ) -> None:
        """Lays paper of colour `paint` ([3] or [360, 1, 3]) under `mask`.

        `shadow` darkens what lies behind, offset by `lift`; `edge` lights the paper's upper rim.
        """
        x, y, w, h = cv2.boundingRect(mask)
        if w == 0:
            return
        margin = int(3 * soft + max(abs(lift[0]), abs(lift[1]))) if shadow else 1
        top, bottom = max(0, y - margin), min(HEIGHT, y + h + margin)
        left, right = max(0, x - margin), min(WIDTH, x + w + margin)
        cover = mask[top:bottom, left:right].astype(np.float32) * np.float32(opacity / 255)
        region = self.rgb[top:bottom, left:right]
        if shadow:
            dark = cv2.GaussianBlur(_moved(cover, lift), (0, 0), soft)
            region *= (1 - np.float32(shadow) * dark)[..., None]
        paper = colour(paint) if isinstance(paint, str) else paint
        paper = paper[top:bottom] if paper.ndim == 3 else paper
        if edge:
            rim = np.clip(cover - _moved(cover, (0.0, 1.4)), 0, 1)[..., None]
            paper = paper + rim * np.float32(edge)
        region += cover[..., None] * (paper - region)

    def cut(self, *outlines: object, paint: Floats | str, depth: float = 1.0, **look: Any) -> None:
        """Pastes the union of closed outlines in one colour; see `paste` for the look."""
        self.paste(self.mask(*outlines, depth=depth), paint, **look)

    def draw(
        self,
        *paths: object,
        paint: Floats | str,
        width: float = 1.0,
        depth: float = 1.0,
        **look: Any,
    ) -> None:
        """Pastes open lines in one colour; see `paste` for the look."""
        self.paste(self.strokes(*paths, width=width, depth=depth), paint, **look)

    def light(self, mask: Floats, paint: Floats | str, strength: float = 1.0) -> None:
        """Adds light: `mask` [360, 640] in 0..1."""
        tint = colour(paint) if isinstance(paint, str) else paint
        self.rgb += mask[..., None] * (tint * np.float32(strength))

    def glow(
        self, at: object, radius: float, paint: Floats | str, strength: float, depth: float = 1.0
    ) -> None:
        """Adds a round halo of light around a world point."""
        self.light(self.falloff(at, radius, depth), paint, strength)

    def falloff(self, at: object, radius: float, depth: float = 1.0) -> Floats:
        """1 at the world point, falling off smoothly: 1/4 at `radius`. [360, 640]"""
        x, y = self.camera.place(at, depth)[0].astype(np.float32)
        r = np.float32(radius * self.camera.scale(depth))
        near = ((COLUMNS - x) ** 2 + (ROWS - y) ** 2) / (r * r)
        return 1 / (1 + near) ** 2


def _moved(cover: Floats, by: tuple[float, float]) -> Floats:
    matrix = np.array([[1, 0, by[0]], [0, 1, by[1]]], dtype=np.float32)
    return cv2.warpAffine(cover, matrix, (cover.shape[1], cover.shape[0]))


@lru_cache(maxsize=1)
def _paper() -> Floats:
    """The tooth of the paper the film is printed on, [360, 640, 1] about 1."""
    noise = np.random.default_rng(11).standard_normal((HEIGHT, WIDTH)).astype(np.float32)
    fibres = cv2.GaussianBlur(noise, (0, 0), 1.6, sigmaY=0.7) * 1.6
    clouds = cv2.GaussianBlur(noise, (0, 0), 24) * 24
    return (1 + 0.011 * fibres + 0.012 * clouds)[..., None]


@lru_cache(maxsize=1)
def _vignette() -> Floats:
    away = ((COLUMNS / WIDTH - 0.5) / 0.62) ** 2 + ((ROWS / HEIGHT - 0.5) / 0.62) ** 2
    return (1 - 0.42 * np.clip(away - 0.25, 0, 1) ** 1.4).astype(np.float32)[..., None]


def developed(rgb: Floats, frame: int, grain: float = 0.7) -> Mask:
    """Bloom, vignette, paper, `grain` steps of 255 of grain; returns uint8 RGB [360, 640, 3]."""
    small = cv2.resize(rgb, (WIDTH // 4, HEIGHT // 4), interpolation=cv2.INTER_AREA)
    halo = cv2.GaussianBlur(np.clip(small - 0.72, 0, 2), (0, 0), 7)
    lit = rgb + 0.5 * cv2.resize(halo, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)
    lit = lit * _vignette() * _paper()
    shoulder = 0.62 * _rolled_off(lit)
    peak = lit.max(axis=2, keepdims=True)
    shoulder += 0.38 * lit * (_rolled_off(peak) / np.maximum(peak, 1e-3))
    noise = np.random.default_rng(1000 + frame).standard_normal((HEIGHT, WIDTH, 1))
    return np.clip(shoulder * 255 + grain * noise + 0.5, 0, 255).astype(np.uint8)


def _rolled_off(x: Floats) -> Floats:
    """Highlights bent towards 1 above 0.8."""
    return np.where(x > 0.8, 0.8 + 0.2 * np.tanh((x - 0.8) * 3.6), x)


@lru_cache(maxsize=4)
def title(text: str, size: int, spacing: int, at: tuple[int, int]) -> Mask:
    """Coverage [360, 640] of spaced capitals in Pillow's own face, centred on `at`'s column."""
    font = ImageFont.load_default(size)
    image = Image.new("L", (WIDTH, HEIGHT))
    pen = ImageDraw.Draw(image)
    widths = [font.getlength(letter) for letter in text]
    x = at[0] - (sum(widths) + spacing * (len(text) - 1)) / 2
    for letter, width in zip(text, widths, strict=True):
        pen.text((x, at[1]), letter, fill=255, font=font, stroke_width=0.4)
        x += width + spacing
    return np.asarray(image)
