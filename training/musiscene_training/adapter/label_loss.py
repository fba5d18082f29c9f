"""Cross-entropy where there are labels, through a last linear that does not train.

Since its weights are frozen, the gradient with respect to what goes in is known as soon as the loss
is: it is worked out with it, a block of labels by a block of words at a time, so that the scores
[N, V] of all of them, of several bytes for every word of the vocabulary, never exist together, nor
are made twice. What is known of the words before is put on the scale of the likeliest so far, as in
flash attention; on a processor a block then stays in its cache.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

_BLOCK, _WORDS = 512, 1000
"""Labels and words at a time on a processor: 2 MB of scores."""
_BLOCK_ON_GPU = 1024
"""Labels at a time, with all words: 128 MiB of float32 scores over 32,000 words."""


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
                right, share = head[labels[rows]].float(), weights[rows, None]
                given = hidden[rows].to(head.dtype)
                wanted = (given.float() * right).sum(dim=-1, keepdim=True)
                total_log, pulled = _over_words(given, head, pulling=gradient is not None)
                total += ((total_log - wanted) * share).sum()
                if gradient is not None:
                    gradient[rows] = ((pulled - right) * share).to(hidden.dtype)
        if gradient is not None:
            ctx.save_for_backward(gradient)
        return total

    @staticmethod
    def backward(ctx: Any, grown: Tensor) -> tuple[Tensor | None, None, None, None]:
        (gradient,) = ctx.saved_tensors
        return (gradient * grown).to(gradient.dtype), None, None, None


def _over_words(given: Tensor, head: Tensor, *, pulling: bool) -> tuple[Tensor, Tensor]:
    """What the softmax over all words sums to, and the mean word by it.

    Args:
        given: [n, D], what predicts.
        head: [V, D].
        pulling: whether the mean is wanted.

    Returns:
        float32 logarithms [n, 1] of the sums of the scores' exponentials, and [n, D].
    """
    top = given.new_full((len(given), 1), -torch.inf, dtype=torch.float32)
    norm = torch.zeros_like(top)
    pulled = given.new_zeros(given.shape, dtype=torch.float32)
    for words in head.split(len(head) if head.is_cuda else _WORDS):
        scores = (given @ words.T).float()
        higher = torch.maximum(top, scores.amax(dim=-1, keepdim=True))
        before = (top - higher).exp_()
        # In place, and once: the exponentials are what takes longest beside the products.
        likely = scores.sub_(higher).exp_()
        norm.mul_(before).add_(likely.sum(dim=-1, keepdim=True))
        if pulling:
            pulled.mul_(before).add_((likely.to(head.dtype) @ words).float())
        top = higher
    return norm.log().add_(top), pulled.div_(norm)
