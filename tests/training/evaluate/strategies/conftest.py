"""A folder of scenes, and a daemon to work on them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.daemons import home
from tests.support.made_music import RATE, chords
from tests.support.make_media import make_sound
from tests.support.make_picture import panning, shots, write_movie

QUICK = ("--captioner", "signals", "--language", "rules", "--draws", "0")


def make_scene(folder: Path, name: str, seed: int, *, music: bool = True, seconds: int = 2) -> Path:
    """A movie of two shots, with its music beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    half = 12 * seconds
    images = shots((panning(seed), half), (panning(seed + 1, 4.0), half))
    write_movie(folder / f"{name}.mp4", images)
    if music:
        sound = chords(seconds, 220 * 2 ** (seed / 12), seed % 2 > 0, 100, seed)
        make_sound(folder / f"{name}.wav", sound, rate=RATE)
    return folder


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory):
    with home(tmp_path_factory.mktemp("home")) as found:
        yield found
