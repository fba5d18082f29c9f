"""Rows side by side: several texts as one row of tokens, with no padding between them.

A label's weight is one over the labels of its row and the rows of its step, so that a step's loss
is the mean over rows of each row's mean over tokens, however they were packed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from musiscene_training.adapter.examples import Example
from musiscene_training.adapter.features import Features

Heard = Callable[[Example], Features]
"""The features [S, W] of an example."""


@dataclass(frozen=True)
class PackedRows:
    """B texts in one row of T tokens, N of which predict a label.

    Attributes:
        ids: [T].
        positions: [T], each text's own from 0 up.
        rows: [T], which text each token belongs to.
        lengths: of the texts.
        features: [B, S, W].
        places: [N] in the row, from where a label is predicted.
        labels: [N], the token that should follow.
        weights: float32 [N], what each counts.
    """

    ids: Tensor
    positions: Tensor
    rows: Tensor
    lengths: tuple[int, ...]
    features: Tensor
    places: Tensor
    labels: Tensor
    weights: Tensor

    def to(self, device: torch.device) -> PackedRows:
        """The same, on a device."""
        tensors = {
            name: value.to(device, non_blocking=True)
            for name, value in vars(self).items()
            if isinstance(value, Tensor)
        }
        return replace(self, **tensors)


def pack(examples: Sequence[Example], heard: Heard, weight: float) -> PackedRows:
    """Put examples side by side.

    Args:
        examples: at least one.
        heard: gives the features of each.
        weight: of a whole row, spread over its labels.
    """
    starts = np.cumsum([0, *(len(one.tokens) for one in examples)])
    places = [
        np.arange(start + one.asked - 1, start + len(one.tokens) - 1)
        for start, one in zip(starts[:-1], examples, strict=True)
    ]
    labels = [one.tokens[one.asked :] for one in examples]
    weights = [np.full(one.answered, weight / one.answered) for one in examples]
    rows = [np.full(len(one.tokens), number) for number, one in enumerate(examples)]
    return PackedRows(
        ids=torch.tensor([token for one in examples for token in one.tokens]),
        positions=torch.cat([torch.arange(len(one.tokens)) for one in examples]),
        rows=torch.from_numpy(np.concatenate(rows)),
        lengths=tuple(len(one.tokens) for one in examples),
        features=torch.from_numpy(np.stack([heard(one) for one in examples])),
        places=torch.from_numpy(np.concatenate(places)),
        labels=torch.tensor([token for row in labels for token in row]),
        weights=torch.from_numpy(np.concatenate(weights)).float(),
    )
