"""How long the captioner that MusiScene comes with takes, and what it says of recordings.

python -m tests.benchmarks.nano_caption [FILE ...]
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from musiscene_core.captioning.generation import Generation
from musiscene_core.captioning.heard import Section
from musiscene_core.captioning.nano.saved import SHIPPED, load
from musiscene_core.captioning.prompts import DESCRIBE, QUESTIONS, SCENE, VIDEO
from musiscene_core.media import probe
from musiscene_core.timeline import MediaReference
from musiscene_daemon.engines.nano import NanoCaptioner
from tests.support import sounds

LENGTH_S = 30.0
ROUNDS = 7


def main() -> None:
    began = time.perf_counter()
    load(SHIPPED)
    print(f"weights loaded in {time.perf_counter() - began:.2f} s")
    every = tuple(question for known in QUESTIONS.values() for question in known)
    with tempfile.TemporaryDirectory() as folder:
        heard = sounds.drums(120, int(LENGTH_S))[0] + sounds.cadences(9, "minor", LENGTH_S)
        section = _section(sounds.written(Path(folder) / "a.wav", heard), LENGTH_S)
        NanoCaptioner().answer([section], (SCENE,), Generation())
        for name, asked in (("one caption", (SCENE,)), ("all seven", every)):
            took = []
            for _ in range(ROUNDS):
                began = time.perf_counter()
                NanoCaptioner().answer([section], asked, Generation())
                took.append(time.perf_counter() - began)
            middle = sorted(took)[ROUNDS // 2]
            print(f"{name} of {LENGTH_S:.0f} s: {min(took):.2f} s at best, {middle:.2f} s usually")
    for path in sys.argv[1:]:
        _say(Path(path))


def _say(path: Path) -> None:
    sound = probe(path)
    if not sound.audio or sound.duration is None:
        print(f"{path.name}: no sound")
        return
    section = _section(path, float(sound.duration))
    (heard,) = NanoCaptioner().answer([section], (DESCRIBE, SCENE, VIDEO), Generation())
    print(f"\n{path.name}, {float(sound.duration):.0f} s: {heard.problem}")
    for caption in heard.captions:
        print(f"  {caption.text}")
    if heard.captions and heard.captions[0].how is not None:
        print(f"  ({heard.captions[0].how.notes[-1]})")


def _section(path: Path, end_s: float) -> Section:
    return Section(media=MediaReference(path=str(path)), start_s=0.0, end_s=end_s)


if __name__ == "__main__":
    main()
