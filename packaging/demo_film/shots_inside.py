"""Shots five, seven and eight, in the tower: the lamp that fails, the stairs, the match.

A shot is a function of (seconds since its start, frame of the film) to a Picture.
"""

from __future__ import annotations

import cv2
import numpy as np

from demo_film import interior, nature, props
from demo_film.nature import BELOW, Swell, water
from demo_film.paint import Camera, Picture, arc, colour, ease, gradient, mix, smooth, wander
from demo_film.story import FPS, LAMP_DIES, MATCH_STRIKES, SHOTS, STEP_S, flash


def lamp_fails(t: float, frame: int) -> Picture:
    """In the lantern room: the flame gutters in a gust and dies; smoke, then blue dark."""
    level = flash(frame)
    dies = (LAMP_DIES - SHOTS[4].first_frame) / FPS
    gust = ease((t - dies + 0.75) / 0.7)
    burning = 1 - 0.35 * gust * (0.5 + 0.5 * np.sin(31 * t)) if t < dies else 0.0
    burning = burning if t < dies else max(0.0, 0.65 * (1 - (t - dies) / 0.17))
    camera = Camera(y=-2, zoom=1.04 + 0.035 * t).shaken(t, 1 + 3 * gust * (t < dies + 0.3))
    sky = gradient((0, "#1a2a3d"), (230, "#4a6478"), (300, "#2a3f50"))
    picture = Picture(camera, sky + np.float32(0.75 * level) * colour("#c3cff0"))
    for j in range(3):
        x = (-60 + 330 * j - 70 * t) % 960 - 160
        nature.cloud(
            picture,
            (x, 74),
            420,
            50,
            80 + j,
            mix(colour("#22344a"), colour("#b4c0e6"), 0.5 * level),
            depth=0.3,
            upside_down=True,
        )
    water(
        picture,
        Swell(262, 13, 220, -60, 41, 0.7),
        t,
        "#33505f",
        "#1b303d",
        depth=0.3,
        foam="#a9bec6",
    )
    nature.rain(picture, t, 0.9, 0.5 + 0.3 * gust)
    iron = "#39465e"
    for x in (-40, 98, 236, 404, 542, 680):
        picture.cut(
            [[x - 5, -60], [x + 5, -60], [x + 5, 420], [x - 5, 420]],
            paint=iron,
            depth=0.7,
            shadow=0.4,
            edge=0.1,
        )
    diagonals = [[[x, -40], [x + 138, 150], [x, 330]] for x in (-40, 98, 404, 542)]
    diagonals += [[[x, -40], [x - 138, 150], [x, 330]] for x in (98, 236, 542, 680)]
    picture.draw(*diagonals, paint=iron, width=3, depth=0.7, shadow=0.3, soft=3)
    picture.cut(
        [[-90, 296], [730, 296], [730, 460], [-90, 460]],
        paint="#6d5a55",
        depth=0.85,
        shadow=0.4,
        edge=0.1,
    )
    for x in range(-60, 740, 62):
        picture.cut(arc(x, 312, 3.2, 3.2, 0, 360), paint="#a88a6a", depth=0.85)
    interior.lens(picture, (320, 166), 190, 0.9 * burning)
    picture.cut(
        [[262, 298], [378, 298], [396, 330], [244, 330]], paint="#8a6a48", shadow=0.35, edge=0.12
    )
    picture.cut(smooth([[306, 200], [334, 200], [340, 222], [300, 222]]), paint="#8c6b3f", edge=0.1)
    lean = -1.1 * gust * (0.6 + 0.4 * np.sin(17 * t))
    interior.flame(picture, (320, 201), 52 * burning * (1 - 0.25 * gust), t, lean)
    if t > dies:
        interior.smoke(picture, (320, 198), t - dies, 0.5 * ease((t - dies) * 3))
    near = picture.falloff((320, 170), 250)
    wide = picture.falloff((320, 170), 640)
    interior.lit_by(
        picture,
        "#5d7597",
        (near, "#ff9d45", 0.5 * burning),
        (wide, "#9a6a3a", 0.42 * burning),
        (wide, "#8fa5e8", 0.7 * level),
    )
    picture.glow((320, 176), 20, "#fff0c0", 0.55 * burning)
    picture.glow((320, 176), 120, props.WARM, 0.24 * burning)
    return picture


def _wall(picture: Picture) -> None:
    """Courses of stone and arched windows on the storm, far larger than the frame."""
    rng = np.random.default_rng(14)
    blocks: dict[str, list[np.ndarray]] = {"#86705f": [], "#94796a": [], "#77645a": []}
    for course in range(-22, 12):
        y = 20.0 + 34 * course
        x = -260.0 + rng.uniform(-40, 0)
        while x < 1100:
            w = rng.uniform(52, 92)
            tone = list(blocks)[rng.integers(3)]
            here = picture.camera.place([[x + w / 2, y]], 0.8)[0]
            if -80 < here[0] < 720 and -50 < here[1] < 410:
                blocks[tone].append(
                    np.array(
                        [[x + 2, y + 2], [x + w - 2, y + 1], [x + w - 2, y + 32], [x + 2, y + 32]]
                    )
                )
            x += w
    for tone, outlines in blocks.items():
        if outlines:
            picture.cut(*outlines, paint=tone, depth=0.8, edge=0.06)


def _windows(picture: Picture) -> list[np.ndarray]:
    """Cuts the windows and returns their panes, to be lit after the room is."""
    panes = []
    for k in range(3):
        x, y = 70.0 + 330 * k, -70.0 - 196 * k
        frame = np.concatenate([arc(x, y, 42, 46, 180, 360), [[x + 42, y + 84], [x - 42, y + 84]]])
        pane = np.concatenate([arc(x, y, 31, 35, 180, 360), [[x + 31, y + 74], [x - 31, y + 74]]])
        picture.cut(frame, paint="#a58c78", depth=0.8, shadow=0.3, edge=0.1)
        picture.cut(pane, paint="#2a3c52", depth=0.8)
        panes.append(pane)
    return panes


def stairs(t: float, frame: int) -> Picture:
    """Inside the tower: the keeper climbs towards the lamp, lantern in hand, shadow behind."""
    run, rise, size = 42.0, 25.0, 168.0
    steps = t / STEP_S + 1.0
    level = flash(frame)
    walk = np.array([(steps + 0.4) * run, -steps * rise])
    camera = Camera(
        x=float(walk[0]) - 290, y=float(walk[1]) - 292 - 8 * np.sin(0.8 * t), zoom=1.0 + 0.015 * t
    )
    picture = Picture(camera, gradient((0, "#5c4a44"), (360, "#4a3c3a")))
    _wall(picture)
    panes = _windows(picture)
    lamp_guess = walk + np.array([0.42 * size, -0.62 * size])
    shadow_at = np.array([walk[0] - 70, walk[1] - 20])
    ghost = (
        smooth(
            np.array(
                [
                    [-40, 30],
                    [-34, -70],
                    [-44, -130],
                    [-20, -178],
                    [18, -184],
                    [40, -150],
                    [30, -110],
                    [52, -50],
                    [60, 30],
                ]
            )
            * 1.25
        )
        + shadow_at
    )
    mask = picture.mask(ghost)
    picture.paste(cv2.GaussianBlur(mask, (0, 0), 7), "#1d1418", opacity=0.55)
    flight = [[-400.0, BELOW]]
    for k in range(-10, 30):
        flight += [[k * run, -(k - 1) * rise], [k * run, -k * rise]]
    flight += [[30 * run, BELOW]]
    picture.cut(flight, paint="#6b5249", shadow=0.5, soft=8, lift=(-3, -5))
    treads = [
        [
            [k * run - 5, -k * rise],
            [(k + 1) * run, -k * rise],
            [(k + 1) * run, -k * rise + 6],
            [k * run - 5, -k * rise + 6],
        ]
        for k in range(-10, 30)
    ]
    picture.cut(*treads, paint="#a3836d", edge=0.14)
    lantern = interior.keeper(picture, steps, rise, run, size)
    flicker = 1 + 0.06 * wander(t, 6, 2.5)
    near = picture.falloff(lantern, 120 * flicker)
    wide = picture.falloff(lamp_guess, 300)
    interior.lit_by(
        picture,
        "#1a2133",
        (near, "#ffb765", 1.15),
        (wide, "#d98a4a", 0.42),
        (picture.falloff((panes[1].mean(0)), 400, 0.8), "#8fa0e0", 0.3 * level),
    )
    for pane in panes:
        cover = picture.mask(pane, depth=0.8).astype(np.float32) / 255
        picture.light(cover, "#8fa6d8", 0.05 + 0.75 * level)
    picture.glow(lantern, 9, "#fff0c8", 0.9)
    picture.glow(lantern, 52, props.WARM, 0.4 * flicker)
    rail = [[k * run, -k * rise - 24] for k in (-10, 30)]
    posts = [
        [[k * run + 10, -k * rise - 24], [k * run + 10, -k * rise + 400]] for k in range(-10, 30, 2)
    ]
    picture.draw(*posts, paint="#07080f", width=8, depth=1.35)
    picture.draw(rail, paint="#07080f", width=13, depth=1.35)
    return picture


def match(t: float, frame: int) -> Picture:
    """Extreme close-up: a match is struck in the dark, shelters a draught, reaches the wick."""
    strike = (MATCH_STRIKES - SHOTS[7].first_frame) / FPS
    age = t - strike
    camera = Camera(x=12 * ease(t / 2.2), y=-3, zoom=1.03 + 0.05 * t).shaken(t, 1.2)
    picture = Picture(camera, gradient((0, "#2d4152"), (360, "#1e2c3a")))
    lit = (
        0.0
        if age < 0
        else min(1.0, 0.3 + 1.6 * age) * (1 - 0.5 * np.exp(-(((age - 0.75) / 0.13) ** 2)))
    )
    spark = float(np.exp(-age * 6)) * ease((age + 0.03) / 0.16) if age >= 0 else 0.0
    wick = (432.0, 196.0)
    go = ease((age - 0.25) / 1.25)
    drop = 16 * (1 - ease(age / 0.12)) if age >= -0.3 else 16
    tip = (
        262 + (wick[0] - 8 - 262) * go,
        206 + drop + (wick[1] - 4 - 206) * go + 3 * wander(t, 7, 1.5),
    )
    for k, r in enumerate((320, 268, 218, 170)):
        tone = ("#27485a", "#31586b", "#3c687b", "#47798b")[k]
        picture.cut(
            arc(520, 150, r, 1.05 * r, 0, 360), paint=tone, depth=0.8, shadow=0.3, edge=0.16
        )
    picture.cut(
        [[372, 264], [492, 264], [520, 420], [344, 420]], paint="#9a7440", shadow=0.4, edge=0.14
    )
    picture.cut(arc(432, 264, 62, 12, 0, 360), paint="#c2965a", edge=0.12)
    picture.cut(smooth([[408, 264], [416, 224], [448, 224], [456, 264]]), paint="#7d5c34", edge=0.1)
    picture.draw([[432, 230], [wick[0], wick[1]]], paint="#e6d8b8", width=8)
    picture.cut(arc(wick[0], wick[1], 4, 5, 0, 360), paint="#2b2320")
    bare = picture.rgb.copy()
    interior.hand_with_match(picture, tip, 128)
    behind = np.all(picture.rgb == bare, axis=2).astype(np.float32)
    near = picture.falloff((tip[0], tip[1] - 14), 112)
    wide = picture.falloff((tip[0], tip[1] - 14), 330)
    power = max(lit * (1 + 0.07 * wander(t, 9, 3)) * ease((age + 0.03) / 0.16), 1.5 * spark)
    interior.lit_by(
        picture, "#22242b", (near, "#ffb05a", 1.25 * power), (wide, "#e0895a", 0.5 * power)
    )
    if age >= 0:
        lean = -0.25 - 0.55 * np.exp(-(((age - 0.75) / 0.2) ** 2))
        interior.flame(picture, tip, 46 * lit, t, lean if age < 1.2 else -0.2)
        picture.glow((tip[0], tip[1] - 16), 15, "#fff0c0", 0.7 * power)
        picture.glow((tip[0], tip[1] - 16), 90, "#ff9238", 0.34 * power)
        for k, r in enumerate((320, 268, 218, 170)):
            shine = picture.strokes(
                arc(520, 150, r - 7, 1.05 * r - 7, 150, 215), width=2, depth=0.8
            )
            picture.light(
                shine.astype(np.float32) / 255 * wide * behind, "#ffcf8a", (0.5 + 0.1 * k) * power
            )
    if spark > 0.05:
        rng = np.random.default_rng(77)
        a, v = rng.uniform(0, 6.28, 26), rng.uniform(60, 320, 26)
        x = tip[0] + np.cos(a) * v * max(age, 0.02)
        y = tip[1] + np.sin(a) * v * max(age, 0.02) + 160 * age * age
        dots = picture.strokes(
            *np.stack(
                [np.stack([x, y], 1), np.stack([x + 2 * np.cos(a), y + 2 * np.sin(a)], 1)], 1
            ),
            width=2,
        )
        picture.light(dots.astype(np.float32) / 255, "#ffe2a0", min(1.0, 2 * spark))
    caught = ease((age - 1.5) / 0.35)
    interior.flame(picture, wick, 34 * caught, t + 1, -0.1)
    picture.glow(wick, 40, "#ffb55a", 0.5 * caught)
    return picture
