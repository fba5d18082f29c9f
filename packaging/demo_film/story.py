"""When everything in the demo film happens: shots, lines, hits, tempo.

The one source of timing for picture, sound and the ground truth written beside the film. It knows
nothing of how a shot looks or how a line sounds.
"""

from __future__ import annotations

from dataclasses import dataclass

FPS = 24
FRAMES = 840
WIDTH, HEIGHT = 640, 360
SAMPLE_RATE = 48_000
SAMPLES = FRAMES * SAMPLE_RATE // FPS

BPM = 96
"""One beat is 15 frames, one 4/4 bar 60: fourteen bars fill the film."""
BEAT_S = 60 / BPM
KEY = "D minor"

DISSOLVE = (702, 726)
"""Frames in which shot nine and shot ten are both seen, half-open."""
FADE_OUT = (802, 838)
"""Frames in which the picture falls to black, half-open; black stays to the end."""


@dataclass(frozen=True)
class Shot:
    """One shot; for a dissolve, `first_frame` is the middle of the mix."""

    name: str
    first_frame: int
    transition: str
    """How the shot comes in: "start", "cut" or "dissolve"."""


SHOTS = (
    Shot("calm", 0, "start"),
    Shot("homeward", 97, "cut"),
    Shot("storm_gathers", 190, "cut"),
    Shot("boat_in_storm", 259, "cut"),
    Shot("lamp_fails", 336, "cut"),
    Shot("darkness", 409, "cut"),
    Shot("stairs", 466, "cut"),
    Shot("match", 546, "cut"),
    Shot("relit", 600, "cut"),
    Shot("dawn", 714, "dissolve"),
)


def shot_end(index: int) -> int:
    """The frame after the last frame of shot `index`."""
    return SHOTS[index + 1].first_frame if index + 1 < len(SHOTS) else FRAMES


@dataclass(frozen=True)
class Line:
    """A spoken line; `start_s` is where its first sound is placed."""

    who: str
    text: str
    start_s: float


LINES = (
    Line("fisher", "Almost home. I can see the light.", 4.75),
    Line("fisher", "The light is gone!", 17.45),
    Line("keeper", "Hold on. I am coming.", 20.1),
    Line("keeper", "Welcome home.", 31.35),
)


@dataclass(frozen=True)
class Hit:
    """A moment the music may want to meet."""

    name: str
    frame: int
    main: bool = False


LAMP_DIES = 384
MATCH_STRIKES = 556
BEAM_FINDS_BOAT = 652
HITS = (
    Hit("the lamp dies", LAMP_DIES),
    Hit("the match strikes", MATCH_STRIKES),
    Hit("the lamp is lit again", 600, main=True),
    Hit("the beam finds the boat", BEAM_FINDS_BOAT),
)

LIGHTNING = (216, 240, 283, 318, 366, 432, 505)
"""Frames in which a flash begins."""
STEP_S = 0.44
"""Seconds from one stair to the next."""


def flash(frame: float) -> float:
    """Brightness of lightning at `frame`, 0..1: a stroke, a re-stroke and an afterglow.

    It rises over three frames, as strokes on film do, so that a flash does not read as a cut.
    """
    level = 0.0
    for start in LIGHTNING:
        age = frame - start
        if 0 <= age < 16:
            shape = (0.3, 0.7, 1.0, 0.6, 0.35, 0.6, 0.85, 0.6, 0.45, 0.34, 0.25, 0.18, 0.12, 0.08)
            level = max(level, shape[min(int(age), len(shape) - 1)] if age < 14 else 0.04)
    return level
