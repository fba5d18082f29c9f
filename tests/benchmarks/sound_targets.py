"""How the music of every idiom measures against the sound of orchestral scores.

    python -m tests.benchmarks.sound_targets [--seeds N] [--length S] [--jobs N]

One scene per idiom and seed is composed and rendered; per idiom the least, middle and highest of
each figure are printed, with a mark where one leaves its target. Figures are printed, not
asserted: tests/core/test_composing_sound_targets.py holds a short form to them.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor

import numpy as np

from musiscene_core.composing.idioms import IDIOMS
from tests.support.sound_targets import FIGURES, OCTAVES, figures_of, off


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--length", type=float, default=45.0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--idiom", action="append")
    chosen = parser.parse_args()
    names = chosen.idiom or [idiom.name for idiom in IDIOMS]
    seeds = range(chosen.first, chosen.first + chosen.seeds)
    work = [(name, seed, chosen.length) for name in names for seed in seeds]
    with ProcessPoolExecutor(chosen.jobs) as pool:
        found = list(pool.map(figures_of, *zip(*work, strict=True)))
    head = "  ".join(f"{name:>17}" for name in FIGURES)
    print(f"{'idiom':20}  {head}")
    missed = 0
    for name in names:
        rows = [one for one, (idiom, _, _) in zip(found, work, strict=True) if idiom == name]
        cells = []
        for figure in FIGURES:
            values = [row[figure] for row in rows]
            wrong = sum(off(figure, value) for value in values)
            missed += wrong
            low, middle, high = np.min(values), np.median(values), np.max(values)
            cells.append(f"{low:5.2f}/{middle:5.2f}/{high:5.2f}" + ("*" if wrong else " "))
        print(f"{name:20}  " + " ".join(f"{cell:>18}" for cell in cells))
        bands = np.median([row["octaves"] for row in rows], axis=0)
        print(f"{'':20}  octaves " + " ".join(f"{band:+6.1f}" for band in bands))
    print(f"{'reference':20}  octaves " + " ".join(f"{band:+6.1f}" for band in OCTAVES))
    print(f"{len(work)} cues, {missed} figures outside their targets (marked *)")


if __name__ == "__main__":
    main()
