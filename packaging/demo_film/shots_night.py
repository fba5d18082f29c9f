"""Shots one to four, at sea: the calm, the boat, the storm.

A shot is a function of (seconds since its start, frame of the film) to a Picture.
"""

from __future__ import annotations

import numpy as np

from demo_film import nature, props
from demo_film.nature import BELOW, Swell, water
from demo_film.paint import (
    Camera,
    Floats,
    Picture,
    colour,
    ease,
    gradient,
    mix,
    wander,
)
from demo_film.story import flash


def _cliff(x: float, row: float, width: float) -> np.ndarray:
    """A headland falling in ledges to the left, its table at `row`."""
    profile = [
        (-0.62, 170),
        (-0.5, 120),
        (-0.44, 96),
        (-0.33, 84),
        (-0.27, 44),
        (-0.2, 30),
        (-0.14, 6),
        (0.0, 0),
        (0.2, -4),
        (0.4, 10),
        (0.62, 2),
        (1.1, 22),
    ]
    points = [[x + a * width, row + b] for a, b in profile]
    return np.array([*points, [x + 1.1 * width, BELOW], [x - 0.62 * width, BELOW]])


def _pines(picture: Picture, x: float, row: float, paint: str, depth: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for k in range(5):
        height, cx = rng.uniform(70, 150), x + k * 27 + rng.uniform(-6, 6)
        outline = [[cx, row - height]]
        for level in np.linspace(0.25, 1, 5):
            outline += [
                [cx + 0.24 * height * level, row - height * (1 - level)],
                [cx + 0.11 * height * level, row - height * (1 - level) - 4],
            ]
        right = np.array(outline)
        left = right[::-1] * [-1, 1] + [2 * cx, 0]
        whole = np.concatenate([right, [[cx + 4, BELOW], [cx - 4, BELOW]], left])
        picture.cut(whole, paint=paint, depth=depth, shadow=0.3, soft=5, edge=0.03)


def calm(t: float, frame: int) -> Picture:
    """Wide: a still night, the beam going round; the camera drifts right and in."""
    camera = Camera(x=-26 + 13 * t, y=4 - 2 * t, zoom=1.0 + 0.02 * t)
    sky = gradient((0, "#0a1236"), (120, "#1c2f6b"), (215, "#4a6fae"), (240, "#86a2cc"))
    picture = Picture(camera, sky)
    nature.stars(picture, t, 210)
    nature.moon(picture, (176, 84), 25)
    for k, (x, row, width, puff) in enumerate(((420, 150, 260, 20), (60, 176, 220, 17))):
        nature.cloud(
            picture,
            (x + 5 * t, row),
            width,
            puff,
            7 + k,
            "#5a79b4",
            depth=0.15,
            opacity=0.75,
            shadow=0.12,
        )
    far = nature.ridge(-120, 330, 236, 44, 5, 30)
    picture.cut(far, paint="#3d5a96", depth=0.25, edge=0.05)
    picture.cut(nature.ridge(160, 560, 238, 26, 8, 24), paint="#34508a", depth=0.3, edge=0.05)
    water(picture, Swell(236, 1.5, 90, 6, 2, 0.2), t, "#4f76b3", "#2a4a8c", depth=0.4, lines=0)
    nature.glitter(picture, t, 196, 240, 262, "#cfdcff", 0.5)
    water(picture, Swell(262, 4, 150, 12, 3), t, "#355c9f", "#1f3d7c", depth=0.55)
    nature.glitter(picture, t + 1, 196, 266, 296, "#cfdcff", 0.42)
    lamp = props.lighthouse(picture, (500, 214), 190, props.NIGHT, 0.7, 1.0)
    picture.cut(
        _cliff(500, 210, 230),
        paint=gradient((206, "#3b4f86"), (330, "#182452")),
        depth=0.7,
        shadow=0.35,
        edge=0.08,
    )
    house = np.array([[532, 214], [532, 192], [552, 178], [574, 192], [574, 214]])
    picture.cut(house, paint="#2c3a6a", depth=0.7, shadow=0.2, edge=0.08)
    picture.cut([[541, 206], [541, 197], [549, 197], [549, 206]], paint="#ffc56b", depth=0.7)
    props.beam(picture, lamp, 2.5 + 1.35 * t, 300, 1.0, 0.7)
    water(picture, Swell(296, 6, 210, 20, 4), t, "#27498a", "#152e66", depth=0.8)
    nature.glitter(picture, t + 3, 196, 300, 334, "#cfdcff", 0.34)
    water(picture, Swell(332, 8, 280, 28, 5), t, "#1a3672", "#0b1a48", depth=1.0)
    _pines(picture, -40, 380, "#0a1436", 1.25, 3)
    return picture


def homeward(t: float, frame: int) -> Picture:
    """Medium: the boat runs home under sail, the beam small ahead; cloud eats the stars."""
    camera = Camera(x=-8 + 4 * t, y=2, zoom=1.06 + 0.012 * t, roll=0.006 * np.sin(t))
    picture = Picture(camera, gradient((0, "#131a45"), (150, "#34407f"), (230, "#7f7fb5")))
    nature.stars(picture, t, 200, 0.9)
    for k in range(3):
        nature.cloud(
            picture,
            (-10 - 90 * k + 34 * t, 92 + 36 * k),
            460 - 60 * k,
            44 - 8 * k,
            30 + k,
            ("#2a3063", "#363d75", "#464d88")[k],
            depth=0.25,
            shadow=0.3,
        )
    picture.cut(nature.ridge(430, 760, 232, 54, 15, 22), paint="#3b4480", depth=0.3, edge=0.05)
    lamp = props.lighthouse(picture, (566, 190), 66, props.NIGHT, 0.3, 1.0)
    props.beam(picture, lamp, 0.3 + 1.35 * (t + 4), 130, 0.95, 0.3, spread=0.09)
    water(picture, Swell(232, 2.5, 110, -18, 6, 0.4), t, "#5661a0", "#343f80", depth=0.5, lines=1)
    nature.glitter(picture, t, 580, 236, 300, "#ffd79a", 0.5)
    water(picture, Swell(254, 6, 190, -40, 7), t, "#3e4a8e", "#262f6b", depth=0.7)
    near = Swell(286, 10, 300, -70, 8)
    row, slope = near.at(250, t)
    lantern = props.boat(
        picture, (250 + 6 * t, row + 2), 1.3, 0.5 * slope - 0.03, light=1, sail=True
    )
    picture.glow((lantern[0], row + 40), 60, "#ffb347", 0.16)
    water(picture, Swell(303, 11, 300, -70, 8), t, "#313c80", "#182057", lines=3)
    wake = near.crest(t)
    wake = wake[(wake[:, 0] > 60) & (wake[:, 0] < 150)] + [0, 16]
    picture.draw(wake, wake + np.array([8, 5]), paint="#aab4de", width=1.4, opacity=0.6)
    water(picture, Swell(341, 12, 380, -110, 9), t, "#1f2966", "#0c1238", depth=1.3)
    return picture


def _storm_sky(level: float) -> Floats:
    calm_sky = gradient((0, "#0d1624"), (140, "#28405a"), (240, "#5b7686"))
    lit = gradient((0, "#6f7fae"), (140, "#a9b7dc"), (240, "#e2e8f4"))
    return calm_sky + (lit - calm_sky) * np.float32(0.6 * level)


def storm_gathers(t: float, frame: int) -> Picture:
    """Very wide, low horizon: cloud rolls over like a lid, first lightning, rain comes."""
    level = flash(frame)
    camera = Camera(x=10 - 12 * t, y=-4 + 5 * t, zoom=1.08 - 0.02 * t)
    picture = Picture(camera, _storm_sky(level))
    tones = ("#56707f", "#3f5869", "#2d4354", "#1f3141", "#131f2d")
    for k, tone in enumerate(tones):
        if k == 2 and frame < 236:
            nature.bolt(picture, (300, 40), (262, 270), 5, level)
        elif k == 2:
            nature.bolt(picture, (530, 40), (560, 268), 12, level)
        drop = 150 - 34 * k + 16 * np.tanh(0.8 * t) + 5 * np.sin(0.9 * t + k)
        paint = mix(colour(tone), colour("#c3cff0"), level * (0.45 - 0.09 * k))
        for j in range(3):
            x = -60 + 300 * j + (-1) ** k * (18 + 9 * k) * t + 70 * k
            nature.cloud(
                picture,
                (x % 940 - 150, drop),
                420,
                44 + 4 * k,
                40 + 7 * k + j,
                paint,
                depth=0.2 + 0.12 * k,
                upside_down=True,
                shadow=0.42,
                edge=0.05,
            )
    lamp = props.lighthouse(picture, (118, 262), 74, props.STORM, 0.4, 1.0)
    picture.cut(_cliff(118, 260, 120) * [-1, 1] + [236, 0], paint="#1e2f3d", depth=0.4, edge=0.06)
    props.beam(picture, lamp, 5.3 + 1.5 * t, 200, 0.85, 0.4, spread=0.085)
    rows = (
        (276, 5, 130, "#4a6672", "#304b59"),
        (296, 10, 190, "#375563", "#1f3845"),
        (320, 16, 260, "#274552", "#142a36"),
        (350, 22, 340, "#1a333f", "#0a1a24"),
    )
    for k, (row, height, length, top, deep) in enumerate(rows):
        rough = 0.6 + 0.4 * ease(t / 2.5)
        if k == 2:
            swell = Swell(row, height * rough, length, -60, 22, 0.8)
            at, slope = swell.at(420, t)
            props.boat(picture, (420, at), 0.3, 0.8 * slope, light=0.9, sail=True)
        water(
            picture,
            Swell(row, height * rough, length, -30 - 25 * k, 20 + k, 0.8),
            t,
            top,
            deep,
            depth=0.5 + 0.22 * k,
            foam="#c4d6dc" if k else None,
        )
    nature.rain(picture, t, ease((t - 0.5) / 1.6), 0.3)
    return picture


def boat_in_storm(t: float, frame: int) -> Picture:
    """Close and shaking: the boat climbs a wave and drops; rain, spray, lightning."""
    level = flash(frame)
    big = Swell(262, 46, 430, -150, 31, 0.85)
    row, slope = big.at(310, t)
    camera = Camera(x=4 * t - 8, y=28 + 0.4 * (row - 262), zoom=1.27).shaken(t, 7)
    picture = Picture(camera, _storm_sky(level))
    for k in range(3):
        paint = mix(colour(("#3a5161", "#283c4c", "#182632")[k]), colour("#c3cff0"), 0.4 * level)
        for j in range(3):
            x = (-80 + 320 * j - (60 + 20 * k) * t + 90 * k) % 960 - 160
            nature.cloud(
                picture,
                (x, 104 - 34 * k),
                440,
                46,
                70 + 5 * k + j,
                paint,
                depth=0.2 + 0.1 * k,
                upside_down=True,
                shadow=0.4,
            )
    if level:
        nature.bolt(picture, (520, 60), (560, 230), frame // 20 + 3, 0.9 * level)
    water(
        picture,
        Swell(222, 24, 300, -80, 32, 0.8),
        t,
        "#4c6b75",
        "#2c4a56",
        depth=0.6,
        foam="#c9dbe0",
        shadow=0.4,
    )
    water(
        picture,
        Swell(243, 34, 380, -110, 33, 0.85),
        t,
        "#38596a",
        "#1c3846",
        depth=0.8,
        foam="#cfe0e4",
        shadow=0.4,
    )
    props.boat(
        picture,
        (310, row - 6),
        1.12,
        0.68 * slope + 0.05 * wander(t, 4, 0.7),
        light=0.85,
        sail=False,
    )
    nature.spray(picture, t + 0.3, (400, row + 10), 0.95, 120)
    water(
        picture,
        Swell(282, 46, 430, -150, 31, 0.85),
        t,
        "#2b4d5b",
        "#102733",
        foam="#dfebec",
        lines=3,
    )
    water(
        picture,
        Swell(352, 42, 560, -260, 35, 0.8),
        t,
        "#1a3340",
        "#07131b",
        depth=1.4,
        foam="#b8ccd2",
        shadow=0.45,
    )
    nature.rain(picture, t, 1.0, 0.55)
    return picture
