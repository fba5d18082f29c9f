"""Cross-entropy where there are labels, through a last linear that does not train.

Since its weights are frozen, the gradient with respect to what goes in is known as soon as the loss
is: it is worked out a block of labels at a time, so that the scores [N, V] of all of them, of
several bytes for every word of the vocabulary, never exist together, nor are made twice.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

_BLOCK, _BLOCK_ON_GPU = 256, 1024
"""Labels at a time: 32 and 128 MiB of float32 scores over 32,000 words."""


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
        gradient = torch.empty_like(hidden) if ctx.needs_input_grad[0] else None
        total = hidden.new_zeros((), dtype=torch.float32)
        with torch.autocast(hidden.device.type, enabled=False):
            block = _BLOCK_ON_GPU if hidden.is_cuda else _BLOCK
            for first in range(0, len(labels), block):
                rows = slice(first, first + block)
                right, share = labels[rows], weights[rows, None]
                scores = (hidden[rows].to(head.dtype) @ head.T).float()
                top = scores.amax(dim=-1, keepdim=True)
                wanted = scores.gather(1, right[:, None])
                # In place, and once: the exponentials are what takes longest on a processor.
                likely = scores.sub_(top).exp_()
                norm = likely.sum(dim=-1, keepdim=True)
                total += ((norm.log() + top - wanted) * share).sum()
                if gradient is not None:
                    pulled = (likely.to(head.dtype) @ head).float() / norm
                    gradient[rows] = ((pulled - head[right].float()) * share).to(hidden.dtype)
        if gradient is not None:
            ctx.save_for_backward(gradient)
        return total

    @staticmethod
    def backward(ctx: Any, grown: Tensor) -> tuple[Tensor | None, None, None, None]:
        (gradient,) = ctx.saved_tensors
        return (gradient * grown).to(gradient.dtype), None, None, None
