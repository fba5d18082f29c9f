"""How well beats are heard in music of ours whose tempo map is known: every mood, soft ones too.

    python -m tests.benchmarks.beats_heard [--seeds N] [--first N] [--length S] [--jobs N]

A cue an idiom and seed is composed at a tempo from a wide range, rendered, and heard as any file.
Its tempo is right within 2 %, an octave where it is so at twice or half; its phase is right where
nine beats in ten lie within 70 ms of one of the cue's, at the octave heard. Then sounds without a
pulse, which must not be usable. Figures are printed, never asserted.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from musiscene_core.composing.engine import IDIOM_NAMES
from musiscene_core.composing.score import score
from musiscene_core.media import read_audio
from musiscene_core.remixing.grid import Grid, find_grid
from musiscene_core.request import ScoreRequest
from musiscene_core.timecode import SAMPLE_RATE
from tests.support.scenes import brief_of
from tests.support.songs import scattered

TEMPI = (58.0, 66.0, 76.0, 84.0, 92.0, 104.0, 112.0, 124.0, 132.0, 144.0, 154.0, 163.0)
_WITHIN, _NEAR_S, _MOST = 0.02, 0.07, 0.9
Doubles = npt.NDArray[np.float64]


def heard(work: tuple[int, str, int, float]) -> tuple[str, bool, bool]:
    """How the tempo of a cue was read, whether its phase was right, and whether it may be cut."""
    number, idiom, seed, length_s = work
    bpm = TEMPI[(7 * number + 5 * seed) % len(TEMPI)]
    brief = brief_of(
        length_s,
        cuts=(0.31 * length_s, 0.67 * length_s),
        valence=(-0.4, 0.0, 0.4)[seed % 3],
        arousal=(0.3, -0.4, 0.0)[seed % 3],
    )
    request = ScoreRequest(brief=brief, seed=seed, idiom=idiom, hits=(), tempo_bpm=bpm)
    with tempfile.TemporaryDirectory(prefix="musiscene-bench-") as folder:
        take = score(request, seed, "take-1", Path(folder))
        path = Path(folder) / take.mix
        end = Fraction(take.length_samples, SAMPLE_RATE)
        mix = read_audio(path, Fraction(0), end, sample_rate=SAMPLE_RATE, channels=2)
    assert take.tempo is not None
    count = int(take.tempo.beat(length_s))
    truth = np.array([take.tempo.seconds(float(beat)) for beat in range(count + 1)])
    grid = find_grid(mix)
    return (*judged(grid, truth), grid.usable)


def judged(grid: Grid, truth: Doubles) -> tuple[str, bool]:
    """The tempo as it was read, against the beats that are there [n], and its phase."""
    if len(grid.beats_s) < 4:
        return "none", False
    ratio = grid.tempo_bpm * float(np.median(np.diff(truth))) / 60.0
    if abs(ratio - 1) <= _WITHIN:
        said, places = "right", truth
    elif abs(ratio / 2 - 1) <= _WITHIN:
        said, places = "octave", np.sort(np.concatenate([truth, (truth[1:] + truth[:-1]) / 2]))
    elif abs(ratio * 2 - 1) <= _WITHIN:
        said, places = "octave", truth
    else:
        return "wrong", False
    near = [np.abs(places - beat).min() <= _NEAR_S for beat in grid.beats_s]
    return said, float(np.mean(near)) >= _MOST


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--length", type=float, default=40.0)
    parser.add_argument("--jobs", type=int, default=2)
    chosen = parser.parse_args()
    seeds = range(chosen.first, chosen.first + chosen.seeds)
    work = [
        (number, idiom, seed, chosen.length)
        for number, idiom in enumerate(IDIOM_NAMES)
        for seed in seeds
    ]
    with ProcessPoolExecutor(chosen.jobs) as pool:
        found = list(pool.map(heard, work))
    for idiom in IDIOM_NAMES:
        own = [one for one, (_, name, _, _) in zip(found, work, strict=True) if name == idiom]
        print(f"{idiom:20} {_told(own)}")
    print(f"{'all':20} {_told(found)}")
    wrong = sum(1 for said, phase, usable in found if usable and not (said != "wrong" and phase))
    print(f"of those that may be cut, {wrong} have a wrong tempo or phase")
    false = [
        find_grid(scattered(seed, held=held)).usable for seed in range(12) for held in (False, True)
    ]
    print(f"without a pulse: {sum(false)} of {len(false)} said to have one")


def _told(found: list[tuple[str, bool, bool]]) -> str:
    said = Counter(one for one, _, _ in found)
    phase = sum(good for one, good, _ in found if one in ("right", "octave"))
    usable = sum(one for _, _, one in found)
    return (
        f"{len(found)} cues: tempo right {said['right']}, octave {said['octave']}, wrong "
        f"{said['wrong'] + said['none']}; phase right {phase}; usable {usable}"
    )


if __name__ == "__main__":
    main()
