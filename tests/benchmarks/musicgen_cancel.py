"""The longest time in which MusicGen could not have been stopped, stage by stage.

    python -m tests.benchmarks.musicgen_cancel [--folder FOLDER] [--takes 4] [--seconds 30]
        [--candidates 2] [--demucs FILE.th] [--laid SECONDS] [--cold]

Takes are made as the daemon's worker makes them, from a folder of MusicGen small's sizes with
random weights (made in FOLDER where it is not there yet). Whoever calls the work can stop it only
when it tells its progress. Each stage is listed with how often it did, the longest time between two
of these, and where the work was then. `--laid` leaves the model out: music of that length that the
composer played is laid on picture and finished. `--cold` has all loops compiled anew. The daemon
ends a worker that does not answer for 0.3 s, and its models with it. A time in which the process
was stopped from outside and went on is left out.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from musiscene_core.neural import threads

threads.prepare()

import numpy as np  # noqa: E402

from musiscene_core.request import ScoreRequest  # noqa: E402
from musiscene_daemon.engines import demucs  # noqa: E402
from musiscene_daemon.engines.musicgen.engine import (  # noqa: E402
    CANDIDATES_VARIABLE,
    MusicGenEngine,
)
from musiscene_daemon.engines.musicgen.finding import WEIGHTS_VARIABLE  # noqa: E402
from musiscene_daemon.garbage import Garbage  # noqa: E402
from tests.support.scenes import brief_of  # noqa: E402

_LOOKED_EVERY_S = 0.03


@dataclass
class Gap:
    """The longest time of a stage without a look.

    Attributes:
        looks: how often there was one.
        longest_s: between two of them.
        at: where the work was for most of it, innermost last.
    """

    looks: int = 0
    longest_s: float = 0.0
    at: str = ""


@dataclass
class Watch:
    """Progress that notes how long it was not told."""

    gaps: dict[str, Gap] = field(default_factory=dict)
    seen: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.last, self.stage = time.monotonic(), "Before the first"
        self.stopped = False
        signal.signal(signal.SIGCONT, self.went_on)

    def went_on(self, *_: object) -> None:
        """Something outside had stopped the process."""
        self.stopped = True

    def __call__(self, stage: str, fraction: float) -> None:
        now = time.monotonic()
        gap = self.gaps.setdefault(self.stage.split(" after ")[0], Gap())
        gap.looks += 1
        if not self.stopped and now - self.last > gap.longest_s:
            gap.longest_s = now - self.last
            gap.at = max(self.seen, key=self.seen.__getitem__, default="")
        self.stopped = False
        self.last, self.stage, self.seen = time.monotonic(), stage, Counter()

    @contextmanager
    def over(self, thread: int) -> Iterator[None]:
        """Looks where `thread` is while nothing is told."""
        ended = threading.Event()

        def look() -> None:
            while not ended.wait(_LOOKED_EVERY_S):
                frames = traceback.extract_stack(sys._current_frames()[thread])
                ours = [one for one in frames if "musiscene" in one.filename]
                names = (f"{Path(one.filename).name}:{one.lineno} {one.name}" for one in ours[-4:])
                self.seen[" > ".join(names)] += 1

        watching = threading.Thread(target=look)
        watching.start()
        try:
            yield
        finally:
            ended.set()
            watching.join()


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--takes", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--candidates", type=int, default=2)
    parser.add_argument("--demucs", type=Path)
    parser.add_argument("--laid", type=float, help="seconds")
    parser.add_argument("--cold", action="store_true")
    given = parser.parse_args()
    if given.demucs:
        os.environ[demucs.VARIABLE] = str(given.demucs)
    os.environ[CANDIDATES_VARIABLE] = str(given.candidates)
    with tempfile.TemporaryDirectory() as scratch:
        if given.cold:
            # What is measured and compiled once is looked for where nothing is yet.
            os.environ |= {"NUMBA_CACHE_DIR": scratch, "MUSISCENE_HOME": scratch}
        if given.laid:
            told(f"{given.laid:g} s laid on picture", laid(given.laid, Path(scratch)))
            return
        folder = given.folder or Path(scratch) / "musicgen-small"
        if not folder.is_dir():
            make(folder)
        os.environ[WEIGHTS_VARIABLE] = str(folder)
        request = wish(given.seconds, given.takes)
        names = [f"take-{number}" for number in range(given.takes)]
        for name in names:
            (Path(scratch) / name).mkdir()
        places = [(seed, name, Path(scratch) / name) for seed, name in enumerate(names)]
        Garbage()
        engine = MusicGenEngine()
        for when in ("at first", "the model in memory"):
            about = f"{when}: {given.takes} takes of {given.seconds:g} s"
            told(about, lambda watch: engine.score_together(request, places, watch))


def told(about: str, work: Callable[[Watch], object]) -> None:
    """Do `work` and print its table."""
    watch = Watch()
    begun = time.monotonic()
    with watch.over(threading.get_ident()):
        work(watch)
    print(f"\n{about} in {time.monotonic() - begun:.0f} s\n\n| stage | looks | longest s | at |")
    print("|---|---|---|---|")
    for stage, gap in watch.gaps.items():
        print(f"| {stage} | {gap.looks} | {gap.longest_s:.2f} | {gap.at} |", flush=True)


def wish(seconds: float, takes: int = 1) -> ScoreRequest:
    """What is asked for."""
    brief = brief_of(seconds, valence=-0.4, arousal=0.3, dialogue=[(0.2, 0.25)])
    return ScoreRequest(brief=brief, engine="musicgen", takes=takes)


def laid(seconds: float, folder: Path) -> Callable[[Watch], object]:
    """Work that makes a take of what the composer played, as if the model had."""
    from musiscene_core.composing.compose import compose
    from musiscene_core.composing.score import score
    from musiscene_core.media import read_audio
    from musiscene_daemon.engines.musicgen import rendering
    from tests.support.played_music import window

    request, take = wish(seconds), folder / "take-1"
    take.mkdir()
    played = score(request, 1, "sketch", folder)
    whole = Fraction(played.length_samples, 48_000)
    mix = read_audio(folder / played.mix, Fraction(0), whole, sample_rate=32_000, channels=1)
    edges = np.linspace(0.0, seconds, 1 + max(1, round(seconds / 24)))
    windows = tuple(window(float(start), float(end)) for start, end in pairwise(edges))
    model = rendering.Model("musicgen", "0", "none", "", 32_000, melody=False)
    sound, place = rendering.Sound(mix, windows, ()), rendering.Place("take-1", 1, take)
    plan = compose(request, 1)
    return lambda watch: rendering.rendered(request, plan, sound, model, place, watch)


def make(folder: Path) -> None:
    """Write a folder of MusicGen small's sizes with random weights."""
    from tests.benchmarks.musicgen_models import theirs
    from tests.support import tiny_musicgen

    theirs("small").save_pretrained(folder)
    tiny_musicgen.tokenizer().save_pretrained(folder)


if __name__ == "__main__":
    main()
