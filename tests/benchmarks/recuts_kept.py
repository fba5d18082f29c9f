"""How much of a composed minute stays the same, sample for sample, when its film is cut again.

    python -m tests.benchmarks.recuts_kept [--seeds N] [--random N]

For each recut: the share of samples that are the earlier take's in every stem and the mix, the
bars that are so throughout, and the furthest tempo of a seam. `--random` adds so many recuts of
two trims each, of which the median is printed. Figures are printed, never asserted.
"""

from __future__ import annotations

import argparse
import tempfile
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from random import Random

import msgspec
import numpy as np
import numpy.typing as npt

from musiscene_core.brief import SceneBrief
from musiscene_core.codec import to_json
from musiscene_core.composing.score import score
from musiscene_core.conforming.earlier import EarlierTake, read_earlier
from musiscene_core.media import read_audio
from musiscene_core.request import ScoreRequest
from musiscene_core.take import Take
from musiscene_core.timecode import SAMPLE_RATE
from musiscene_core.timeline import TimelineRange
from tests.support.recuts import Shot, laid_out
from tests.support.scenes import brief_of

SHOTS = [Shot(f"s{n}", 0, length) for n, length in enumerate((192, 168, 168, 312, 300, 300))]
RECUTS: dict[str, list[Shot]] = {
    "nothing": SHOTS,
    "2 s off a shot": [*SHOTS[:3], Shot("s3", 0, 264), *SHOTS[4:]],
    "3.3 s put in": [*SHOTS[:3], Shot("new", 0, 79), *SHOTS[3:]],
    "13 s taken out": [*SHOTS[:3], *SHOTS[4:]],
    "1 s off the beginning": [Shot("s0", 24, 168), *SHOTS[1:]],
    "1.5 s off the end": [*SHOTS[:5], Shot("s5", 0, 264)],
    "13 s replaced": [*SHOTS[:3], Shot("new", 0, 312), *SHOTS[4:]],
    "two shots swapped": [SHOTS[0], SHOTS[2], SHOTS[1], *SHOTS[3:]],
    "two trims": [Shot("s0", 0, 180), *SHOTS[1:4], Shot("s4", 0, 269), SHOTS[5]],
}
_FRAME = 2000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--random", type=int, default=0)
    chosen = parser.parse_args()
    for seed in range(3, 3 + chosen.seeds):
        with tempfile.TemporaryDirectory(prefix="musiscene-bench-") as folder:
            _measure(Path(folder), seed, chosen.random)


def _measure(folder: Path, seed: int, count: int) -> None:
    old = folder / "old"
    request = ScoreRequest(brief=_brief(laid_out(SHOTS)), seed=seed)
    first = score(request, seed, "take-1", old)
    (old / "request.json").write_bytes(to_json(request))
    assert first.tempo is not None
    print(f"seed {seed}: {first.tempo.segments[-1].bpm:.1f} BPM")
    for name, shots in RECUTS.items():
        kept, whole, bars, bend = _recut(old, folder / name, shots, seed, first)
        print(f"{name:22} {kept:5.1%} of samples, {whole} of {bars} bars, seams {bend:.1%}")
    random = Random(seed)
    found = []
    for number in range(count):
        shots = list(SHOTS)
        for at in random.sample(range(len(shots)), 2):
            less = random.randint(6, 36)
            shots[at] = Shot(shots[at].media, 0, shots[at].length - less)
        found.append(_recut(old, folder / str(number), shots, seed, first))
    if found:
        middle = np.median([[kept, bend] for kept, _, _, bend in found], axis=0)
        print(f"two trims, {count} random: {middle[0]:5.1%} of samples, seams {middle[1]:.1%}")


def _recut(
    old: Path, folder: Path, shots: list[Shot], seed: int, first: Take
) -> tuple[float, int, int, float]:
    """Share of samples kept, bars kept whole, bars, furthest tempo."""
    timeline = laid_out(shots)
    before = read_earlier(old, timeline)
    assert before is not None
    request = ScoreRequest(brief=_brief(timeline), seed=seed, tonic=first.tonic, mode=first.mode)
    take = score(request, seed, "take-1", folder, earlier=before)
    assert take.tempo is not None
    assert first.tempo is not None
    alike = _same(before, take, folder)
    last = take.tempo.beat(timeline.length_seconds)
    edges = [bar.beat for bar in take.tempo.bar_lines(take.tempo.beat(0.0), last)]
    samples = [max(0, round(SAMPLE_RATE * take.tempo.seconds(beat))) for beat in edges]
    samples.append(take.length_samples)
    whole = sum(bool(alike[a:b].all()) for a, b in pairwise(samples) if b > a)
    base = first.tempo.segments[-1].bpm
    bend = max(abs(segment.bpm / base - 1) for segment in take.tempo.segments)
    return float(alike.mean()), whole, len(edges), bend


def _brief(timeline: TimelineRange) -> SceneBrief:
    cuts = [(clip.mapping.record.start - timeline.record.start) / 24 for clip in timeline.clips[1:]]
    made = brief_of(timeline.length_seconds, cuts=cuts, sad=1.0)
    return msgspec.structs.replace(made, timeline=timeline)


def _same(before: EarlierTake, take: Take, folder: Path) -> npt.NDArray[np.bool_]:
    """Which samples of every stem and the mix are the old ones of the same film [n]."""
    alike = np.zeros(take.length_samples, bool)
    pairs = [
        (
            _sound(before.folder / name, before.take.length_samples),
            _sound(folder / name, take.length_samples),
        )
        for name in (take.mix, *(stem.path for stem in take.stems))
    ]
    for film in before.film:
        was, now = _FRAME * film.was.start, _FRAME * film.now.start
        length = _FRAME * film.now.length
        alike[now : now + length] = np.all(
            [
                np.all(o[:, was : was + length] == n[:, now : now + length], axis=0)
                for o, n in pairs
            ],
            axis=0,
        )
    return alike


def _sound(path: Path, samples: int) -> npt.NDArray[np.int32]:
    end = Fraction(samples, SAMPLE_RATE)
    heard = read_audio(path, Fraction(0), end, sample_rate=SAMPLE_RATE, channels=2)
    return np.rint(heard * 2.0**23).astype(np.int32)


if __name__ == "__main__":
    main()
