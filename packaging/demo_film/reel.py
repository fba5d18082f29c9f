"""The film's picture frame by frame: picks the shot, mixes the dissolve, fades to black."""

from __future__ import annotations

import numpy as np

from demo_film import shots_inside, shots_night, shots_return
from demo_film.paint import Floats, Mask, developed, ease
from demo_film.story import DISSOLVE, FADE_OUT, FPS, SHOTS, shot_end

DRAW = {
    "calm": shots_night.calm,
    "homeward": shots_night.homeward,
    "storm_gathers": shots_night.storm_gathers,
    "boat_in_storm": shots_night.boat_in_storm,
    "lamp_fails": shots_inside.lamp_fails,
    "darkness": shots_return.darkness,
    "stairs": shots_inside.stairs,
    "match": shots_inside.match,
    "relit": shots_return.relit,
    "dawn": shots_return.dawn,
}


def picture(frame: int) -> Mask:
    """Frame `frame` of the film as uint8 RGB [360, 640, 3]."""
    index = next(i for i in range(len(SHOTS)) if frame < shot_end(i))
    start, end = DISSOLVE
    if start <= frame < end:
        share = np.float32(ease((frame - start + 0.5) / (end - start)))
        rgb = (1 - share) * _drawn(len(SHOTS) - 2, frame) + share * _drawn(len(SHOTS) - 1, frame)
    else:
        rgb = _drawn(index, frame)
    gone = min(max((frame - FADE_OUT[0]) / (FADE_OUT[1] - FADE_OUT[0]), 0.0), 1.0)
    left = (1 - gone) ** 2 * (1 + gone * (1 - gone))
    return developed(_dimmed(rgb, np.float32(left)), frame, grain=0.7 * left)


def _dimmed(rgb: Floats, left: np.float32) -> Floats:
    """Darker and greyer together: near black, 8-bit colour is mostly rounding noise."""
    if left >= 1:
        return rgb
    grey = (rgb @ np.array([0.21, 0.72, 0.07], np.float32))[..., None]
    return (grey + (rgb - grey) * left) * left


def _drawn(index: int, frame: int) -> Floats:
    shot = SHOTS[index]
    return DRAW[shot.name]((frame - shot.first_frame) / FPS, frame).rgb
