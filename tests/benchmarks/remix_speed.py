"""How fast music is fitted: reading, listening, choosing, joining and writing.

    python -m tests.benchmarks.remix_speed [SECONDS ...]

A three-minute song is fitted to each length (30, 120 and 540 s unless said otherwise). What it
goes by is the longer of song and result. Figures are printed, never asserted.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from pathlib import Path

from musiscene_core.media import to_int24, write_wav
from musiscene_core.remixing.remix import remix
from musiscene_core.request import MusicFile, ScoreRequest
from musiscene_core.timeline import MediaReference
from tests.support.scenes import brief_of
from tests.support.songs import RATE, song

LENGTHS_S = (30.0, 120.0, 540.0)


def main(arguments: list[str]) -> None:
    """Measure the lengths named, or the standard ones."""
    made = song(124, "ABACABACABA")
    music_s = made.samples / RATE
    with tempfile.TemporaryDirectory(prefix="musiscene-bench-") as folder:
        path = Path(folder) / "song.wav"
        write_wav(path, to_int24(made.audio))
        # Once to load all there is to load.
        for number, length_s in enumerate([10.0, *([float(t) for t in arguments] or LENGTHS_S)]):
            place = Path(folder) / str(number)
            place.mkdir()
            request = ScoreRequest(
                brief=brief_of(length_s),
                engine="remix",
                hits=(),
                music=MusicFile(media=MediaReference(path=str(path))),
            )
            begun: dict[str, float] = {}
            clock, processor = time.perf_counter(), time.process_time()
            remix(
                request,
                0,
                "take-1",
                place,
                lambda stage, _, to=begun: to.setdefault(stage, time.perf_counter()),
            )
            end = time.perf_counter()
            if number == 0:
                continue
            marks = [*begun.values(), end]
            stages = ", ".join(f"{n} {marks[i + 1] - marks[i]:.2f}" for i, n in enumerate(begun))
            worked, used = max(music_s, length_s), time.process_time() - processor
            print(
                f"{music_s:.0f} s to {length_s:.0f} s: {end - clock:.2f} s, "
                f"{worked / (end - clock):.0f} x real time; processor {used:.2f} s, "
                f"{worked / used:.0f} x; {stages}"
            )
    memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{memory_mb:.0f} MB; load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main(sys.argv[1:])
