"""The things of the story: the lighthouse, its beam, the boat.

Each is drawn into a Picture at a place and size; none knows which shot it stands in.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from demo_film.paint import (
    COLUMNS,
    ROWS,
    Picture,
    arc,
    colour,
    mix,
    smooth,
    turned,
)

LAMP = "#ffca6a"
WARM = "#ffb347"


@dataclass(frozen=True)
class Coat:
    """Colours of the lighthouse in one light."""

    wall: str
    band: str
    iron: str
    glass: str
    window: str
    shade: float = 0.32


NIGHT = Coat("#5c79a8", "#8c4a5e", "#121a33", "#2c4668", "#ffc56b")
STORM = Coat("#4a5f78", "#6b4456", "#0d1420", "#22323f", "#ffbf63")
DARK = Coat("#2a3950", "#3a2c42", "#080d16", "#141f2c", "#141c2a")
DAWN = Coat("#fff1df", "#d9604f", "#4a3550", "#ffe2a8", "#6b5572", 0.16)


def lighthouse(
    picture: Picture, at: tuple[float, float], height: float, coat: Coat, depth: float, lit: float
) -> tuple[float, float]:
    """A banded tower standing at `at`; `lit` 0..1 fills the lantern. Returns the lamp's point."""
    x, y = at
    h = height

    def half(up: float) -> float:
        return h * (0.115 - 0.055 * up + 0.03 * (1 - up) ** 6)

    def ring(low: float, high: float, left: float = -1.0, right: float = 1.0) -> np.ndarray:
        ups = np.linspace(low, high, 9)
        a = [(x + left * half(u), y - u * 0.78 * h) for u in ups]
        b = [(x + right * half(u), y - u * 0.78 * h) for u in ups[::-1]]
        return np.array(a + b)

    look = {"depth": depth}
    picture.cut(ring(0, 1), paint=coat.wall, shadow=0.3, soft=5, **look)
    for low, high in ((0.12, 0.3), (0.48, 0.66), (0.84, 0.98)):
        picture.cut(ring(low, high), paint=coat.band, **look)
    picture.cut(ring(0, 1, 0.25), paint=coat.iron, opacity=coat.shade, **look)
    for up in (0.22, 0.4, 0.58, 0.76):
        w, row = 0.016 * h, y - up * 0.78 * h
        pane = np.concatenate(
            [
                arc(x - 0.01 * h, row, w, w, 180, 360),
                [[x - 0.01 * h + w, row + 0.04 * h]],
                [[x - 0.01 * h - w, row + 0.04 * h]],
            ]
        )
        picture.cut(pane, paint=coat.window, **look)
    top = y - 0.78 * h

    def box(w: float, low: float, high: float) -> np.ndarray:
        return np.array(
            [[x - w, top - low], [x + w, top - low], [x + w, top - high], [x - w, top - high]]
        )

    picture.cut(box(0.1 * h, -0.012 * h, 0.014 * h), paint=coat.iron, shadow=0.3, soft=3, **look)
    glass = mix(colour(coat.glass), colour("#fff3cf"), lit)
    picture.cut(box(0.052 * h, 0.014 * h, 0.115 * h), paint=glass, **look)
    bars = [
        np.array([[x + k * h, top], [x + k * h, top - 0.115 * h]])
        for k in (-0.05, -0.018, 0.018, 0.05)
    ]
    rails = [
        np.array([[x + k * h, top], [x + k * h, top - 0.04 * h]])
        for k in np.linspace(-0.095, 0.095, 9)
    ]
    rails.append(np.array([[x - 0.098 * h, top - 0.04 * h], [x + 0.098 * h, top - 0.04 * h]]))
    picture.draw(*bars, paint=coat.iron, width=max(1.0, 0.008 * h), **look)
    picture.draw(*rails, paint=coat.iron, width=max(1.0, 0.004 * h), **look)
    dome = np.concatenate(
        [
            arc(x, top - 0.115 * h, 0.066 * h, 0.062 * h, 180, 360),
            [[x + 0.066 * h, top - 0.11 * h]],
            [[x - 0.066 * h, top - 0.11 * h]],
        ]
    )
    picture.cut(dome, paint=coat.band, shadow=0.2, soft=3, **look)
    ball = arc(x, top - 0.188 * h, 0.011 * h, 0.011 * h, 0, 360)
    picture.cut(ball, paint=coat.iron, **look)
    return x, top - 0.065 * h


def beam(
    picture: Picture,
    lamp: tuple[float, float],
    turn: float,
    length: float,
    strength: float,
    depth: float,
    *,
    drop: float = 0.1,
    spread: float = 0.075,
) -> None:
    """Two opposed cones of light swung about the tower; `turn` in radians, pi/2 faces us."""
    lx, ly = picture.camera.place(lamp, depth)[0]
    scale = picture.camera.scale(depth)
    dx, dy = COLUMNS - np.float32(lx), ROWS - np.float32(ly)
    away = np.sqrt(dx * dx + dy * dy) + 1
    total = np.zeros_like(away)
    for angle in (turn, turn + np.pi):
        toward = np.sin(angle)
        reach = length * scale * (0.12 + abs(np.cos(angle)))
        aim = np.arctan2(drop * toward, np.cos(angle))
        off = np.abs(np.angle(np.exp(1j * (np.arctan2(dy, dx) - aim))))
        width = spread * (1 + 0.9 * max(toward, -0.4)) / (0.25 + abs(np.cos(angle)))
        core = np.exp(-((off / width) ** 2)) + 0.5 * np.exp(-((off / (0.4 * width)) ** 2))
        fall = np.exp(-away / reach) * np.clip(away / 8, 0, 1)
        total += (core * fall * (1 + 0.35 * toward)).astype(np.float32)
    picture.light(total, LAMP, 0.62 * strength)
    facing = max(0.0, float(np.sin(turn)), float(np.sin(turn + np.pi))) ** 10
    picture.glow(lamp, 9, "#fff1cc", 1.1 * strength, depth)
    picture.glow(lamp, 46 + 60 * facing, LAMP, strength * (0.42 + 0.5 * facing), depth)


def boat(
    picture: Picture,
    at: tuple[float, float],
    scale: float,
    angle: float,
    *,
    light: float,
    sail: bool,
    day: bool = False,
    depth: float = 1.0,
) -> tuple[float, float]:
    """A fishing boat heading right; returns the point of its lantern."""
    hull_paint, trim, cabin_paint, iron, sail_paint = (
        ("#b5483f", "#fff0dc", "#ffe0b5", "#59334a", "#fff4e2")
        if day
        else ("#6b2f3b", "#b9a58c", "#3d4f74", "#141b30", "#b98a63")
    )

    def p(points: object) -> np.ndarray:
        return turned(points, at, scale, angle)

    picture.draw(
        p([[8, -18], [8, -120]]),
        p([[8, -118], [92, -26]]),
        p([[8, -118], [-88, -20]]),
        paint=iron,
        width=max(1.0, 2.2 * scale),
        depth=depth,
    )
    if sail:
        belly = smooth([[12, -114], [34, -70], [62, -36], [34, -31], [12, -34]])
        picture.cut(p(belly), paint=sail_paint, depth=depth, shadow=0.25, soft=3, edge=0.08)
        aft = smooth([[4, -106], [-16, -70], [-46, -36], [-20, -33], [4, -34]])
        picture.cut(p(aft), paint=sail_paint, depth=depth, shadow=0.2, soft=3, opacity=0.9)
    else:
        furled = smooth([[4, -36], [-40, -42], [-44, -36], [-38, -32], [4, -28]])
        picture.cut(p(furled), paint=sail_paint, depth=depth, opacity=0.8)
    cabin = [[18, -14], [18, -44], [22, -48], [52, -48], [56, -42], [56, -14]]
    picture.cut(p(cabin), paint=cabin_paint, depth=depth, shadow=0.25, soft=3, edge=0.06)
    panes = (
        [[24, -40], [34, -40], [34, -28], [24, -28]],
        [[39, -40], [50, -40], [50, -28], [39, -28]],
    )
    pane = mix(colour("#26304a"), colour("#ffcf7d"), light)
    picture.cut(*[p(w) for w in panes], paint=pane, depth=depth)
    _fisher(picture, p, "#4b3a5c" if day else "#0e1428", "#f0b64a" if day else "#c78a3a", depth)
    hull = np.concatenate(
        [
            [[-98, -24]],
            smooth([[-98, -24], [-50, -15], [10, -13], [60, -20], [106, -36]], False),
            smooth([[106, -36], [92, -2], [74, 16], [-70, 18], [-90, 2], [-98, -24]], False),
        ]
    )
    picture.cut(p(hull), paint=hull_paint, depth=depth, shadow=0.35, soft=4, edge=0.1)
    rail = smooth([[-98, -24], [-50, -15], [10, -13], [60, -20], [106, -36]], False)
    picture.draw(p(rail), paint=trim, width=3 * scale, depth=depth)
    stripe = smooth([[-92, -4], [-40, 3], [20, 4], [70, -2], [92, -10]], False)
    picture.draw(p(stripe), paint=trim, width=2 * scale, depth=depth, opacity=0.55)
    hook = p([[8, -96]])[0]
    lantern = (float(hook[0]), float(hook[1]))
    if light:
        picture.cut(arc(*lantern, 4 * scale, 5 * scale, 0, 360), paint="#ffe6a8", depth=depth)
        picture.glow(lantern, 13 * scale, "#ffd98a", 0.9 * light, depth)
        picture.glow(lantern, 62 * scale, WARM, 0.38 * light, depth)
    return lantern


def _fisher(picture: Picture, p, coat: str, oilskin: str, depth: float) -> None:
    """A figure in a sou'wester at the tiller, in the boat's own points."""
    body = smooth([[-66, -12], [-64, -40], [-56, -50], [-44, -48], [-40, -34], [-38, -12]])
    arm = smooth([[-52, -44], [-72, -32], [-80, -24], [-76, -20], [-64, -26], [-48, -34]])
    picture.cut(p(body), p(arm), paint=oilskin, depth=depth, shadow=0.2, soft=2)
    picture.cut(p(arc(-48, -55, 7.5, 8, 0, 360)), paint=coat, depth=depth)
    hat = smooth([[-62, -54], [-56, -66], [-44, -68], [-38, -58], [-34, -55], [-48, -57]])
    picture.cut(p(hat), paint=oilskin, depth=depth)
    picture.draw(p([[-78, -24], [-96, -30]]), paint=coat, width=2, depth=depth)
