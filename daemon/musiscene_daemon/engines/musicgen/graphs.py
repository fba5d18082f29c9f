"""A decoder's step as CUDA graphs: on a GPU, launching its kernels one by one takes longest.

A graph has fixed shapes, so there is one for each bucket of positions, captured when the first
position in it is reached. Where a GPU or a driver cannot do that, steps run as they are.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import torch
from torch import Tensor

from musiscene_daemon.engines.musicgen.decoder import BUCKET, Pass

log = logging.getLogger(__name__)

Step = Callable[[Tensor, int], Tensor]
"""x [rows, 1, width] at a position to logits, which the next call may overwrite."""
_WARM_UPS = 2


def stepper(run: Pass) -> Step:
    """The fastest way to take single steps of `run` on its device."""
    if not run.device.startswith("cuda"):
        return run.run
    return _Graphed(run).step


class _Graphed:
    """Captured steps. One thread's, as `run` is."""

    def __init__(self, run: Pass) -> None:
        self._run = run
        self._graphs: dict[int, tuple[torch.cuda.CUDAGraph, Tensor]] = {}
        self._x: Tensor | None = None
        self._place = torch.zeros(1, dtype=torch.long, device=run.device)
        self._possible = True

    def step(self, x: Tensor, at: int) -> Tensor:
        bucket = at // BUCKET * BUCKET + BUCKET
        if not self._possible or bucket > self._run.room:
            return self._run.run(x, at)
        if self._x is None:
            self._x = x.clone()
        self._x.copy_(x)
        self._place.fill_(at)
        if bucket not in self._graphs:
            try:
                self._graphs[bucket] = self._captured(self._x, bucket)
            except torch.OutOfMemoryError:
                raise
            except RuntimeError as error:
                log.warning("steps run without CUDA graphs: %s", str(error).splitlines()[0])
                self._possible = False
                self._graphs.clear()
                return self._run.run(x, at)
        graph, out = self._graphs[bucket]
        graph.replay()
        return out

    def _captured(self, x: Tensor, bucket: int) -> tuple[torch.cuda.CUDAGraph, Tensor]:
        """The graph of a step within `bucket`, and where its result lies after each replay.

        The steps that warm up write to the cache what the replay writes there again.
        """
        device = x.device
        aside = torch.cuda.Stream(device)
        aside.wait_stream(torch.cuda.current_stream(device))
        with torch.cuda.stream(aside):
            for _ in range(_WARM_UPS):
                self._run.step(x, self._place, bucket)
        torch.cuda.current_stream(device).wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        first = next(iter(self._graphs.values()), None)
        with torch.cuda.graph(graph, pool=None if first is None else first[0].pool()):
            out = self._run.step(x, self._place, bucket)
        return graph, out
