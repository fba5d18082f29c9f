"""Second-order filter sections, run over long signals as matrix products.

A recursive filter is linear in its state and input, so a block of samples leaves it as one
product with a matrix, and only the states at the blocks' edges depend on each other. Exact, many
times quicker than a loop, and needs NumPy alone. Knows nothing of what the filters are for.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Sections = npt.NDArray[np.float64]
"""Second-order sections [k, 6], one after the other: b0 b1 b2 a0 a1 a2, with a0 = 1."""

Signal = npt.NDArray[Any]
"""float32 or float64."""

_SINGLE_THREADED = 200_000
"""Multiplications below which OpenBLAS keeps to one thread, with room to spare."""

_BLOCK = 48
_FORGOTTEN = 1e-18


class SectionFilter:
    """Filters a signal piece by piece."""

    def __init__(self, sections: Sections, channels: int, block: int = _BLOCK) -> None:
        """Filter `channels` side by side, `block` samples at a time."""
        step, enter, leave, direct = _state_space(sections)
        states = [np.eye(len(step))]
        for _ in range(block):
            states.append(states[-1] @ step)
        impulse = np.array([direct, *(leave @ state @ enter for state in states[: block - 1])])
        delay = np.arange(block)[None, :] - np.arange(block)[:, None]
        self._through = np.where(delay >= 0, impulse[np.maximum(delay, 0)], 0.0)
        self._rings_on = np.array([leave @ state for state in states[:block]]).T
        self._into_state = np.array([state @ enter for state in states[block - 1 :: -1]])
        self._step = states[block].T
        self._state = np.zeros((channels, len(step)))
        self._block = block

    def run(self, piece: Signal) -> Signal:
        """The next piece [channels, n], filtered; n is a whole number of blocks.

        Of the same type as `piece`; in float32, exact to -100 dB of the highest sample.
        """
        channels, samples = piece.shape
        count = samples // self._block
        blocks = piece.reshape(channels * count, self._block)
        # In double precision: errors here would add up in a low corner's slow states.
        entered = product(blocks.astype(np.float64), self._into_state)
        states = np.empty((channels, count + 1, self._state.shape[1]))
        states[:, 0] = self._state
        states[:, 1:] = entered.reshape(channels, count, -1)
        self._settle(states)
        self._state = states[:, -1].copy()
        found = product(blocks, self._through.astype(piece.dtype))
        before = states[:, :-1].reshape(channels * count, -1).astype(piece.dtype)
        found += product(before, self._rings_on.astype(piece.dtype))
        return found.reshape(channels, samples)

    def _settle(self, states: npt.NDArray[np.float64]) -> None:
        """Add to what entered the state in each block what is left of all before, in place."""
        reach, step = 1, self._step
        while reach < states.shape[1] and np.abs(step).max() > _FORGOTTEN:
            # Each pass doubles how far back the sums reach.
            states[:, reach:] += states[:, :-reach] @ step
            reach, step = 2 * reach, step @ step


def filtered(sections: Sections, signal: Signal) -> Signal:
    """`signal` [channels, n] through `sections`, from rest; of the same type."""
    channels, samples = signal.shape
    whole = np.zeros((channels, -(-samples // _BLOCK) * _BLOCK), dtype=signal.dtype)
    whole[:, :samples] = signal
    return SectionFilter(sections, channels).run(whole)[:, :samples]


def product(left: Signal, right: Signal) -> Signal:
    """The matrix product of [m, k] and [k, n], in portions too small for BLAS to start threads.

    For callers that keep the cores busy themselves; nor do the sums depend on how many there are.
    """
    rows = max(1, _SINGLE_THREADED // right.size)
    deep, wide = right.shape
    whole = np.empty((len(left), wide), dtype=left.dtype)
    portions = len(left) // rows
    split = portions * rows
    np.matmul(
        left[:split].reshape(portions, rows, deep),
        right,
        out=whole[:split].reshape(portions, rows, wide),
    )
    np.matmul(left[split:], right, out=whole[split:])
    return whole


def _state_space(
    sections: Sections,
) -> tuple[Sections, npt.NDArray[np.float64], npt.NDArray[np.float64], float]:
    """The sections in a row as state' = step state + enter x; y = leave state + direct x."""
    size = 2 * len(sections)
    step, enter, leave, direct = np.zeros((size, size)), np.zeros(size), np.zeros(size), 1.0
    for number, (b0, b1, b2, _, a1, a2) in enumerate(sections):
        own = slice(2 * number, 2 * number + 2)
        # Transposed form: its states stay as small as the signal, whatever the corner.
        gains = np.array([b1 - a1 * b0, b2 - a2 * b0])
        step[own] = np.outer(gains, leave)
        step[own, own] = [[-a1, 1.0], [-a2, 0.0]]
        enter[own] = gains * direct
        leave *= b0
        leave[2 * number] = 1.0
        direct *= b0
    return step, enter, leave, direct
