"""HuBERT over one chunk of sound on a processor, of which only the time-means of states are wanted.

transformers' own forward holds every state, and four times all that is behind the first
convolution: gigabytes for a minute. Here convolutions are plain products over a few seconds at a
time, which stay in the cache, and a state is gone once its mean is taken. The weights are its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from musiscene_core.captioning.mullama.config import CONVOLVED_FRAMES, WIDE_ROWS, hubert_fits

_attention = functional.scaled_dot_product_attention
_gelu_in_place = torch.ops.aten.gelu_


def fits(config: Any) -> bool:
    """Whether a HubertConfig is of the shapes that MERT and HuBERT were published in."""
    return hubert_fits(config.to_dict())


def state_means(hubert: Any, samples: Tensor, on_step: Callable[[float], None]) -> Tensor:
    """The time-mean of every state: the embedding's, then one a layer, the last one normed.

    Args:
        hubert: a HubertModel that `fits`, on a processor.
        samples: [N], in its precision.
        on_step: hears what fraction is done; what it raises ends the work.

    Returns:
        float32 [S, W].
    """
    encoder = hubert.encoder
    stable = hubert.config.do_stable_layer_norm
    convolutions, layers = hubert.feature_extractor.conv_layers, encoder.layers
    total = len(convolutions) + len(layers)
    parts = []
    for part, done in _convolved(convolutions, samples):
        parts.append(part)
        on_step(done * len(convolutions) / total)
    x = hubert.feature_projection(torch.cat(parts)[None])
    x = (x + encoder.pos_conv_embed(x))[0]
    if not stable:
        x = encoder.layer_norm(x)
    means = [_mean(x)]
    for index, layer in enumerate(layers):
        x = _layer(layer, x, stable=stable)
        last = index + 1 == len(layers)
        means.append(_mean(encoder.layer_norm(x) if stable and last else x))
        on_step((len(convolutions) + index + 1) / total)
    return torch.stack(means)


def _mean(state: Tensor) -> Tensor:
    return state.mean(dim=0, dtype=torch.float32)


@dataclass(frozen=True)
class _Convolution:
    """A convolution over time as products with what stands side by side.

    Attributes:
        kernel: how many places it sees.
        stride: how far it goes.
        taps: where each part of the kernel begins, and its weights [places * C, O].
        bias: [O].
        norm: over the channels of each place, if any.
    """

    kernel: int
    stride: int
    taps: Sequence[tuple[int, Tensor]]
    bias: Tensor | None
    norm: Any

    def __call__(self, x: Tensor) -> Tensor:
        """[T, C] to [T', O], before norm and activation."""
        places = (len(x) - self.kernel) // self.stride + 1
        width = x.shape[1]
        y = None
        for begin, weight in self.taps:
            # Rows may overlap: a stride apart, and as long as there are weights.
            seen = x.as_strided(
                (places, len(weight)),
                (self.stride * width, 1),
                x.storage_offset() + begin * width,
            )
            if y is not None:
                y.addmm_(seen, weight)
            else:
                y = seen @ weight if self.bias is None else torch.addmm(self.bias, seen, weight)
        if y is None:
            raise ValueError("a convolution without weights")
        return y


def _convolution(module: Any) -> _Convolution:
    weight = module.conv.weight
    outputs, _, kernel = weight.shape
    stride = module.conv.stride[0]
    ends = [(begin, min(begin + stride, kernel)) for begin in range(0, kernel, stride)]
    taps = [
        (begin, weight[:, :, begin:end].permute(2, 1, 0).reshape(-1, outputs))
        for begin, end in ends
    ]
    norm = getattr(module, "layer_norm", None)
    return _Convolution(kernel, stride, taps, module.conv.bias, norm)


def _convolved(modules: Any, samples: Tensor) -> Iterator[tuple[Tensor, float]]:
    """What the convolutions make of samples [N]: some frames [F, C] at a time, and how far."""
    convolutions = [_convolution(module) for module in modules]
    frames = len(samples)
    for one in convolutions:
        frames = (frames - one.kernel) // one.stride + 1
    x = samples[:, None]
    first = convolutions[0]
    over_time = isinstance(first.norm, torch.nn.GroupNorm)
    scale, shift = _over_time(first, x) if over_time else (None, None)
    for begin in range(0, frames, CONVOLVED_FRAMES):
        end = min(frames, begin + CONVOLVED_FRAMES)
        start, stop = _seen(convolutions, begin, end)
        part = x[start:stop]
        for one in convolutions:
            part = one(part)
            if one is first and over_time:
                part = part * scale + shift
            elif one.norm is not None:
                part = one.norm(part)
            part = _gelu_in_place(part)
        yield part, end / frames


def _seen(convolutions: Sequence[_Convolution], begin: int, end: int) -> tuple[int, int]:
    """The samples that frames `begin` to `end` are made from."""
    for one in reversed(convolutions):
        begin, end = begin * one.stride, (end - 1) * one.stride + one.kernel
    return begin, end


def _over_time(first: _Convolution, x: Tensor) -> tuple[Tensor, Tensor]:
    """Scale and shift [O] that norm each channel of the first convolution over all of its time."""
    block = CONVOLVED_FRAMES * 64 * first.stride
    count, total, square = 0, torch.zeros((), dtype=torch.float64), torch.zeros(())
    for begin in range(0, len(x) - first.kernel + 1, block):
        part = first(x[begin : begin + block + first.kernel - first.stride]).double()
        count += len(part)
        total, square = total + part.sum(dim=0), square + part.square().sum(dim=0)
    mean = total / count
    variance = (square / count - mean.square()).clamp(min=0)
    scale = first.norm.weight / torch.sqrt(variance + first.norm.eps)
    dtype = x.dtype
    return scale.to(dtype), (first.norm.bias - mean * scale).to(dtype)


def _layer(layer: Any, x: Tensor, *, stable: bool) -> Tensor:
    """[T, W] through a layer of the transformer, normed before each half, or after."""
    if stable:
        x = x + _attended(layer.attention, layer.layer_norm(x))
        for rows in x.split(WIDE_ROWS):
            rows += _wide(layer.feed_forward, layer.final_layer_norm(rows))
        return x
    x = layer.layer_norm(x + _attended(layer.attention, x))
    parts = [
        layer.final_layer_norm(rows + _wide(layer.feed_forward, rows))
        for rows in x.split(WIDE_ROWS)
    ]
    return torch.cat(parts)


def _attended(attention: Any, x: Tensor) -> Tensor:
    projections = attention.q_proj, attention.k_proj, attention.v_proj
    q, k, v = (
        one(x).view(len(x), attention.num_heads, -1).transpose(0, 1)[None] for one in projections
    )
    return attention.out_proj(_attention(q, k, v)[0].transpose(0, 1).reshape(len(x), -1))


def _wide(feed_forward: Any, x: Tensor) -> Tensor:
    inner = _gelu_in_place(feed_forward.intermediate_dense(x))
    return feed_forward.output_dense(inner)
