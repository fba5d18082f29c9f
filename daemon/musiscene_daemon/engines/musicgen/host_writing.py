"""Several steps and the drawing of their tokens in one compiled call, on a processor.

Between two steps torch's small operations and the waking of threads take about a millisecond, in
which nothing is read. Chance is torch's own, drawn beforehand in the order in which it is used.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from musiscene_core.neural.compiled import compiled
from musiscene_core.neural.together import meet
from musiscene_core.sampling import Sampling
from musiscene_daemon.engines.musicgen.drawing import NO_NUMBER, drawn_one
from musiscene_daemon.engines.musicgen.host import HostStep, step
from musiscene_daemon.engines.musicgen.sampling import Chance

if TYPE_CHECKING:
    from musiscene_daemon.engines.musicgen.decoder import Decoder

_LONGEST_S = 0.1
"""Of a call, as far as the last one tells: who waits for the work to stop waits as long."""
_MOST_STEPS = 8
"""In a call; more would save nothing that shows."""


class HostWriting:
    """Writes tokens in place. One thread's, as the step is."""

    def __init__(
        self,
        decoder: Decoder,
        step: HostStep,
        positions: Tensor,
        ahead: int,
        tokens: Tensor,
        open_places: Tensor,
        sampling: Sampling,
        chance: Chance,
    ) -> None:
        """Write where `open_places` [codebooks, length] of `tokens` [takes, codebooks, length] are.

        Args:
            decoder: the weights.
            step: takes the steps, of as many rows as takes, or twice as many with guidance.
            positions: [length, width], to be added to what tokens become.
            ahead: how many positions come before the first token.
            tokens: read and written.
            open_places: which are to be drawn.
            sampling: how.
            chance: a stream a take.
        """
        takes, books, _ = tokens.shape
        count = decoder.shape.decoder.vocab_size
        self._step, self._sampling, self._chance = step, sampling, chance
        many = sampling.top_k if 0 < sampling.top_k < count else count
        self._like = torch.empty(takes, books, many if sampling.temperature else 0)
        self._ahead = ahead
        self._trouble = np.full(1, -1, np.int64)
        self._each_s = _LONGEST_S
        parts = step.team.parts
        self._given = (
            decoder.embeddings.numpy(),
            positions.numpy(),
            tokens.numpy(),
            open_places.numpy(),
            np.float32(sampling.guidance if sampling.guided else 1),
            np.float32(sampling.temperature),
            sampling.top_k,
            np.float32(sampling.top_p),
            np.zeros((parts, count), np.float32),
            np.zeros((parts, count), np.float32),
            np.zeros((parts, count), np.int64),
            self._trouble,
        )

    def __call__(self, first: int, last: int) -> int:
        """Take steps from `first` on, up to `last` at the most; returns where to go on from."""
        fitting = int(_LONGEST_S / max(self._each_s, 1e-4))
        count = max(1, min(last - first, _MOST_STEPS, fitting))
        begun = time.perf_counter()
        waits = torch.stack([self._chance.exponential(self._like) for _ in range(count)])
        given = self._ahead, waits.numpy(), self._given, self._step.given
        self._step.team.paced(count, _written, first, first + count, *given)
        self._each_s = (time.perf_counter() - begun) / count
        return first + count

    @property
    def trouble(self) -> int | None:
        """The first step whose output was not a number; None where all was."""
        found = int(self._trouble[0])
        return None if found < 0 else found


@compiled
def _written(
    first: int,
    last: int,
    ahead: int,
    waits: Any,
    given: Any,
    given_step: Any,
    come: Any,
    part: int,
    parts: int,
) -> None:
    """One part of some steps.

    Args:
        first: of the steps.
        last: the one after.
        ahead: positions before the first token.
        waits: [steps, takes, codebooks, n] exponential variates.
        given: see HostWriting.
        given_step: see HostStep.
        come: of the team.
        part: which.
        parts: of so many.
    """
    embeddings, positions, tokens, places = given[0], given[1], given[2], given[3]
    guidance, temperature, top_k, top_p = given[4], given[5], given[6], given[7]
    logits, values, order, trouble = given[8][part], given[9][part], given[10][part], given[11]
    x, scores = given_step[7], given_step[18]
    takes, books, _ = tokens.shape
    count, width = len(logits), embeddings.shape[1]
    for at in range(first, last):
        if part == 0:
            for m in range(len(x)):
                x[m, :width] = embeddings[tokens[m % takes, 0, at]]
                for book in range(1, books):
                    token = book * (count + 1) + tokens[m % takes, book, at]
                    x[m, :width] += embeddings[token]
                x[m, :width] += positions[at]
        meet(come, parts)
        step(ahead + at, given_step, come, part, parts)
        meet(come, parts)
        for one in range(part, takes * books, parts):
            take, book = one // books, one % books
            begin = book * count
            heard, unheard = scores[take], scores[take + len(x) - takes]
            for n in range(count):
                less = unheard[begin + n]
                logits[n] = less + (heard[begin + n] - less) * guidance
            wait = waits[at - first, take, book]
            token = drawn_one(logits, temperature, top_k, top_p, wait, values, order)
            if token == NO_NUMBER:
                if trouble[0] < 0:
                    trouble[0] = at
            elif places[book, at + 1]:
                tokens[take, book, at + 1] = token
        meet(come, parts)
