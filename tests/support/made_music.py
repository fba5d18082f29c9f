"""Folders of made music: chords and clicks of known tempo, key and level."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tests.support.make_media import make_sound

RATE = 24_000


def chords(seconds: float, root_hz: float, minor: bool, bpm: float, seed: int) -> np.ndarray:
    """Stereo [2, n]: a triad struck on every beat, with a little noise."""
    times = np.arange(round(seconds * RATE)) / RATE
    beat = (times * bpm / 60) % 1 * 60 / bpm
    third = 3 if minor else 4
    wave = sum(np.sin(2 * np.pi * root_hz * 2 ** (step / 12) * times) for step in (0, third, 7, 12))
    noise = np.random.default_rng(seed).normal(size=times.size)
    mono = 0.1 * wave * np.exp(-4 * beat) + 0.3 * noise * np.exp(-80 * beat) * 0.3
    return np.stack([mono, 0.9 * mono]).astype(np.float32)


def make_music(folder: Path, names: Sequence[str], *, shift: int = 0, seconds: float = 3) -> Path:
    """A sound file a name, each of another pitch and tempo."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        sound = chords(
            seconds, 220 * 2 ** ((number + shift) / 12), number % 2 > 0, 90 + 10 * number, number
        )
        make_sound(folder / f"{name}.wav", sound, rate=RATE)
    return folder
