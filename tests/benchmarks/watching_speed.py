"""How long watching takes: again, for a range that has moved, and stages side by side.

    python -m tests.benchmarks.watching_speed [signals] [cache] [overlap]

Models are of the real architectures with random weights; the film, its voice and its music are
made for it. Prints seconds of the wall and of the processor, and ratios within one run: absolute
figures are this machine's. What two cores can do at best is the longest stage alone, or all the
work shared out evenly, whichever takes longer.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from musiscene_core.progress import silent
from musiscene_core.spotting.chosen import WatchingModels, choose, forget
from musiscene_core.spotting.picture import watch
from musiscene_core.spotting.sound import listen
from musiscene_core.spotting.spot import spot
from musiscene_core.spotting.vision.loading import quiet
from musiscene_core.timeline import TimelineRange
from musiscene_daemon.residency.residents import Residents
from musiscene_daemon.watching import _heard, _Looking, watched
from tests.support import sounds
from tests.support.make_picture import clip_of, panning, range_of, shots, write_movie
from tests.support.tiny_vision import tiny_clip, tiny_qwen
from tests.support.tiny_whisper import converted, saved_whisper

SECONDS = 40
LONGER_S = 8
FPS = 24


class Took(NamedTuple):
    """Seconds of the wall and of the processor."""

    wall: float
    worked: float

    def __str__(self) -> str:
        return f"{self.wall:7.2f} s, {self.worked:6.2f} s of the processor"


def timed(work: Callable[[], object]) -> Took:
    wall, worked = time.perf_counter(), time.process_time()
    work()
    return Took(time.perf_counter() - wall, time.process_time() - worked)


def film(root: Path) -> tuple[Path, Path]:
    """A film of eight shots, and its sound: drums, and a voice that comes and goes."""
    each = (SECONDS + LONGER_S) * FPS // 8
    path = write_movie(root / "film.mp4", shots(*((panning(n, 1.5), each) for n in range(8))))
    seconds = SECONDS + LONGER_S
    at = np.arange(seconds * sounds.RATE) / sounds.RATE
    pitch = 2 * np.pi * np.cumsum(120 + 25 * np.sin(2 * np.pi * 0.7 * at)) / sounds.RATE
    voice = sum(np.sin(n * pitch) / n**0.7 for n in range(1, 25))
    spoken = np.clip(np.sin(2 * np.pi * 3.1 * at), 0, 1) * (at % 24 > 20)
    music = sounds.drums(120, seconds)[0]
    mixed = (0.5 * music + 0.1 * voice * spoken).astype(np.float32)
    return path, sounds.written(root / "sound.wav", mixed)


def cut(media: tuple[Path, Path], start_s: float = 0.0) -> TimelineRange:
    picture, sound = (clip_of(path, (0, (SECONDS + LONGER_S) * FPS)) for path in media)
    start = round(start_s * FPS)
    heard = msgspec.structs.replace(sound, role="mixed")
    return range_of(picture, heard, record=(start, start + SECONDS * FPS))


def told(name: str, took: Took, of: Took | None = None) -> None:
    share = f"  {took.wall / of.wall:4.0%} and {took.worked / of.worked:4.0%}" if of else ""
    print(f"{name:<26}{took}{share}", flush=True)


def again(name: str, media: tuple[Path, Path], work: Callable[[TimelineRange], object]) -> None:
    """The first time, the same again, and the range moved on by a second, six times."""
    first = timed(lambda: work(cut(media)))
    told(f"{name}, first", first)
    told("  the same again", timed(lambda: work(cut(media))), first)
    for second in range(1, 7):
        told(f"  moved by {second} s", timed(lambda at=second: work(cut(media, at))), first)


def signals(media: tuple[Path, Path], cache: Path) -> None:
    """What is kept of pictures and sound."""
    spot(cut(media))
    shutil.rmtree(cache)
    again("signals", media, spot)


def kept(media: tuple[Path, Path], cache: Path, root: Path) -> None:
    """What is kept with two models that take most of the time."""
    residents = Residents()
    with quiet():
        vision = str(tiny_qwen(root / "large", width=512, layers=12))
        emotion = str(tiny_clip(root / "clip", width=512, layers=12))
    choose(WatchingModels(vision=vision, emotion=emotion))
    shutil.rmtree(cache, ignore_errors=True)
    again("with two models", media, lambda timeline: watched(timeline, residents, silent))


def overlap(media: tuple[Path, Path], cache: Path, root: Path) -> None:
    """Stages alone, then all together."""
    with quiet():
        models = WatchingModels(
            vision=str(tiny_qwen(root / "small", width=128, layers=3)),
            speech=str(converted(saved_whisper(root / "saved"), root / "whisper")),
        )
    residents = Residents()
    known = spot(cut(media))
    frames, spoken = known.frames, known.dialogue
    choose(models)
    # Once beforehand, so that loading counts for nothing.
    _Looking(cut(media), residents, silent).at(frames[:1], models)
    _heard(cut(media), spoken[:1], models, residents, silent)
    stages: dict[str, Callable[[], object]] = {
        "picture": lambda: watch(cut(media)),
        "sound": lambda: listen(cut(media)),
        "vision": lambda: _Looking(cut(media), residents, silent).at(frames, models),
        "speech": lambda: _heard(cut(media), spoken, models, residents, silent),
    }
    alone = {}
    for name, work in stages.items():
        shutil.rmtree(cache, ignore_errors=True)
        alone[name] = timed(work)
        told(f"{name} alone", alone[name])
    shutil.rmtree(cache, ignore_errors=True)
    together = timed(lambda: watched(cut(media), residents, silent))
    longest = max(took.wall for took in alone.values())
    shared = sum(took.worked for took in alone.values()) / (os.cpu_count() or 1)
    told("all together", together)
    print(f"longest stage alone {longest:.2f} s: {together.wall / longest:.2f} of it")
    print(f"all work on {os.cpu_count()} cores {shared:.2f} s: {together.wall / shared:.2f} of it")
    print(f"of the honest bound: {together.wall / max(longest, shared):.2f}")


def main() -> None:
    """Measure and print."""
    wanted = set(sys.argv[1:]) or {"signals", "cache", "overlap"}
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        os.environ["MUSISCENE_HOME"] = str(root / "home")
        cache = root / "home" / "cache"
        media = film(root)
        forget()
        if "signals" in wanted:
            signals(media, cache)
        if "overlap" in wanted:
            overlap(media, cache, root)
        if "cache" in wanted:
            kept(media, cache, root)


if __name__ == "__main__":
    main()
