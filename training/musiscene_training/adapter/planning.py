"""Which rows a step sees, and which of them lie side by side in one forward pass. Loads no torch.

Everything follows from seed and step, so that a training goes on after a crash with the rows that
it would have seen, on any number of processes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Schedule:
    """The steps of a training.

    Attributes:
        rows: how many there are.
        batch: rows a step.
        epochs: times that all are seen.
        seed: of their order.
    """

    rows: int
    batch: int
    epochs: int
    seed: int

    @property
    def steps_an_epoch(self) -> int:
        """The last step of an epoch may have fewer rows than the others."""
        return math.ceil(self.rows / self.batch)

    @property
    def steps(self) -> int:
        """In all."""
        return self.steps_an_epoch * self.epochs

    def epoch(self, step: int) -> int:
        """Which epoch a step belongs to, both from 0."""
        return step // self.steps_an_epoch

    def ends_epoch(self, step: int) -> bool:
        """Whether a step is the last one of its epoch."""
        return (step + 1) % self.steps_an_epoch == 0

    def rows_of(self, step: int) -> tuple[int, ...]:
        """The rows that a step sees, by number."""
        order = np.random.default_rng([self.seed, self.epoch(step)]).permutation(self.rows)
        first = (step % self.steps_an_epoch) * self.batch
        return tuple(int(row) for row in order[first : first + self.batch])


def rate_at(epoch: float, epochs: int, warmup: float, peak: float) -> float:
    """The learning rate: up in a line over `warmup` epochs, then down to 0 as half a cosine.

    Args:
        epoch: with its fraction, as the published trainings reckon it anew each step.
        epochs: in all.
        warmup: epochs.
        peak: the rate in between.
    """
    if epoch < warmup:
        return peak * epoch / warmup
    left = max(1e-9, epochs - warmup)
    return peak * 0.5 * (1 + math.cos(math.pi * min(1.0, (epoch - warmup) / left)))


def packs(lengths: Sequence[int], most: int, processes: int) -> list[list[int]]:
    """Put rows into packs of much the same length, as many for each process.

    Longest first, each into the emptiest pack; with another pack a process while one overflows.

    Args:
        lengths: of the rows, in tokens; at least one.
        most: tokens a pack; a row that is longer has a pack to itself.
        processes: pack i goes to process i % processes.

    Returns:
        Places in `lengths`, by pack; a pack may be empty where rows are few.
    """
    count = max(1, math.ceil(math.ceil(sum(lengths) / most) / processes)) * processes
    longest_first = sorted(range(len(lengths)), key=lambda row: (-lengths[row], row))
    while True:
        filled: list[list[int]] = [[] for _ in range(count)]
        sizes = [0] * count
        for row in longest_first:
            emptiest = min(range(count), key=lambda pack: (sizes[pack], pack))
            filled[emptiest].append(row)
            sizes[emptiest] += lengths[row]
        if count >= len(lengths) or all(
            size <= most or len(rows) == 1 for size, rows in zip(sizes, filled, strict=True)
        ):
            return filled
        count += processes
