"""Shots six, nine and ten, at sea: darkness, the lamp lit again, dawn.

A shot is a function of (seconds since its start, frame of the film) to a Picture.
"""

from __future__ import annotations

import numpy as np

from demo_film import nature, props
from demo_film.nature import BELOW, Swell, water
from demo_film.paint import (
    Camera,
    Picture,
    colour,
    ease,
    gradient,
    mix,
    smooth,
    title,
    wander,
)
from demo_film.story import (
    BEAM_FINDS_BOAT,
    FPS,
    SHOTS,
    flash,
)


def darkness(t: float, frame: int) -> Picture:
    """Over the boat's stern: rocks like teeth, the tower a black shape; one flash shows them."""
    level = 0.6 * flash(frame)
    camera = Camera(x=-10 + 9 * t, y=3 * np.sin(1.7 * t), zoom=1.03 + 0.03 * t).shaken(t, 3)
    sky = gradient((0, "#05080f"), (150, "#0d1826"), (240, "#1a2b3a"))
    picture = Picture(camera, sky + np.float32(0.5 * level) * colour("#b9c6ee"))
    nature.bolt(picture, (150, -10), (120, 220), 31, 1.5 * level)
    shade = 0.5 * level
    for j in range(3):
        paint = mix(colour("#0c1520"), colour("#8f9cc4"), 0.5 * level)
        nature.cloud(
            picture,
            ((-40 + 330 * j - 26 * t) % 960 - 160, 56),
            430,
            52,
            90 + j,
            paint,
            depth=0.25,
            upside_down=True,
        )
    picture.cut(
        nature.ridge(300, 820, 262, 96, 25, 30),
        paint=mix(colour("#101b28"), colour("#3c4a6a"), shade),
        depth=0.4,
        edge=0.04,
    )
    props.lighthouse(picture, (520, 176), 122, props.DARK, 0.4, 0.0)
    water(
        picture,
        Swell(254, 12, 240, -50, 51, 0.8),
        t,
        "#1d303f",
        "#0d1a25",
        depth=0.55,
        foam="#6e8391",
    )
    for x, h, seed in ((330, 92, 3), (452, 128, 6), (600, 108, 9)):
        tooth = [
            [x - 62, BELOW],
            [x - 58, 300],
            [x - 46, 290 - 0.42 * h],
            [x - 30, 290 - 0.5 * h],
            [x - 14, 290 - 0.94 * h],
            [x + 6, 290 - h],
        ]
        face = [
            [x + 6, 290 - h],
            [x + 18, 290 - 0.72 * h],
            [x + 34, 290 - 0.62 * h],
            [x + 46, 290 - 0.2 * h],
            [x + 64, 300],
            [x + 70, BELOW],
            [x + 8, BELOW],
            [x - 6, 290 - 0.4 * h],
        ]
        dark = mix(colour("#111c29"), colour("#3c4868"), shade)
        picture.cut(
            [*tooth, *face[:-1]], paint=dark, depth=0.75, shadow=0.4, edge=0.08 + 0.2 * level
        )
        picture.cut(face, paint="#060b12", depth=0.75, opacity=0.5)
        nature.spray(picture, t + 0.31 * seed, (x - 30, 276), 1.3, 70)
    water(
        picture,
        Swell(284, 20, 320, -90, 52, 0.85),
        t,
        "#162735",
        "#08121b",
        depth=0.8,
        foam="#7c919d",
    )
    near = Swell(318, 26, 420, -120, 53, 0.85)
    row, slope = near.at(170, t)
    lantern = props.boat(
        picture, (170, row - 4), 1.0, 0.8 * slope, light=0.75 + 0.1 * wander(t, 3, 3), sail=False
    )
    picture.glow((lantern[0] + 20, row + 6), 50, props.WARM, 0.14)
    water(
        picture,
        Swell(338, 26, 420, -120, 53, 0.85),
        t,
        "#0f1d29",
        "#04090f",
        depth=1.0,
        foam="#5f727e",
    )
    nature.rain(picture, t, 0.7, 0.5)
    return picture


def relit(t: float, frame: int) -> Picture:
    """Wide from the water: light bursts from the tower, sweeps the sea and finds the boat."""
    found = (BEAM_FINDS_BOAT - SHOTS[8].first_frame) / FPS
    burst = float(np.exp(-t * 3.0))
    easing = ease(t / 4.2)
    camera = Camera(x=-16 + 8 * t, y=10 - 4 * t, zoom=1.14 - 0.028 * t).shaken(t, 4.5 * burst)
    night = gradient((0, "#131d3d"), (140, "#33406e"), (245, "#8a6f84"))
    glow_sky = gradient((0, "#4a3558"), (140, "#a8604f"), (245, "#f3b271"))
    picture = Picture(camera, night + (glow_sky - night) * np.float32(0.3 + 0.5 * burst))
    lamp = (196.0, 66.0)
    rays = np.zeros((360, 640), np.float32)
    for k in range(14):
        a = 0.449 * k + 0.12 * t
        ray = [
            lamp,
            [lamp[0] + 900 * np.cos(a - 0.055), lamp[1] + 900 * np.sin(a - 0.055)],
            [lamp[0] + 900 * np.cos(a + 0.055), lamp[1] + 900 * np.sin(a + 0.055)],
        ]
        rays += picture.mask(ray, depth=0.55).astype(np.float32) / 255
    rays *= picture.falloff(lamp, 300, 0.55)
    picture.light(rays, "#ffc36a", 0.3 + 0.6 * burst)
    for k in range(3):
        base = colour(("#4a4a78", "#373a68", "#262a52")[k])
        paint = mix(base, colour("#f0a860"), 0.42 + 0.3 * burst - 0.12 * k)
        for j in range(3):
            x = (-120 + 330 * j + (20 + 12 * k) * t * (1 if j else -1) + 80 * k) % 960 - 160
            nature.cloud(
                picture,
                (x, 78 - 34 * k - 14 * easing),
                400,
                42,
                120 + 4 * k + j,
                paint,
                depth=0.2 + 0.08 * k,
                upside_down=True,
                shadow=0.25,
                edge=0.12,
            )
    picture.cut(nature.ridge(330, 900, 258, 40, 45, 34), paint="#4c4668", depth=0.4, edge=0.08)
    water(
        picture,
        Swell(252, 7, 190, -36, 61, 0.7),
        t,
        "#9b7770",
        "#4d4a70",
        depth=0.5,
        foam="#ffdcae",
        shadow=0.2,
    )
    nature.glitter(picture, t, 200, 256, 330, "#ffd28a", 0.7)
    spot = props.lighthouse(picture, (196, 208), 182, props.NIGHT, 0.55, 1.0)
    picture.cut(
        _headland(),
        paint=gradient((200, "#564a6c"), (330, "#1d1f44")),
        depth=0.55,
        shadow=0.3,
        edge=0.14,
    )
    turn = -1.75 + 2.7 * ease(t / found) + 0.06 * max(0.0, t - found)
    calmer = 1 - 0.55 * easing
    water(
        picture,
        Swell(282, 18 * calmer, 280, -60, 62, 0.75),
        t,
        "#6d5f7c",
        "#2c3160",
        depth=0.75,
        foam="#ffe3bd",
    )
    swell = Swell(312, 24 * calmer, 380, -80, 63, 0.75)
    row, slope = swell.at(468, t)
    props.boat(picture, (468 + 5 * t, row - 3), 0.78, 0.7 * slope, light=0.9, sail=False)
    water(
        picture,
        Swell(326, 24 * calmer, 380, -80, 63, 0.75),
        t,
        "#4b4a72",
        "#1a1f48",
        foam="#ffdfb4",
    )
    near = float(np.exp(-(((t - found) / 0.55) ** 2))) + 0.45 * ease((t - found) / 0.8)
    picture.glow((468 + 5 * t, row - 24), 96, "#ffd491", 0.27 * min(near, 1.0))
    props.beam(picture, spot, turn, 520, 1.15, 0.55, drop=0.62, spread=0.085)
    picture.glow(spot, 14, "#fff4d6", 0.7 + 1.6 * burst, 0.55)
    picture.glow(spot, 130, "#ffb95c", 0.16 + 0.8 * burst, 0.55)
    picture.light(np.ones((360, 640), np.float32), "#ffdf9e", 0.3 * float(np.exp(-t * 7)))
    water(
        picture,
        Swell(366, 24, 520, -150, 64, 0.75),
        t,
        "#2a2f5c",
        "#0c1030",
        depth=1.35,
        foam="#d8b08a",
        shadow=0.35,
    )
    nature.rain(picture, t, 0.7 * (1 - easing), 0.35)
    return picture


def _headland() -> np.ndarray:
    profile = [
        (-330, 40),
        (-200, 4),
        (-90, -6),
        (0, 0),
        (60, 4),
        (84, 26),
        (112, 34),
        (128, 66),
        (150, 74),
        (170, 110),
        (210, 170),
    ]
    return np.array([*[[196 + a, 208 + b] for a, b in profile], [406, BELOW], [-140, BELOW]])


def dawn(t: float, frame: int) -> Picture:
    """Wide and warm: the sun comes up, gulls, the boat glides in; the title, and dark."""
    rise = ease((t + 0.5) / 5.5)
    camera = Camera(x=12 - 5 * t, y=16 - 20 * ease((t + 0.5) / 5), zoom=1.08 - 0.012 * t)
    picture = Picture(
        camera,
        gradient(
            (0, "#2f6f9e"), (80, "#6fa3b4"), (150, "#f3c49a"), (215, "#f58f6c"), (240, "#ee7f6a")
        ),
    )
    sun = (404.0, 218 - 34 * rise)
    picture.glow(sun, 130, "#ffb060", 0.12, 0.1)
    nature.moon(picture, sun, 40, warm=True)
    for k, (x, row, width, puff) in enumerate(
        ((30, 96, 250, 20), (610, 132, 260, 18), (236, 158, 190, 12))
    ):
        nature.cloud(
            picture,
            (x + (5 + 2 * k) * t, row),
            width,
            puff,
            140 + k,
            "#ffe9d2",
            depth=0.2,
            opacity=0.85,
            shadow=0.1,
        )
    hills = (
        ("#e59a86", 222, 66, 71, 0.25),
        ("#c97b80", 230, 48, 72, 0.32),
        ("#a9667c", 238, 32, 73, 0.4),
    )
    for k, (tone, row, height, seed, depth) in enumerate(hills):
        picture.cut(
            nature.ridge(300 - 30 * k, 880, row, height, seed, 40),
            paint=tone,
            depth=depth,
            shadow=0.18,
            edge=0.08,
        )
    water(
        picture,
        Swell(236, 1.5, 120, 5, 74, 0.2),
        t,
        "#ffc59a",
        "#c98a96",
        depth=0.45,
        lines=0,
        shadow=0.15,
    )
    nature.glitter(picture, t, 404, 238, 264, "#ffe7b0", 0.5)
    spot = props.lighthouse(picture, (128, 204), 176, props.DAWN, 0.6, 0.7)
    land = _headland() * [0.9, 1] - [48, 4]
    picture.cut(
        land,
        paint=gradient((196, "#8f8a5e"), (226, "#8c5f66"), (330, "#4c3c66")),
        depth=0.6,
        shadow=0.25,
        edge=0.12,
    )
    house = np.array([[44, 202], [44, 180], [66, 165], [90, 180], [90, 202]])
    picture.cut(house, paint="#ffe3c4", depth=0.6, shadow=0.2, edge=0.05)
    picture.cut([[38, 182], [66, 162], [96, 182]], paint="#b5483f", depth=0.6)
    picture.glow(spot, 18, "#fff0c8", 0.35, 0.6)
    water(
        picture, Swell(262, 3, 180, 10, 75, 0.4), t, "#dc9c98", "#9a7397", depth=0.65, shadow=0.18
    )
    nature.glitter(picture, t + 2, 404, 268, 300, "#ffe0b0", 0.4)
    swell = Swell(290, 4, 260, 14, 76, 0.4)
    row, slope = swell.at(470, t)
    where = 520 - 14 * t
    picture.cut(
        smooth(
            [
                [where - 70, row + 12],
                [where + 70, row + 12],
                [where + 40, row + 30],
                [where - 46, row + 30],
            ]
        ),
        paint="#6d4a70",
        opacity=0.35,
    )
    _boat_facing_left(picture, (where, row), 0.72, 0.4 * slope)
    water(picture, Swell(303, 5, 300, 18, 76, 0.4), t, "#b9829a", "#6d5a8c", depth=0.85, shadow=0.2)
    water(picture, Swell(338, 7, 380, 26, 77, 0.5), t, "#7d618f", "#3f3a6c", depth=1.1, shadow=0.25)
    for k in range(5):
        at = (
            205 + 26 * t + 46 * k + 8 * np.sin(t + k),
            146 + 15 * (k % 3) - 5 * t + 5 * np.sin(1.3 * t + k),
        )
        nature.gull(picture, at, 9 - k % 3, t + 0.37 * k, "#5a4660")
    shown = ease((frame - 754) / 22)
    if shown:
        letters = title("THE LIGHTHOUSE", 26, 8, (402, 54))
        picture.paste(letters, "#fffaf0", opacity=shown, shadow=0.5, soft=6, lift=(0, 2))
        rule = np.array([[402 - 60 * shown, 94], [402 + 60 * shown, 94]])
        picture.light(
            picture.strokes(rule, depth=0.0).astype(np.float32) / 255, "#fff3dc", 0.5 * shown
        )
    return picture


def _boat_facing_left(
    picture: Picture, at: tuple[float, float], scale: float, angle: float
) -> None:
    """The boat drawn mirrored, by turning the picture over for the while."""
    camera = picture.camera
    picture.rgb = np.ascontiguousarray(picture.rgb[:, ::-1])
    picture.camera = Camera(-camera.x, camera.y, camera.zoom, -camera.roll)
    props.boat(picture, (640 - at[0], at[1]), scale, -angle, light=0.0, sail=True, day=True)
    picture.rgb = np.ascontiguousarray(picture.rgb[:, ::-1])
    picture.camera = camera
