"""An LSTM on a processor: what comes in at all times as one product, then a step at a time.

A step is a product of one row with all weights, which torch reads at a third of what memory gives;
a layer's weights are read again for each step, so that a large cache keeps them. Gates and their
order: torch.nn.LSTM.

Needs numba.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import torch
from torch import Tensor

from musiscene_core.neural.between import padded
from musiscene_core.neural.compiled import (
    Compiled,
    compiled,
    float16,
    float32,
    product,
    threads,
    wholes,
)
from musiscene_core.neural.exponential import sigmoid, tanh
from musiscene_core.neural.linear import PackedLinear
from musiscene_core.neural.together import Team, meet

State = tuple[Tensor, Tensor]
"""What is remembered, and the cells: each [layers, rows, width]."""
FLOAT16_MAX = 65_504.0
_STEPS = 50
"""For which the product over all times is packed."""


class Recurrent:
    """The layers of an LSTM whose input is as wide as its output."""

    def __init__(self, lstm: torch.nn.LSTM, *, exact: bool = True) -> None:
        """Take the weights of `lstm`, which goes one way only and has biases.

        Those of a step are read over and over: unless `exact`, they are kept in float16, which
        halves that.
        """
        self.width = lstm.hidden_size
        self._layers: list[tuple[PackedLinear, Compiled]] = []
        for number in range(lstm.num_layers):
            of_input, of_past, bias, more = (
                getattr(lstm, f"{name}_l{number}").detach()
                for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            )
            into = PackedLinear(of_input, bias + more, "float32-onednn", _STEPS)
            narrow = not exact and of_past.abs().max() <= FLOAT16_MAX
            self._layers.append((into, (float16 if narrow else float32)(of_past, None)))
        self._team = Team(1)
        self._one_at_a_time = threading.Lock()

    def __call__(self, x: Tensor, state: State | None) -> tuple[Tensor, State]:
        """X [rows, n, width] with what was remembered before it.

        Returns:
            What comes of it [rows, n, width], and what is remembered now.
        """
        rows, steps, width = x.shape
        held, cells = (
            x.new_zeros(2, len(self._layers), rows, width)
            if state is None
            else torch.stack([part.clone() for part in state])
        )
        for number, (into, past) in enumerate(self._layers):
            given = into(x.reshape(-1, width)).view(rows, steps, 4 * width)
            x = torch.empty(rows, steps, width)
            both = np.zeros((2, rows, padded(width)), np.float32)
            both[0, :, :width] = held[number].numpy()
            whole, worth = wholes(past.weights, rows, padded(width))
            with self._one_at_a_time:
                if self._team.parts != threads():
                    self._team = Team(threads())
                self._team(
                    _remember,
                    past.weights,
                    *past.addresses,
                    given.numpy(),
                    whole,
                    worth,
                    both,
                    cells[number].numpy(),
                    np.empty((rows, 4 * width), np.float32),
                    x.numpy(),
                )
            held[number] = torch.from_numpy(both[steps % 2, :, :width])
        return x, (held, cells)


@compiled
def _remember(
    like: Any,
    weights: int,
    worths: int,
    given: Any,
    whole: Any,
    worth: Any,
    both: Any,
    cells: Any,
    gates: Any,
    out: Any,
    come: Any,
    part: int,
    parts: int,
) -> None:
    """One part of all steps: some of the units, each with its four gates.

    Args:
        like: an array of the weights' type.
        weights: their address, [4 * width, padded width], and
        worths: of what each row of them is worth.
        given: [rows, n, 4 * width] of the input, biases included.
        whole: nothing, and
        worth: nothing, for weights are floats.
        both: [2, rows, padded width] what is remembered before a step and after, in turns.
        cells: [rows, width] to be changed.
        gates: [rows, 4 * width] to work in.
        out: [rows, n, width] to be filled.
        come: of the team.
        part: which.
        parts: of so many.
    """
    rows, steps, width = out.shape
    first, last = width * part // parts, width * (part + 1) // parts
    for step in range(steps):
        now, then = both[step % 2], both[(step + 1) % 2]
        for gate in range(4):
            begin, end = gate * width + first, gate * width + last
            product(like, weights, worths, now, whole, worth, rows, gates, begin, end)
        for m in range(rows):
            wide, of_input = gates[m], given[m, step]
            cell, here, kept = cells[m], out[m, step], then[m]
            for j in range(first, last):
                enters = sigmoid(wide[j] + of_input[j])
                stays = sigmoid(wide[width + j] + of_input[width + j])
                new = tanh(wide[2 * width + j] + of_input[2 * width + j])
                shown = sigmoid(wide[3 * width + j] + of_input[3 * width + j])
                cell[j] = stays * cell[j] + enters * new
                kept[j] = here[j] = shown * tanh(cell[j])
        # Two buffers, so that nobody writes over what another still reads: one meeting is enough.
        meet(come, parts)
