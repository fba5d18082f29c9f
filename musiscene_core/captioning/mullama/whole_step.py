"""One decoding step on a processor as one compiled function, where numba makes every product.

Its threads go through the layers side by side, each with its share of the outputs and heads, and
wait for each other only where one needs what another made: to hand out every product anew took tens
of microseconds. The loops between the products are those of stages.py, the equations decoder.py's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numba
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from musiscene_core.captioning.mullama import stages
from musiscene_core.captioning.mullama.packed import PackedModel
from musiscene_core.captioning.mullama.spoken import Spoken
from musiscene_core.neural.between import padded
from musiscene_core.neural.compiled import (
    Compiled,
    compiled,
    compiled_product,
    product,
    ready,
    spare_threads,
    threads,
    wholes,
)
from musiscene_core.neural.dots import pointer
from musiscene_core.neural.together import Team, meet

_WEIGHTS, _STEPS, _DOWN, _UP, _BIAS, _RANK = range(6)
"""What a product's row of the table holds: addresses, 0 where there is nothing, and a number."""


def possible(model: PackedModel) -> bool:
    """Whether numba makes all products of this model."""
    linears = [linear for layer in model.layers for linear in layer.linears]
    return all(isinstance(one.product, Compiled) for one in [*linears, model.head])


class WholeStep:
    """A step of a batch of texts, in buffers that the next step writes over. One thread's."""

    def __init__(
        self, model: PackedModel, layers: Sequence[Spoken], norm: Tensor, rows: int
    ) -> None:
        """Lay out what a step needs.

        Args:
            model: packed, on a processor, `possible`.
            layers: as they are spoken to now.
            norm: the last one's weight [D].
            rows: of the batch.
        """
        self._team = Team(threads(), spare_threads())
        self._embedding = model.whole.model.embed_tokens.weight
        self._kept: list[Any] = []
        like = compiled_product(model.head).weights[:0]
        width, inner = layers[0].linears[0].shape[1], layers[0].linears[3].shape[1]
        joined, asked = layers[0].linears[0].shape[0], model.heads * model.head_width
        widest = max(padded(size) for size in (width, asked, inner))
        each = [wholes(like, rows, widest) for _ in range(self._team.parts)]
        together = np.zeros((rows, joined), np.float32)
        self._scores = np.zeros((rows, model.head.shape[0]), np.float32)
        self._given = (
            like,
            np.array([self._table(layer) for layer in layers], np.int64),
            np.array(compiled_product(model.head).addresses, np.int64),
            model.eps,
            np.stack([_array(one) for layer in layers for one in layer.norms] + [_array(norm)]),
            _head_norms(layers),
            *_music(layers),
            together,
            together.reshape(rows, -1, model.head_width),
            np.zeros((rows, padded(asked)), np.float32),
            np.zeros((rows, width), np.float32),
            np.zeros((rows, 2 * inner), np.float32),
            np.zeros((rows, padded(inner)), np.float32),
            np.zeros((self._team.parts, rows, padded(width)), np.float32),
            np.stack([whole for whole, _ in each]),
            np.stack([worth for _, worth in each]),
            self._scores,
        )

    def __call__(
        self,
        tokens: Sequence[int],
        places: Sequence[int],
        cache: Tensor,
        cosines: Tensor,
        sines: Tensor,
    ) -> Tensor:
        """As HostStep's."""
        embedded = functional.embedding(torch.tensor(tokens), self._embedding).to(torch.float32)
        self._team.paced(
            1,
            _step,
            embedded.numpy(),
            np.array(places),
            cosines[places].numpy(),
            sines[places].numpy(),
            cache.numpy(),
            *self._given,
        )
        # A copy: whoever asked may keep it.
        return torch.from_numpy(self._scores.copy())

    def _table(self, layer: Spoken) -> list[list[int]]:
        rows = []
        for linear, added in zip(layer.linears, layer.added, strict=True):
            own = compiled_product(linear)
            row = [*own.addresses, 0, 0, 0, 0]
            biases = [one for one in (own.bias, added and added.bias) if one is not None]
            if biases:
                row[_BIAS] = self._address(_array(sum(biases)))
            if added is not None:
                missing = padded(linear.shape[1]) - linear.shape[1]
                row[_DOWN] = self._address(_array(functional.pad(added.down, (0, missing))))
                row[_UP] = self._address(_array(added.up.T))
                row[_RANK] = len(added.down)
            rows.append(row)
        return rows

    def _address(self, array: Any) -> int:
        self._kept.append(array)
        return int(array.ctypes.data)


def _head_norms(layers: Sequence[Spoken]) -> Any:
    """[L, heads + key heads, d], or [L, 0, 0] where heads have no norms."""
    norms = [layer.head_norms for layer in layers]
    nothing = np.zeros((0, 0), np.float32)
    return np.stack([nothing if norm is None else _array(norm) for norm in norms])


def _music(layers: Sequence[Spoken]) -> tuple[Any, Any, Any]:
    """What the T top layers hear: constants [T, B, H * d], or keys and values [T, B, H, Q, d]."""
    heard = [layer.music for layer in layers if layer.music is not None]
    return (
        _stacked([None if one.constant is None else one.constant[:, 0] for one in heard], 2),
        _stacked([one.keys for one in heard], 4),
        _stacked([one.values for one in heard], 4),
    )


def _stacked(parts: Sequence[Tensor | None], dimensions: int) -> Any:
    given = [_array(part) for part in parts if part is not None]
    return np.stack(given) if given else np.zeros((0,) * (dimensions + 1), np.float32)


def _array(tensor: Any) -> Any:
    return tensor.detach().to(torch.float32).contiguous().numpy()


@compiled
def _share(count: int, part: int, parts: int) -> Any:
    return count * part // parts, count * (part + 1) // parts


@compiled
def _outputs(
    one: Any, like: Any, x: Any, whole: Any, worth: Any, y: Any, first: int, last: int
) -> None:
    """Outputs `first` to `last` of a product, what LoRA adds included; x is `ready`."""
    rows, inputs = x.shape
    product(like, one[_WEIGHTS], one[_STEPS], x, whole, worth, rows, y, first, last)
    rank, count = one[_RANK], y.shape[1]
    if rank:
        down = numba.carray(pointer(x, one[_DOWN]), (rank, inputs))
        up = numba.carray(pointer(x, one[_UP]), (rank, count))
        stages.add_ranks(x, down, up, y, first, last)
    if one[_BIAS]:
        stages.add_bias(numba.carray(pointer(x, one[_BIAS]), (count,)), y, first, last)


@compiled
def _add(x: Any, more: Any, first: int, last: int) -> None:
    for m in range(len(x)):
        for n in range(first, last):
            x[m, n] += more[m, n]


@compiled
def _step(
    x: Any,
    positions: Any,
    cosines: Any,
    sines: Any,
    cache: Any,
    like: Any,
    table: Any,
    head: Any,
    eps: float,
    norms: Any,
    head_norms: Any,
    constants: Any,
    prefix_keys: Any,
    prefix_values: Any,
    joined: Any,
    together: Any,
    found: Any,
    more: Any,
    wide: Any,
    gated: Any,
    normed_of: Any,
    whole_of: Any,
    worth_of: Any,
    scores: Any,
    come: Any,
    part: int,
    parts: int,
) -> None:
    """One part of a step.

    Args:
        x: [B, D] embedded tokens, which it writes over.
        positions: [B].
        cosines: [B, d].
        sines: [B, d], the first half negative.
        cache: [L, 2, B, key heads, room, d].
        like: an array of the weights' type.
        table: [L, 4, 6], a row a product.
        head: [2], weights and steps of the scores.
        eps: of the norms.
        norms: [2 L + 1, D].
        head_norms: [L, heads + key heads, d], or [L, 0, 0].
        constants: [T, B, H * d] of the top layers, or nothing.
        prefix_keys: [T, B, H, Q, d] likewise, and
        prefix_values: likewise.
        joined: [B, outputs] to work in, and
        together: the same by heads, and
        found: [B, padded H * d] and
        more: [B, D] and
        wide: [B, 2 I] and
        gated: [B, padded I]; zeros behind what is used.
        normed_of: [parts, B, padded D], each part's, and
        whole_of: [parts, B, the widest input], and
        worth_of: [parts, B].
        scores: [B, V] to be filled.
        come: of the team.
        part: which.
        parts: of so many.
    """
    rows, layers, key_heads, inner = len(x), len(table), cache.shape[3], wide.shape[1] // 2
    heads = together.shape[1] - 2 * key_heads
    normed, whole, worth = normed_of[part], whole_of[part], worth_of[part]
    nothing = np.empty((0, 0), np.float32)
    no_keys = np.empty((0, 0, 0, 0), np.float32)
    first, last = _share(x.shape[1], part, parts)
    first_joined, last_joined = _share(joined.shape[1], part, parts)
    first_turned, last_turned = _share(rows * (heads + key_heads), part, parts)
    first_asked, last_asked = _share(rows * heads, part, parts)
    first_in, last_in = _share(inner, part, parts)
    for layer in range(layers):
        one, keys, values = table[layer], cache[layer, 0], cache[layer, 1]
        stages.add_and_norm(x, nothing, norms[2 * layer], eps, normed)
        ready(normed, rows, whole, worth)
        _outputs(one[0], like, normed, whole, worth, joined, first_joined, last_joined)
        meet(come, parts)
        stages.turn_and_keep(
            together,
            head_norms[layer],
            eps,
            cosines,
            sines,
            keys,
            values,
            positions,
            first_turned,
            last_turned,
        )
        meet(come, parts)
        constant, music_keys, music_values = nothing, no_keys, no_keys
        heard = layer - layers + len(constants)
        if len(constants) and heard >= 0:
            constant = constants[heard]
        heard = layer - layers + len(prefix_keys)
        if len(prefix_keys) and heard >= 0:
            music_keys, music_values = prefix_keys[heard], prefix_values[heard]
        stages.attend(
            together,
            keys,
            values,
            positions,
            constant,
            music_keys,
            music_values,
            found,
            first_asked,
            last_asked,
        )
        meet(come, parts)
        ready(found, rows, whole, worth)
        _outputs(one[1], like, found, whole, worth, more, first, last)
        _add(x, more, first, last)
        meet(come, parts)
        stages.add_and_norm(x, nothing, norms[2 * layer + 1], eps, normed)
        ready(normed, rows, whole, worth)
        _outputs(one[2], like, normed, whole, worth, wide, first_in, last_in)
        _outputs(one[2], like, normed, whole, worth, wide, inner + first_in, inner + last_in)
        stages.gate(wide, gated, first_in, last_in)
        meet(come, parts)
        ready(gated, rows, whole, worth)
        _outputs(one[3], like, gated, whole, worth, more, first, last)
        _add(x, more, first, last)
        meet(come, parts)
    stages.add_and_norm(x, nothing, norms[2 * layers], eps, normed)
    ready(normed, rows, whole, worth)
    begin, end = _share(scores.shape[1], part, parts)
    product(like, head[0], head[1], normed, whole, worth, rows, scores, begin, end)
