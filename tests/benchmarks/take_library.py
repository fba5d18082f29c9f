"""How soon a library of ten thousand takes is listed and searched, with its folders checked.

    python -m tests.benchmarks.take_library [TAKES]

Prints the median of five. The target is 0.2 s for 10,000.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

from musiscene_core.library import Catalogue, TakeQuery
from tests.support.take_library import make_take

_CLOCK_STEP_S = 2.1
"""Until the folders' clock has moved on, each of them is read again."""


def main(takes: int) -> None:
    """Make a library of `takes`, index it and query it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number in range(takes):
            make_take(folder, f"x-{number:05}", cue=f"Cue {number % 90}", seed=number, age_s=number)
        catalogue = Catalogue(folder)
        began = time.perf_counter()
        catalogue.find()
        print(f"first index of {takes} takes: {time.perf_counter() - began:.2f} s")
        time.sleep(_CLOCK_STEP_S)
        catalogue.find()
        for title, query in (
            ("list", TakeQuery()),
            ("search", TakeQuery(words="roofs", cue="cue 42")),
        ):
            took = []
            for _ in range(5):
                began = time.perf_counter()
                found = catalogue.find(query).total
                took.append(time.perf_counter() - began)
            print(f"{title}: {statistics.median(took) * 1000:.0f} ms, {found} found")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
