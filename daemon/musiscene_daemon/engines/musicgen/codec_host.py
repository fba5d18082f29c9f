"""EnCodec's decoder on a processor: its convolutions as products, time by time.

Where torch convolves, weights are laid out anew for each piece, and a piece is short. Here channels
lie side by side, a transposed convolution is one product with each time and the one before, and
what is between products goes through compiled loops. Equations: Defossez et al. 2022, section 3.1.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import EncodecConfig

from musiscene_core.neural.compiled import compiled, threads
from musiscene_core.neural.exponential import elu
from musiscene_core.neural.linear import PackedLinear
from musiscene_core.neural.recurrent import Recurrent
from musiscene_core.neural.together import Team

_ROWS = 50
"""Frames of a piece, for which products are packed."""


def fits(config: EncodecConfig) -> bool:
    """Whether this is the decoder of a published MusicGen but for its sizes."""
    return bool(
        not config.use_causal_conv
        and not config.use_conv_shortcut
        and config.norm_type == "weight_norm"
        and config.pad_mode == "reflect"
        and config.num_residual_layers == 1
        and config.residual_kernel_size == 3
        and config.kernel_size % 2
        and config.last_kernel_size % 2
        and config.num_lstm_layers
        and math.prod(config.upsampling_ratios) > config.last_kernel_size
    )


class HostDecoder:
    """The layers of a decoder whose config `fits`, in float32. One piece at a time."""

    def __init__(self, layers: list[Any], config: EncodecConfig, *, exact: bool) -> None:
        """Take the weights of transformers' layers, weight norm folded in; see Recurrent."""
        self.recurrent = Recurrent(layers[1].lstm, exact=exact)
        self._entry = layers[0]
        first = self._entry.conv
        self._enter = _packed(first.weight.permute(0, 2, 1).flatten(1), first.bias, _ROWS)
        self._stages = []
        rows = _ROWS
        for number, ratio in enumerate(config.upsampling_ratios):
            up, block = layers[3 + 3 * number : 5 + 3 * number]
            self._stages.append(_Stage(up.conv, block.block[1].conv, block.block[3].conv, rows))
            rows *= int(ratio)
        last = layers[-1].conv
        self._last = _packed(last.weight[0].T.contiguous(), None, rows)
        self._last_bias = np.float32(last.bias.item())
        self._team, self._room = Team(1), _Room()
        self._one_at_a_time = threading.Lock()

    def entered(self, x: Tensor) -> Tensor:
        """Through the first convolution: x [rows, width, n] to [rows, n, wider]."""
        kernel = self._entry.conv.kernel_size[0]
        if x.shape[-1] <= kernel // 2:
            # Too short to be mirrored at its ends: transformers has a rule for it.
            return self._entry(x).transpose(1, 2)
        wide = torch.nn.functional.pad(x, (kernel // 2,) * 2, mode="reflect").transpose(1, 2)
        rows, count, width = wide.shape
        near = wide.unfold(1, kernel, 1).transpose(2, 3)
        return self._enter(near.reshape(-1, kernel * width)).view(rows, count - kernel + 1, -1)

    def sounded(self, x: Tensor, alive: Callable[[], None] = lambda: None) -> Tensor:
        """What follows the LSTM: x [rows, n, width] to samples [rows, n * hop].

        `alive` is called before each stage and may raise to stop.
        """
        with self._one_at_a_time:
            if self._team.parts != threads():
                self._team = Team(threads())
            x, skip = x.contiguous(), 0
            more = torch.zeros_like(x)
            for stage in self._stages:
                alive()
                x, skip, more = stage(self._team, self._room, x, skip, more)
            rows, count, width = more.shape
            alive()
            bent = self._room("bent", rows, count, width)
            self._team(_added, x.numpy(), skip, more.numpy(), bent.numpy())
            found = self._last(bent.view(-1, width)).view(rows, count, -1)
            out = torch.empty(rows, count)
            self._team(_gathered, found.numpy(), self._last_bias, out.numpy())
            return out


class _Room:
    """Memory by name that is used again: new memory costs more than what is written to it."""

    def __init__(self) -> None:
        self._kept: dict[str, Tensor] = {}

    def __call__(self, name: str, *shape: int) -> Tensor:
        """Room for float32 of a shape, which holds anything."""
        size = math.prod(shape)
        if name not in self._kept or len(self._kept[name]) < size:
            self._kept[name] = torch.empty(size)
        return self._kept[name][:size].view(shape)


class _Stage:
    """A transposed convolution and the residual block behind it."""

    def __init__(self, up: Any, near: Any, narrow: Any, rows: int) -> None:
        """Pack the weights; a piece has so many `rows`."""
        width, out, kernel = up.weight.shape
        self.ratio = kernel // 2
        self.cut = self.ratio - self.ratio // 2
        # Two times meet in each sample: [in, out, past or now, place] to [place, out, now and past]
        both = up.weight.view(width, out, 2, self.ratio).permute(3, 1, 2, 0)
        bias = up.bias.repeat(self.ratio)
        self._up = _packed(both.reshape(self.ratio * out, 2 * width), bias, rows)
        self._near = _packed(near.weight.permute(2, 0, 1).flatten(0, 1), None, rows * self.ratio)
        self._near_bias = near.bias.detach().numpy()
        self._narrow = _packed(narrow.weight[..., 0], narrow.bias, rows * self.ratio)

    def __call__(
        self, team: Team, room: _Room, x: Tensor, skip: int, more: Tensor
    ) -> tuple[Tensor, int, Tensor]:
        """Take the sum of x [rows, skip + n.., width] and `more` [rows, n, width].

        Returns:
            Of what comes of it, the same: x, skip and more.
        """
        rows, count, width = more.shape
        pairs = room("pairs", rows, count + 1, 2 * width)
        team(_paired, x.numpy(), skip, more.numpy(), pairs.numpy())
        x = self._up(pairs.view(-1, 2 * width)).view(rows, (count + 1) * self.ratio, -1)
        count, width = count * self.ratio, x.shape[-1]
        bent = room("bent", rows, count, width)
        team(_bent, x.numpy(), self.cut, bent.numpy())
        around = self._near(bent.view(-1, width)).view(rows, count, -1)
        mixed = room("mixed", rows, count, around.shape[-1] // 3)
        team(_mixed, around.numpy(), self._near_bias, mixed.numpy())
        more = self._narrow(mixed.view(rows * count, -1)).view(rows, count, width)
        return x, self.cut, more


def _packed(weight: Tensor, bias: Tensor | None, rows: int) -> PackedLinear:
    return PackedLinear(weight.contiguous(), bias, "float32-onednn", rows)


@compiled
def _paired(x: Any, skip: int, more: Any, out: Any, come: Any, part: int, parts: int) -> None:
    """ELU of sums [rows, n, width], now and before: [rows, n + 1, 2 * width], zeros outside."""
    rows, count, width = more.shape
    for m in range(rows):
        for t in range(count * part // parts, count * (part + 1) // parts):
            one, other, now, after = x[m, skip + t], more[m, t], out[m, t], out[m, t + 1]
            for k in range(width):
                now[k] = elu(one[k] + other[k])
            after[width:] = now[:width]
        if part == 0:
            out[m, 0, width:] = np.float32(0)
        if part == parts - 1:
            out[m, count, :width] = np.float32(0)


@compiled
def _added(x: Any, skip: int, more: Any, out: Any, come: Any, part: int, parts: int) -> None:
    """ELU of sums [rows, n, width]."""
    rows, count, _ = more.shape
    for m in range(rows):
        for t in range(count * part // parts, count * (part + 1) // parts):
            one, other, to = x[m, skip + t], more[m, t], out[m, t]
            for k in range(len(to)):
                to[k] = elu(one[k] + other[k])


@compiled
def _bent(x: Any, skip: int, out: Any, come: Any, part: int, parts: int) -> None:
    """ELU of [rows, skip + n.., width]."""
    rows, count, _ = out.shape
    for m in range(rows):
        for t in range(count * part // parts, count * (part + 1) // parts):
            one, to = x[m, skip + t], out[m, t]
            for k in range(len(to)):
                to[k] = elu(one[k])


@compiled
def _mixed(x: Any, bias: Any, out: Any, come: Any, part: int, parts: int) -> None:
    """ELU of a convolution over three times: what each gives [rows, n, 3 * width] comes together.

    The ends are mirrored, for [rows, n, width].
    """
    rows, count, width = out.shape
    for m in range(rows):
        for t in range(count * part // parts, count * (part + 1) // parts):
            before = x[m, t - 1 if t else 1]
            here = x[m, t]
            after = x[m, t + 1 if t + 1 < count else count - 2]
            to = out[m, t]
            for k in range(width):
                near = before[k] + here[width + k] + after[2 * width + k]
                to[k] = elu(near + bias[k])


@compiled
def _gathered(x: Any, bias: Any, out: Any, come: Any, part: int, parts: int) -> None:
    """A convolution to one channel: what each time gives [rows, n, kernel] comes together."""
    rows, count, kernel = x.shape
    half = kernel // 2
    for m in range(rows):
        for t in range(count * part // parts, count * (part + 1) // parts):
            total = bias
            for k in range(kernel):
                at = abs(t + k - half)
                at = at if at < count else 2 * (count - 1) - at
                total += x[m, at, k]
            out[m, t] = total
