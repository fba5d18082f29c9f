"""Take folders as the daemon publishes them, by the thousand and in no time."""

from __future__ import annotations

import os
import time
from pathlib import Path

import msgspec

from musiscene_core.brief import Caption, Captions
from musiscene_core.codec import to_json
from musiscene_core.take import Provenance, Stem, Take
from tests.support.daemons import request

DAY_S = 86_400


def make_take(
    data: Path,
    job: str = "1m1-aaaa",
    name: str = "take-1",
    *,
    cue: str = "1m1 The Chase",
    caption: str = "strings run over wet roofs",
    engine: str = "composer",
    seed: int = 0,
    age_s: float = 0.0,
    megabytes: float = 0.0,
    loudness: float = -16.0,
    sound: bytes = b"\x01",
) -> Path:
    """A take's folder below `data`, made `age_s` ago."""
    asked = request(cue=cue, seed=seed)
    brief = msgspec.structs.replace(asked.brief, captions=Captions(fusion=Caption(caption)))
    asked = msgspec.structs.replace(asked, brief=brief, engine=engine)
    timeline = brief.timeline
    take = Take(
        name=name,
        cue=cue,
        rate=timeline.rate,
        record=timeline.record,
        length_samples=timeline.length_samples,
        mix="mix.wav",
        stems=(Stem(role="melody", path="stems/melody.wav", peak_dbfs=-3.0),),
        hits=(),
        loudness_lufs=loudness,
        true_peak_dbtp=-1.5,
        tonic=2,
        mode="minor",
        provenance=Provenance(engine=engine, engine_version="7", seed=seed, prompt=caption),
    )
    folder = data / "takes" / job / name
    (folder / "stems").mkdir(parents=True)
    for file in ("mix.wav", "stems/melody.wav"):
        (folder / file).write_bytes(sound * max(1, int(megabytes * 5e5)))
    (folder / "brief.json").write_bytes(to_json(brief))
    (folder / "request.json").write_bytes(to_json(asked))
    (folder / "take.json").write_bytes(to_json(take))
    then = time.time() - age_s
    os.utime(folder / "take.json", (then, then))
    return folder
