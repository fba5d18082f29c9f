"""Cross-entropy where there are labels, through a last linear that does not train.

Since its weights are frozen, the gradient with respect to what goes in is known as soon as the loss
is: it is worked out a block of labels at a time, so that the scores [N, V] of all of them, of
several bytes for every word of the vocabulary, never exist together, nor are made twice.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

_BLOCK = 1024
"""Labels at a time: 128 MiB of float32 scores over 32,000 words."""


def label_loss(hidden: Tensor, head: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    """The weighted sum of cross-entropies, in nats.

    Args:
        hidden: [N, D], what predicts each label.
        head: [V, D], which gets no gradient.
        labels: [N].
        weights: float32 [N].
    """
    loss: Tensor = _LabelLoss.apply(hidden, head, labels, weights)
    return loss


class _LabelLoss(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, hidden: Tensor, head: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
        wanted = ctx.needs_input_grad[0]
        gradient = torch.empty_like(hidden) if wanted else None
        total = hidden.new_zeros((), dtype=torch.float32)
        with torch.autocast(hidden.device.type, enabled=False):
            for first in range(0, len(labels), _BLOCK):
                rows = slice(first, first + _BLOCK)
                scores = (hidden[rows].to(head.dtype) @ head.T).float()
                norm = scores.logsumexp(dim=-1, keepdim=True)
                right = labels[rows, None]
                share = weights[rows, None]
                total += ((norm - scores.gather(1, right)) * share).sum()
                if gradient is not None:
                    blame = scores.sub_(norm).exp_()
                    blame.scatter_add_(1, right, -torch.ones_like(share))
                    gradient[rows] = (blame.mul_(share).to(head.dtype) @ head).to(hidden.dtype)
        if gradient is not None:
            ctx.save_for_backward(gradient)
        return total

    @staticmethod
    def backward(ctx: Any, grown: Tensor) -> tuple[Tensor | None, None, None, None]:
        (gradient,) = ctx.saved_tensors
        return (gradient * grown).to(gradient.dtype), None, None, None
