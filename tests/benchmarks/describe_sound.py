"""How long the captioner without a model takes for hours of music, and in what memory.

python -m tests.benchmarks.describe_sound [MINUTES]
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from musiscene_core.captioning.heard import unheard
from musiscene_core.captioning.request import ListenRequest, SoundPart
from musiscene_core.progress import silent
from musiscene_core.spotting.sections import find_sections
from musiscene_core.timeline import MediaReference
from musiscene_daemon import hearing
from musiscene_daemon.engines.registry import Registry
from tests.support import sounds

RATE = sounds.RATE // 2


def main() -> None:
    minutes = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "long.wav"
        piece = sounds.cadences(2, "minor", 60.0)[::2].astype(np.float32)
        sounds.written(path, np.concatenate([piece, 0.1 * piece] * -(-minutes // 2)), RATE)
        began = time.perf_counter()
        sections = find_sections(path, 0.0, minutes * 60.0)
        found_s = time.perf_counter() - began
        part = SoundPart(media=MediaReference(path=str(path)), end_s=minutes * 60.0)
        began = time.perf_counter()
        made = hearing.listen(ListenRequest(sounds=(part,)), Registry(), unheard, silent)
        took_s = time.perf_counter() - began
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{minutes} min: {len(sections)} sections found in {found_s:.1f} s")
    print(
        f"{len(made.sections)} described in {took_s:.1f} s, {60 * minutes / took_s:.0f} x real time"
    )
    print(f"peak memory {peak_mb:.0f} MB, the making of the sound included")


if __name__ == "__main__":
    main()
