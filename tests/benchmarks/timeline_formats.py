"""How long 10,000 clips take to read, score and write in each format; the bound is 10 s.

python -m tests.benchmarks.timeline_formats [FORMAT ...]
"""

from __future__ import annotations

import logging
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

from musiscene_core.ranges import FrameRange
from musiscene_core.timecode import FrameRate
from musiscene_plugins.formats.edit import Edit, Event, Lane, LaneKind, Media
from musiscene_plugins.host import RangeChoice
from musiscene_plugins.otio import open_timeline
from tests.support.edits import SUFFIXES, WRITTEN, through
from tests.support.timelines import take_on_disk

CLIPS_PER_LANE = 2500
FILES = 200


def large_edit(rate: FrameRate) -> Edit:
    media = [
        Media(f"/media/{n}.mov", f"{n}.mov", Fraction(0), Fraction(900), rate) for n in range(FILES)
    ]
    events = tuple(
        Event(f"c{n}", media[n % FILES], 50 * n, 48, Fraction(n % 90))
        for n in range(CLIPS_PER_LANE)
    )
    kinds: tuple[LaneKind, ...] = ("video", "video", "audio", "audio")
    lanes = tuple(Lane(f"T{n}", kind, events) for n, kind in enumerate(kinds))
    return Edit("large", rate, 86_400, lanes)


def main() -> None:
    logging.disable(logging.WARNING)
    rate = FrameRate(24)
    edit = large_edit(rate)
    for key in sys.argv[1:] or WRITTEN:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            through(key, edit, folder)
            record = FrameRange(86_500, 86_700)
            take = take_on_disk(folder / "takes", rate=rate, record=record, samples=10)
            began, worked = time.perf_counter(), time.process_time()
            host = open_timeline(folder / f"reel{SUFFIXES[key]}")
            host.read_range(RangeChoice(record_in="86500", record_out="86700"))
            read = time.perf_counter() - began
            host.place_takes([take])
            whole, worked = time.perf_counter() - began, time.process_time() - worked
            print(
                f"{key:9} read {read:5.1f} s, and written {whole:5.1f} s ({worked:.1f} s of work)"
            )


if __name__ == "__main__":
    main()
