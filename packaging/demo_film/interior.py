"""What stands inside the tower: the keeper, a hand with a match, lens, flame, smoke, lamplight.

Each is drawn into a Picture at a place and size; none knows which shot it stands in.
"""

from __future__ import annotations

import cv2
import numpy as np

from demo_film.paint import Floats, Picture, arc, colour, mix, smooth


def keeper(
    picture: Picture, steps: float, rise: float, run: float, size: float
) -> tuple[float, float]:
    """A hooded figure climbing stairs of (run, rise) pixels, `steps` stairs up from the origin.

    Feet plant on the stairs in turn; knees follow by two-bone kinematics. Returns the lantern.
    """
    thigh, shin = 0.25 * size, 0.25 * size
    feet = []
    for side in (0, 1):
        cycle = (steps + side) / 2
        whole, part = np.floor(cycle), cycle % 1
        swing = np.clip((part - 0.5) * 2, 0, 1)
        swing = swing * swing * (3 - 2 * swing)
        stair = 2 * whole - side + 2 * swing
        lift = 0.12 * size * np.sin(np.pi * swing) + (rise * 0.35 * np.sin(np.pi * swing))
        feet.append(np.array([(stair + 0.45) * run, -stair * rise - lift]))
    hip = (feet[0] + feet[1]) / 2 * [1, 0] + [0.06 * size, 0]
    hip[1] = -(steps - 0.5) * rise - 0.41 * size + 0.02 * size * np.cos(2 * np.pi * steps)
    for foot in feet:
        reach = foot - hip
        span = min(np.hypot(*reach), thigh + shin - 0.01)
        reach = reach / np.hypot(*reach) * span
        bend = np.arccos((thigh**2 + span**2 - shin**2) / (2 * thigh * span))
        turn = np.arctan2(reach[1], reach[0]) - bend
        knee = hip + thigh * np.array([np.cos(turn), np.sin(turn)])
        picture.draw(np.array([hip, knee, hip + reach]), paint="#20283c", width=0.085 * size)
        boot = smooth([[-6, -7], [4, -8], [13, -3], [14, 1], [-7, 1]]) * size / 130
        picture.cut(boot + hip + reach, paint="#171c2b")
    sway = 2 * np.sin(np.pi * steps)

    def at(points: object) -> np.ndarray:
        return smooth(np.asarray(points, float)) * size + hip + [sway, 0]

    cloak = at(
        [
            [-0.2, 0.2],
            [-0.16, -0.06],
            [-0.12, -0.3],
            [-0.02, -0.4],
            [0.08, -0.36],
            [0.13, -0.16],
            [0.15, 0.05],
            [0.19, 0.22],
            [0.02, 0.25],
        ]
    )
    picture.cut(cloak, paint="#8c3b46", shadow=0.3, soft=4, edge=0.1)
    fold = at([[-0.14, 0.2], [-0.08, -0.1], [-0.03, -0.3], [-0.03, 0.0], [-0.06, 0.22]])
    picture.cut(fold, paint="#6a2a3a")
    picture.cut(
        at(
            [
                [-0.12, -0.36],
                [-0.13, -0.5],
                [-0.02, -0.6],
                [0.09, -0.57],
                [0.13, -0.5],
                [0.1, -0.38],
                [0.0, -0.33],
            ]
        ),
        paint="#8c3b46",
        edge=0.1,
    )
    picture.cut(
        at([[0.04, -0.38], [0.03, -0.52], [0.1, -0.54], [0.135, -0.48], [0.12, -0.41]]),
        paint="#f0c193",
    )
    hand = hip + np.array([sway + 0.36 * size, -0.34 * size + 3 * np.cos(2 * np.pi * steps)])
    shoulder = hip + np.array([sway + 0.02 * size, -0.3 * size])
    elbow = hip + np.array([sway + 0.18 * size, -0.2 * size])
    picture.draw(np.array([shoulder, elbow, hand]), paint="#7a3340", width=0.085 * size)
    picture.cut(arc(*hand, 0.04 * size, 0.04 * size, 0, 360), paint="#f0c193")
    swing = 0.05 * size * np.sin(np.pi * steps + 0.6)
    low = hand + np.array([swing, 0.15 * size])
    picture.draw(np.array([hand, low - [0, 0.08 * size]]), paint="#2a2f40", width=1)
    case = np.array([[-0.045, -0.08], [0.045, -0.08], [0.06, 0.06], [-0.06, 0.06]]) * size + low
    picture.cut(case, paint="#fff0b8")
    frame = np.array([[-0.06, -0.1], [0.06, -0.1], [0.05, -0.075], [-0.05, -0.075]]) * size + low
    picture.cut(frame, frame + np.array([0, 0.15 * size]), paint="#2a2f40")
    return float(low[0]), float(low[1])


def hand_with_match(picture: Picture, tip: tuple[float, float], size: float) -> None:
    """A hand from the lower left holding a match whose head is at `tip`."""
    skin, dark, cuff, sleeve = "#e0a878", "#b87c5a", "#c9a06a", "#8c3b46"

    def at(points: object) -> np.ndarray:
        return np.asarray(points, float) * size + tip

    def finger(path: object, width: float, paint: str) -> None:
        mask = picture.strokes(at(path), width=width * size)
        ends = [arc(*e, 0.5 * width * size, 0.5 * width * size, 0, 360) for e in at(path)]
        picture.paste(np.maximum(mask, picture.mask(*ends)), paint, shadow=0.3, soft=3)

    arm = at([[-3.2, 2.66], [-1.4, 0.9], [-0.98, 1.38], [-2.5, 3.4]])
    picture.draw(at([[0, 0], [-0.56, 0.5]]), paint="#d9b98a", width=0.05 * size)
    picture.cut(arm, paint=sleeve, shadow=0.4, soft=7, edge=0.08)
    palm = smooth(
        at(
            [
                [-1.36, 1.0],
                [-1.2, 0.6],
                [-0.9, 0.38],
                [-0.62, 0.46],
                [-0.52, 0.74],
                [-0.66, 1.1],
                [-1.0, 1.38],
            ]
        )
    )
    picture.cut(palm, paint=skin, shadow=0.3, soft=4, edge=0.08)
    for k in (2, 1, 0):
        knuckle = [
            [-0.78, 0.74 + 0.14 * k],
            [-0.46 - 0.03 * k, 0.68 + 0.15 * k],
            [-0.5 - 0.03 * k, 0.76 + 0.15 * k],
        ]
        finger(knuckle, 0.16, dark if k % 2 else skin)
    finger([[-0.86, 0.5], [-0.56, 0.26], [-0.3, 0.28]], 0.16, skin)
    finger([[-0.92, 0.86], [-0.6, 0.62], [-0.33, 0.4]], 0.17, skin)
    picture.cut(
        at([[-1.52, 1.02], [-1.3, 0.74], [-0.86, 1.3], [-1.1, 1.56]]),
        paint=cuff,
        shadow=0.3,
        soft=3,
        edge=0.1,
    )
    picture.cut(arc(*tip, 0.045 * size, 0.045 * size, 0, 360), paint="#7a2f2a")


def lens(picture: Picture, at: tuple[float, float], size: float, glow: float) -> None:
    """A Fresnel lens: stacked prisms about a bull's eye, brass above and below.

    `glow` 0..1 is how much the glass catches the lamp inside it.
    """
    x, y = at
    cold, hot = colour("#24485c"), colour("#ffcf7a")
    body = smooth(
        [
            [x - 0.34 * size, y - 0.62 * size],
            [x - 0.5 * size, y],
            [x - 0.34 * size, y + 0.62 * size],
            [x + 0.34 * size, y + 0.62 * size],
            [x + 0.5 * size, y],
            [x + 0.34 * size, y - 0.62 * size],
        ]
    )
    picture.cut(body, paint=mix(cold, colour("#7a5a36"), glow), shadow=0.4, soft=7)
    for k in range(-8, 9):
        row = y + k * 0.068 * size
        half = 0.47 * size * np.sqrt(max(0.05, 1 - (k / 10.5) ** 2))
        bend = 0.02 * size * k / 8
        slat = np.concatenate(
            [
                np.stack(
                    [
                        np.linspace(x - half, x + half, 15),
                        row - 0.026 * size + bend * np.cos(np.linspace(-1.5, 1.5, 15)),
                    ],
                    1,
                ),
                np.stack(
                    [
                        np.linspace(x + half, x - half, 15),
                        row + 0.022 * size + bend * np.cos(np.linspace(1.5, -1.5, 15)),
                    ],
                    1,
                ),
            ]
        )
        share = glow * (1 - abs(k) / 13)
        picture.cut(slat, paint=mix(colour("#4f8494"), hot, 0.9 * share), edge=0.14, opacity=0.82)
    for r in (0.3, 0.235, 0.17, 0.105):
        tint = mix(colour("#3b6c7e"), hot, min(1.0, glow * (1.25 - 1.5 * r)))
        picture.cut(
            arc(x, y, r * size, r * size, 0, 360), paint=tint, edge=0.2, shadow=0.12, soft=2
        )
    for sign in (-1, 1):
        cap = np.array(
            [
                [x - 0.38 * size, y + sign * 0.6 * size],
                [x + 0.38 * size, y + sign * 0.6 * size],
                [x + 0.3 * size, y + sign * 0.7 * size],
                [x - 0.3 * size, y + sign * 0.7 * size],
            ]
        )
        picture.cut(
            cap, paint=mix(colour("#5d4a35"), colour("#c88f45"), glow), shadow=0.3, edge=0.1
        )


def flame(
    picture: Picture, at: tuple[float, float], size: float, t: float, lean: float = 0.0
) -> None:
    """A flickering flame whose foot is at `at`; three tongues from amber to white."""
    if size < 0.5:
        return
    flick = 1 + 0.08 * np.sin(t * 23) + 0.05 * np.sin(t * 37 + 1)
    for k, (paint, share) in enumerate((("#ff9a3c", 1.0), ("#ffc95e", 0.72), ("#fff6d8", 0.44))):
        s = size * share
        tip = lean * s + 0.08 * s * np.sin(t * 19 + k)
        tongue = smooth(
            [
                [0, 0],
                [-0.26 * s, -0.22 * s],
                [-0.2 * s + 0.4 * tip, -0.6 * s * flick],
                [tip, -1.15 * s * flick],
                [0.2 * s + 0.5 * tip, -0.55 * s * flick],
                [0.26 * s, -0.22 * s],
            ]
        )
        picture.cut(tongue + at, paint=paint)


def smoke(picture: Picture, at: tuple[float, float], age: float, opacity: float) -> None:
    """A wisp rising from a dead wick, `age` seconds old."""
    up = np.linspace(0, min(150, 95 * age), 24)
    sway = 10 * np.sin(up / 24 - 3 * age) * (up / 90)
    width = 1.5 + up / 16
    left = np.stack([at[0] + sway - width, at[1] - up], 1)
    right = np.stack([at[0] + sway + width, at[1] - up], 1)
    mask = picture.mask(np.concatenate([left, right[::-1]]))
    soft = cv2.GaussianBlur(mask, (0, 0), 2.5)
    picture.paste(soft, "#93a6bd", opacity=opacity)


def lit_by(picture: Picture, ambient: str, *lamps: tuple[Floats, str, float]) -> None:
    """Multiplies the picture by light: an ambient colour plus (falloff, colour, strength) lamps."""
    field = np.broadcast_to(colour(ambient), picture.rgb.shape).copy()
    for falloff, tint, strength in lamps:
        field += falloff[..., None] * (colour(tint) * np.float32(strength))
    picture.rgb *= field
