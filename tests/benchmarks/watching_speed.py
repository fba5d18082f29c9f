"""How long watching with models takes: stages alone, together, and for a range that has moved.

    python -m tests.benchmarks.watching_speed

Models are of the real architectures with random weights; the film is made for it. Prints seconds
and their ratios, in one run: absolute figures are this machine's.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from musiscene_core.progress import silent
from musiscene_core.spotting.chosen import WatchingModels, choose, forget
from musiscene_core.spotting.spot import spot
from musiscene_core.spotting.vision.loading import quiet
from musiscene_core.timeline import TimelineRange
from musiscene_daemon.residency.residents import Residents
from musiscene_daemon.watching import _Looking, watched
from tests.support.make_picture import clip_of, panning, range_of, shots, write_movie
from tests.support.tiny_vision import tiny_clip, tiny_qwen

SECONDS = 40


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def cut(path: Path, start: int) -> TimelineRange:
    frames = (SECONDS + 1) * 24
    return range_of(clip_of(path, (0, frames)), record=(start, start + SECONDS * 24))


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        os.environ["MUSISCENE_HOME"] = str(root / "home")
        parts = [(panning(seed, 1.5), 123) for seed in range(8)]
        path = write_movie(root / "film.mp4", shots(*parts))
        residents = Residents()
        with quiet():
            large = WatchingModels(
                vision=str(tiny_qwen(root / "large", width=512, layers=12)),
                emotion=str(tiny_clip(root / "clip", width=512, layers=12)),
            )
            small = WatchingModels(vision=str(tiny_qwen(root / "small", width=128, layers=3)))
        cache = root / "home" / "cache"
        forget()
        signals = timed(lambda: spot(cut(path, 0)))
        # What was measured of pictures is kept too, and would be there for the first run.
        shutil.rmtree(cache)
        choose(large)
        whole = timed(lambda: watched(cut(path, 0), residents, silent))
        same = timed(lambda: watched(cut(path, 0), residents, silent))
        moved = timed(lambda: watched(cut(path, 24), residents, silent))
        print(f"signals alone            {signals:7.2f} s")
        print(f"signals and two models   {whole:7.2f} s")
        print(f"the same range again     {same:7.2f} s  {same / whole:.0%} of the first")
        print(f"moved by a second        {moved:7.2f} s  {moved / whole:.0%} of the first")
        frames = spot(cut(path, 0)).frames
        choose(small)
        looking = _Looking(cut(path, 0), residents, silent)
        # Once beforehand, so that loading counts for neither.
        looking.at(frames[:1], small)
        shutil.rmtree(cache)
        looks = timed(lambda: _Looking(cut(path, 0), residents, silent).at(frames, small))
        shutil.rmtree(cache)
        both = timed(lambda: watched(cut(path, 0), residents, silent))
        shutil.rmtree(cache)
        again = timed(lambda: spot(cut(path, 0)))
        longest = max(looks, signals, again)
        print(f"a small model alone      {looks:7.2f} s; signals {signals:.2f} and {again:.2f} s")
        print(f"both side by side        {both:7.2f} s  {both / longest:.2f} of the longer")


if __name__ == "__main__":
    main()
