"""How far hits are off and how much the tempo bends, over random layouts of hits.

python -m tests.benchmarks.tempo_to_hits [LAYOUTS]
"""

from __future__ import annotations

import sys
import time

import numpy as np

from musiscene_core.composing.tempo import TOLERANCE_S, Wish, solve
from musiscene_core.composing.tempo_chain import Target
from musiscene_core.timecode import FrameRate
from tests.support.tempi import steps_of, worst_bend

RATES = ("23.976", "24", "25", "29.97", "30", "48", "50", "59.94", "60")
LENGTH_S = 60.0
APART_S = 3.2


def main(layouts: int) -> None:
    """Solve `layouts` layouts of 1 to 8 hits a minute and print how it went."""
    dice = np.random.default_rng(1)
    bends, steps, errors, places = [], [], [], [0, 0, 0]
    missed = metres = constant = 0
    begin = time.perf_counter()
    for number in range(layouts):
        fps = float(FrameRate.parse(RATES[number % len(RATES)]).fps)
        targets = _layout(dice, fps)
        lead = max(range(len(targets)), key=lambda index: targets[index].weight)
        low = float(dice.uniform(60, 110))
        metre = int(dice.choice([3, 4]))
        wish = Wish(low, low * 1.35, low * float(dice.uniform(1.05, 1.3)), metre)
        solution = solve(targets, lead, LENGTH_S, wish, min(TOLERANCE_S, 0.98 / fps))
        tempo = solution.tempo
        if len(tempo.segments) == 1:
            constant += 1
        else:
            bends.append(worst_bend(tempo))
            steps.append(max(steps_of(tempo)))
        for index, beat in solution.met:
            errors.append(abs(tempo.seconds(beat) - targets[index].seconds) * fps)
            place = tempo.place(beat)[0]
            places[0 if place < 1e-6 else 1 if place % 1.0 < 1e-6 else 2] += 1
        missed += len(solution.missed)
        metres += len(tempo.metres)
    each_ms = (time.perf_counter() - begin) / layouts * 1000
    for name, values in (("error, frames", errors), ("deviation", bends), ("step", steps)):
        middle, most, worst = np.percentile(values, (50, 90, 100))
        print(f"{name:14} median {middle:.4f}  90th {most:.4f}  worst {worst:.4f}")
    print(f"one tempo: {constant} of {layouts} layouts; {each_ms:.1f} ms each")
    print(f"hits: {len(errors)} met, {missed} left out; downbeat, beat, half beat: {places}")
    print(f"changes of metre a minute: {metres / layouts:.2f}")


def _layout(dice: np.random.Generator, fps: float) -> list[Target]:
    count = int(dice.integers(1, 9))
    while True:
        frames = np.sort(dice.integers(int(fps), int((LENGTH_S - 1) * fps), count))
        if count < 2 or np.diff(frames).min() / fps >= APART_S:
            return [Target(int(f) / fps, float(dice.uniform(0.3, 1))) for f in frames]


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
