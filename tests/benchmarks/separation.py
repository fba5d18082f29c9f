"""How well mixes are taken apart: cues of ours, whose stems are known, by rules or by a Demucs.

    python -m tests.benchmarks.separation [--seeds N] [--length S] [--demucs FILE.th]

Prints SI-SDR in dB a stem: of the estimate, of the mix itself taken for it, and what was gained.
Figures are printed, never asserted.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import defaultdict
from fractions import Fraction
from pathlib import Path

import numpy as np

from musiscene_core.composing.score import score
from musiscene_core.media import read_audio
from musiscene_core.request import ScoreRequest
from musiscene_core.separating.by_rules import taken_apart
from musiscene_core.separating.quality import qualities_db
from musiscene_core.timecode import SAMPLE_RATE
from tests.support.composed import MOODS, mood_brief


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--length", type=float, default=24.0)
    parser.add_argument("--demucs", type=Path)
    chosen = parser.parse_args()
    found: dict[str, list[tuple[float, float]]] = defaultdict(list)
    began = spent = 0.0
    for mood in MOODS:
        for seed in range(chosen.seeds):
            mix, truths = _made(mood, seed, chosen.length)
            began = time.perf_counter()
            estimates = _apart(mix, chosen.demucs)
            spent += time.perf_counter() - began
            own = qualities_db(estimates, truths)
            raw = qualities_db(dict.fromkeys(truths, mix), truths)
            for role, figure in own.items():
                found[role].append((figure, raw[role]))
    print(f"{len(MOODS) * chosen.seeds} cues of {chosen.length:g} s, {spent:.1f} s of work")
    print(f"{'stem':12} {'SI-SDR':>8} {'of the mix':>11} {'gained':>8}   cues")
    for role, figures in found.items():
        own_db, raw_db = np.median(figures, axis=0)
        gained = np.median([one - other for one, other in figures])
        print(f"{role:12} {own_db:8.1f} {raw_db:11.1f} {gained:8.1f}   {len(figures)}")


def _made(mood: str, seed: int, length_s: float) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    request = ScoreRequest(brief=mood_brief(mood, length_s), seed=seed)
    with tempfile.TemporaryDirectory(prefix="musiscene-bench-") as folder:
        take = score(request, seed, "take-1", Path(folder))
        end = Fraction(take.length_samples, SAMPLE_RATE)

        def read(path: str) -> np.ndarray:
            return read_audio(
                Path(folder) / path, Fraction(0), end, sample_rate=SAMPLE_RATE, channels=2
            )

        return read(take.mix), {stem.role: read(stem.path) for stem in take.stems}


def _apart(mix: np.ndarray, weights: Path | None) -> dict[str, np.ndarray]:
    split = None
    if weights is not None:
        from musiscene_daemon.engines.demucs import load

        split = load(weights).split
    pieces = [piece for _, piece in taken_apart(mix, split=split)]
    return {role: np.concatenate([piece[role] for piece in pieces], axis=1) for role in pieces[0]}


if __name__ == "__main__":
    main()
