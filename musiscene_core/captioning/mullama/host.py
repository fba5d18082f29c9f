"""One decoding step on a processor: packed products, and compiled loops between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from musiscene_core.captioning.mullama import stages
from musiscene_core.captioning.mullama.low_rank import LowRank
from musiscene_core.captioning.mullama.packed import PackedModel
from musiscene_core.captioning.mullama.prefix import Music
from musiscene_core.captioning.mullama.spoken import Spoken
from musiscene_core.neural.between import padded
from musiscene_core.neural.compiled import Compiled, threads
from musiscene_core.neural.linear import PackedLinear

_NOTHING = np.zeros(0, np.float32)
_NOTHING_2 = np.zeros((0, 0), np.float32)
_NOTHING_4 = np.zeros((0, 0, 0, 0), np.float32)


class _Product:
    """A product and what LoRA adds to it, rows apart."""

    def __init__(self, linear: PackedLinear, added: LowRank | None, rows: int) -> None:
        self._linear = linear
        self._own = linear.product if isinstance(linear.product, Compiled) else None
        outputs, self._inputs = linear.shape
        self._y = np.zeros((rows, outputs), np.float32)
        both = None if self._own is None else self._own.bias, None if added is None else added.bias
        biases = [one for one in both if one is not None]
        self._bias = _array(sum(biases)) if biases else _NOTHING
        self._down = self._up = _NOTHING_2
        if added is not None:
            missing = padded(self._inputs) - self._inputs
            self._down = _array(functional.pad(added.down, (0, missing)))
            self._up = _array(added.up.T)

    def __call__(self, x: Any) -> Any:
        """Inputs [B, padded K] to [B, N], which the next call writes over."""
        y = self._y
        if self._own is not None:
            self._own.into(x, y)
        else:
            given = torch.from_numpy(x)[:, : self._inputs].to(self._linear.dtype)
            y = self._linear(given, apart=True).float().numpy()
        if self._up.size:
            stages.add_ranks(x, self._down, self._up, y, 0, y.shape[1])
        if self._bias.size:
            stages.add_bias(self._bias, y, 0, y.shape[1])
        return y


@dataclass(frozen=True)
class _Layer:
    """A layer's products and, in float32 arrays, what is around them."""

    products: tuple[_Product, ...]
    norms: tuple[Any, Any]
    head_norms: Any
    constant: Any
    prefix_keys: Any
    prefix_values: Any


class HostStep:
    """A step of a batch of texts, in buffers that the next step writes over."""

    def __init__(
        self, model: PackedModel, layers: Sequence[Spoken], norm: Tensor, rows: int
    ) -> None:
        """Lay out what a step needs.

        Args:
            model: packed, on a processor.
            layers: as they are spoken to now.
            norm: the last one's weight [D].
            rows: of the batch.
        """
        self._model = model
        self._layers = [_layer(layer, rows) for layer in layers]
        self._norm = _array(norm)
        self._head = _Product(model.head, None, rows)
        width, inner = layers[0].linears[0].shape[1], layers[0].linears[3].shape[1]
        self._inner = inner
        heads = model.heads * model.head_width
        self._x, self._found, self._gated = (
            np.zeros((rows, padded(size)), np.float32) for size in (width, heads, inner)
        )
        self._embedding = model.whole.model.embed_tokens.weight

    def __call__(
        self,
        tokens: Sequence[int],
        places: Sequence[int],
        cache: Tensor,
        cosines: Tensor,
        sines: Tensor,
    ) -> Tensor:
        """Scores [B, V] after a token a row.

        Args:
            tokens: a row's.
            places: where they stand.
            cache: [L, 2, B, key heads, room, d], in which their keys and values are put.
            cosines: [room, d], and
            sines: [room, d] of all places, the first half of the sines negative.
        """
        model = self._model
        embedded = functional.embedding(torch.tensor(tokens), self._embedding).to(torch.float32)
        stream, kept = embedded.numpy(), cache.numpy()
        positions = np.array(places)
        turning = cosines[places].numpy(), sines[places].numpy()
        count, together_heads = threads(), model.heads + 2 * model.key_heads
        turned = len(tokens) * (model.heads + model.key_heads)
        x, found, gated, more = self._x, self._found, self._gated, _NOTHING_2
        for index, layer in enumerate(self._layers):
            qkv, out, gate_up, down = layer.products
            stages.add_and_norm(stream, more, layer.norms[0], model.eps, x)
            together = qkv(x).reshape(len(tokens), together_heads, model.head_width)
            keys, values = kept[index, 0], kept[index, 1]
            kept_at = keys, values, positions
            stages.turn_and_keep(
                together, layer.head_norms, model.eps, *turning, *kept_at, 0, turned
            )
            heard = layer.constant, layer.prefix_keys, layer.prefix_values
            asked = together, keys, values, positions, *heard, found
            if count == 1:
                stages.attend(*asked, 0, len(tokens) * model.heads)
            else:
                stages.attend_in_parts(*asked, count)
            stages.add_and_norm(stream, out(found), layer.norms[1], model.eps, x)
            stages.gate(gate_up(x), gated, 0, self._inner)
            more = down(gated)
        stages.add_and_norm(stream, more, self._norm, model.eps, x)
        # A copy: whoever asked may keep it.
        return torch.from_numpy(self._head(x).copy())


def _layer(layer: Spoken, rows: int) -> _Layer:
    music = layer.music or Music()
    constant = _NOTHING_2 if music.constant is None else _array(music.constant[:, 0])
    keys, values = (
        _NOTHING_4 if part is None else _array(part) for part in (music.keys, music.values)
    )
    before, after = (_array(norm) for norm in layer.norms)
    return _Layer(
        products=tuple(
            _Product(linear, added, rows)
            for linear, added in zip(layer.linears, layer.added, strict=True)
        ),
        norms=(before, after),
        head_norms=_NOTHING_2 if layer.head_norms is None else _array(layer.head_norms),
        constant=constant,
        prefix_keys=keys,
        prefix_values=values,
    )


def _array(tensor: Tensor) -> Any:
    return tensor.detach().to(torch.float32).contiguous().numpy()
