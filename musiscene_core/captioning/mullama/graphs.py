"""Decoding steps captured as CUDA graphs: a GPU is handed a whole step at once."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

_WARM_UPS = 3


class Graphs:
    """One step function, captured once a span. For as long as what it reads stays in its place."""

    def __init__(self, step: Callable[[Tensor, Tensor, int], Tensor]) -> None:
        """Nothing captured yet.

        Args:
            step: tokens [B], positions [B] and a span to scores [B, V], without a look at values.
        """
        self._step = step
        self._span = 0
        self._graph: torch.cuda.CUDAGraph | None = None
        self._tokens = self._positions = self._scores = torch.zeros(0)

    def __call__(self, tokens: Tensor, positions: Tensor, span: int) -> Tensor:
        """As the step itself; the scores are overwritten by the next call."""
        if self._graph is None or span != self._span:
            self._capture(tokens, positions, span)
        self._tokens.copy_(tokens)
        self._positions.copy_(positions)
        if self._graph is None:
            raise RuntimeError("nothing was captured")
        self._graph.replay()
        return self._scores

    def _capture(self, tokens: Tensor, positions: Tensor, span: int) -> None:
        # A step writes to the cache at `positions` alone, which repeating it does not change.
        self._tokens, self._positions, self._span = tokens.clone(), positions.clone(), span
        beside = torch.cuda.Stream()
        beside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(beside):
            for _ in range(_WARM_UPS):
                self._step(self._tokens, self._positions, span)
        torch.cuda.current_stream().wait_stream(beside)
        self._graph = torch.cuda.CUDAGraph()
        # Other threads of this process may use the GPU meanwhile: only ours must keep to the rules.
        with torch.cuda.graph(self._graph, capture_error_mode="thread_local"):
            self._scores = self._step(self._tokens, self._positions, span)
