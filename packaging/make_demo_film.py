"""Makes the short film that ships with the package, and the truth about it.

    python packaging/make_demo_film.py              # the film and demo_film/demo_film.json
    python packaging/make_demo_film.py --stills DIR # a PNG from the middle of every shot instead

Needs the package's own dependencies, Pillow, and the program espeak-ng for the four spoken lines.
Takes about three minutes on one core. The same versions of these make the same bytes. Picture,
music and effects are drawn and synthesised here; nothing is taken from anywhere else.
"""

from __future__ import annotations

import argparse
import json
import logging
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
from demo_film import encode, reel, story
from demo_film.paint import Mask
from demo_film.sound import Soundtrack, soundtrack

HERE = Path(__file__).resolve().parent
FILM = HERE.parent / "plugins" / "musiscene_plugins" / "cli" / "demo_film.mp4"
TRUTH = HERE / "demo_film" / "demo_film.json"
MOST_BYTES = 3_000_000
log = logging.getLogger("make_demo_film")


def truth(sound: Soundtrack) -> dict[str, object]:
    """What is in the film; ranges are half-open, frames count from 0, seconds from the start."""
    shots = []
    for index, shot in enumerate(story.SHOTS):
        entry: dict[str, object] = {**asdict(shot), "end_frame": story.shot_end(index)}
        if shot.transition == "dissolve":
            entry["dissolve_frames"] = list(story.DISSOLVE)
        shots.append(entry)
    return {
        "title": "The Lighthouse",
        "rate": f"{story.FPS}/1",
        "frames": story.FRAMES,
        "duration_s": story.FRAMES / story.FPS,
        "width": story.WIDTH,
        "height": story.HEIGHT,
        "sample_rate": story.SAMPLE_RATE,
        "shots": shots,
        "fade_out_frames": list(story.FADE_OUT),
        "dialogue": [asdict(line) for line in sound.lines],
        "temp_track": {
            "bpm": story.BPM,
            "key": story.KEY,
            "first_beat_s": 0.0,
            "beats_per_bar": 4,
        },
        "hits": [asdict(hit) for hit in story.HITS],
        "lightning_frames": list(story.LIGHTNING),
    }


def _frames() -> Iterator[Mask]:
    for frame in range(story.FRAMES):
        if frame % 120 == 0:
            log.info("frame %d of %d", frame, story.FRAMES)
        yield reel.picture(frame)


def _write_stills(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for index, shot in enumerate(story.SHOTS):
        frame = (shot.first_frame + story.shot_end(index)) // 2
        name = folder / f"{index + 1:02d}_{shot.name}.png"
        cv2.imwrite(str(name), np.ascontiguousarray(reel.picture(frame)[:, :, ::-1]))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--stills", type=Path, metavar="DIR", help="write one PNG per shot and stop"
    )
    parser.add_argument("--film", type=Path, default=FILM, help="where to write the film")
    parser.add_argument("--truth", type=Path, default=TRUTH, help="where to write its JSON")
    chosen = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if chosen.stills:
        _write_stills(chosen.stills)
        return 0
    if shutil.which("espeak-ng") is None:
        log.error("espeak-ng is not on the PATH: install it (Debian: apt install espeak-ng)")
        return 2
    sound = soundtrack()
    with tempfile.TemporaryDirectory(dir=chosen.film.parent) as folder:
        draft = Path(folder) / "film.mp4"
        encode.write(draft, _frames(), sound.mix)
        size = draft.stat().st_size
        if size > MOST_BYTES:
            log.error("the film is %d bytes, over %d: raise encode.CRF", size, MOST_BYTES)
            return 1
        draft.replace(chosen.film)
    chosen.truth.write_text(json.dumps(truth(sound), indent=2) + "\n", encoding="utf-8")
    log.info("%s: %d bytes", chosen.film, size)
    return 0


if __name__ == "__main__":
    sys.exit(main())
