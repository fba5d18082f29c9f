"""A decoder's step on a processor: all layers and the scores in one compiled function.

Its threads go through the layers side by side, take heads of an attention and outputs of a product
by pieces, and wait for each other only where one needs what another made: torch's small operations,
and the handing out of work, took longer than the products. Who waits has the weights read that he
will need. Every row goes through the same loops, whatever is beside it. Equations: as in
decoder.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from musiscene_core.neural.attention import Cache, look, write
from musiscene_core.neural.between import gelu, layer_norm, padded, shares
from musiscene_core.neural.blocks import BLOCK
from musiscene_core.neural.compiled import (
    compiled,
    compiled_product,
    product,
    ready,
    spare_threads,
    threads,
    wholes,
)
from musiscene_core.neural.dots import pointer
from musiscene_core.neural.together import (
    Team,
    first_of_next,
    meet,
    meet_reading,
    piece_of,
    pieces_for,
    taken,
)

if TYPE_CHECKING:
    from musiscene_daemon.engines.musicgen.decoder import Decoder, Words

_BEFORE, _ACROSS, _LAST = range(0, 6, 2)
"""Where a layer's norms begin: each a weight and a bias."""
_FOLDED, _APART = 1, 2
"""How words are heard: through folded products, or as keys and values."""


class HostStep:
    """Steps of some rows, in buffers that the next step writes over. One thread's.

    Attributes:
        team: the threads.
        given: see `step`.
    """

    def __init__(
        self,
        decoder: Decoder,
        words: Sequence[Words],
        caches: Sequence[Cache],
        rows: int,
        hears: Sequence[int],
    ) -> None:
        """Lay out what a step needs.

        Args:
            decoder: packed by a kernel of numba.
            words: a layer's, or none.
            caches: a layer's, of the rows.
            rows: how many.
            hears: of the first of them, which prompt; the others hear none.
        """
        own = decoder.shape.decoder
        self._shape = own.num_codebooks, own.vocab_size
        width, inner = own.hidden_size, own.ffn_dim
        heads, size = own.num_attention_heads, own.head_size
        self.team = Team(threads(), spare_threads())
        parts = self.team.parts
        tokens = words[0].tokens if words else 0
        self._kept = decoder, words, caches, [self._heard(one, caches[0]) for one in words]
        like = compiled_product(decoder.head).weights[:0]
        table = [
            [
                *compiled_product(layer.joined).addresses,
                *compiled_product(layer.out).addresses,
                *compiled_product(layer.widen).addresses,
                *compiled_product(layer.narrow).addresses,
                *cache.addresses,
            ]
            for layer, cache in zip(decoder.layers, caches, strict=True)
        ]
        heard = [self._heard_at(*both) for both in zip(words, self._kept[3], strict=True)]
        way = 0 if not words else _APART if words[0].folded is None else _FOLDED
        widest = padded(max(width, inner, heads * tokens))
        self._x = np.zeros((rows, padded(width)), np.float32)
        self._scores = np.zeros((rows, own.num_codebooks * own.vocab_size), np.float32)
        each = [wholes(like, rows, widest) for _ in range(parts)]
        room, heard_room = caches[0].room, padded(tokens)
        longest = max(room, heard_room, 2 * padded(size))
        self.given = (
            like,
            caches[0].arrays[0][:0],
            np.array(table, np.int64),
            np.array(compiled_product(decoder.head).addresses, np.int64),
            np.array(heard or [[0] * 8], np.int64),
            decoder.norms.numpy(),
            np.array([heads, size, inner, room, tokens, heard_room, way], np.int64),
            self._x,
            np.zeros((rows, max(3 * width, heads * padded(tokens))), np.float32),
            np.zeros((rows, padded(width)), np.float32),
            np.zeros((rows, padded(inner)), np.float32),
            np.zeros((rows, padded(heads * max(tokens, 1))), np.float32),
            np.zeros((parts, rows, padded(width)), np.float32),
            np.stack([whole for whole, _ in each]),
            np.stack([worth for _, worth in each]),
            np.zeros((parts, longest + padded(size)), np.float32),
            np.zeros((parts, longest), np.int16),
            np.ones(max(longest, padded(width)), np.float32),
            self._scores,
            np.array([(one, words[0].counts[one]) for one in hears], np.int64).reshape(-1, 2),
        )

    def __call__(self, x: Tensor, at: int) -> Tensor:
        """X [rows, width] with its position, to be kept there; scores [rows, books, vocabulary]."""
        self._x[:, : x.shape[1]] = x.numpy()
        self.team.paced(1, step, at, self.given)
        return torch.from_numpy(self._scores.copy()).view(-1, *self._shape)

    @staticmethod
    def _heard(words: Words, like: Cache) -> Cache | None:
        """Keys and values of words that are not folded."""
        if words.plain is None:
            return None
        _, keys, values, _ = words.plain
        prompts, heads, tokens, size = keys.shape
        kept = Cache(prompts, heads, tokens, size, like.dtype)
        kept.keep(0, keys, values)
        return kept

    @staticmethod
    def _heard_at(words: Words, kept: Cache | None) -> list[int]:
        """Addresses: of both products; and of the cache between them."""
        ways = words.folded or words.plain
        if ways is None:
            raise AssertionError("words are folded or plain")
        first, last = ways[0], ways[-1]
        between = [0] * 4 if kept is None else kept.addresses
        return [*compiled_product(first).addresses, *compiled_product(last).addresses, *between]


@compiled
def _norm(x: Any, rows: int, norms: Any, which: int, ones: Any, out: Any) -> None:
    width = norms.shape[1]
    layer_norm(x, rows, width, norms[which], norms[which + 1], ones, out)


@compiled
def _add(x: Any, more: Any, rows: int, first: int, last: int) -> None:
    for m in range(rows):
        for n in range(first, last):
            x[m, n] += more[m, n]


@compiled
def _by_pieces(
    come: Any,
    part: int,
    parts: int,
    like: Any,
    weights: Any,
    inputs: Any,
    whole: Any,
    worth: Any,
    rows: int,
    y: Any,
    width: int,
) -> None:
    """What one part makes of a product's outputs, by pieces."""
    pieces = pieces_for(parts)
    piece = taken(come, part, pieces)
    while piece >= 0:
        begin, end = piece_of(width, piece, parts)
        product(like, weights[0], weights[1], inputs, whole, worth, rows, y, begin, end)
        piece = taken(come, part, pieces)


@compiled
def _more(
    come: Any,
    part: int,
    parts: int,
    like: Any,
    weights: Any,
    inputs: Any,
    whole: Any,
    worth: Any,
    rows: int,
    y: Any,
    x: Any,
    width: int,
) -> None:
    """What one part adds to x of a product, by pieces."""
    pieces = pieces_for(parts)
    piece = taken(come, part, pieces)
    while piece >= 0:
        begin, end = piece_of(width, piece, parts)
        product(like, weights[0], weights[1], inputs, whole, worth, rows, y, begin, end)
        _add(x, y, rows, begin, end)
        piece = taken(come, part, pieces)


@compiled
def _meet(
    come: Any, part: int, parts: int, like: Any, weights: int, inputs: int, outputs: int
) -> None:
    """Meet, before a product [outputs, inputs] with weights at an address."""
    begin, end = piece_of(outputs, first_of_next(come, part), parts)
    meet_reading(come, parts, pointer(like, weights), inputs, begin, end)


@compiled
def step(at: int, given: Any, come: Any, part: int, parts: int) -> None:
    """One part of a step.

    Args:
        at: the position of x.
        given: what HostStep lays out:
            like: an array of the weights' type.
            like_cache: of the cache's.
            table: [L, 12] addresses: weights and steps of the four products; the cache's arrays.
            head: [2] the same of the scores.
            heard: [L, 8] the same of the words' two products; and of what was made of them.
            norms: [L, 6, width] and the final one in a last layer.
            sizes: heads, their size, inner width, room, tokens, room for them, way of hearing.
            x: [rows, padded width] with positions.
            y: [rows, the widest output] to work in, and
            found: [rows, padded width] and
            wide: [rows, padded inner] and
            chances: [rows, padded heads * tokens]; zeros behind what is used.
            normed_of: [parts, rows, padded width], each part's, and
            whole_of: [parts, rows, the widest input], and
            worth_of: [parts, rows] and
            room_of: [parts, room + padded size] and
            halves_of: [parts, room] in int16.
            ones: enough of them.
            scores: [rows, outputs] to be filled.
            hears: [rows that hear, 2]: which prompt, and how many tokens it has.
        come: of the team.
        part: which.
        parts: of so many.
    """
    like, like_cache, table, head, heard, norms, sizes = given[:7]
    x, y, found, wide, chances = given[7:12]
    normed_of, whole_of, worth_of, room_of, halves_of, ones, scores = given[12:19]
    hears = given[19]
    heads, size, inner, room = sizes[0], sizes[1], sizes[2], sizes[3]
    tokens, heard_room, way, hearing = sizes[4], sizes[5], sizes[6], len(hears)
    rows, width, layers = x.shape[0], norms.shape[2], len(table)
    size_there = room_of.shape[1] - halves_of.shape[1]
    head_bytes, head_steps = size_there * like_cache.itemsize, 4 if like_cache.itemsize == 1 else 0
    normed, whole, worth = normed_of[part], whole_of[part], worth_of[part]
    query, weights = room_of[part, :size_there], room_of[part, size_there:]
    halves = halves_of[part]
    first, last = width * part // parts, width * (part + 1) // parts
    first_head, last_head = heads * part // parts, heads * (part + 1) // parts
    pieces = pieces_for(parts)
    for layer in range(layers):
        one, each = table[layer], norms[layer]
        _norm(x, rows, each, _BEFORE, ones, normed)
        ready(normed, rows, whole, worth)
        _by_pieces(come, part, parts, like, one[:2], normed, whole, worth, rows, y, 3 * width)
        there = one[8] + first_of_next(come, part) % (rows * heads) * room * head_bytes
        block = BLOCK * size_there
        meet_reading(come, parts, pointer(like_cache, there), block, 0, at // BLOCK)
        piece = taken(come, part, rows * heads)
        while piece >= 0:
            m, begin = piece // heads, piece % heads * size
            there = piece * room
            keys, values = one[8] + there * head_bytes, one[9] + there * head_bytes
            key_steps, value_steps = one[10] + there * head_steps, one[11] + there * head_steps
            key = y[m, width + begin : width + begin + size]
            value = y[m, 2 * width + begin : 2 * width + begin + size]
            work = halves[: 2 * size_there]
            stored = keys, values, key_steps, value_steps
            write(like_cache, *stored, at, key, value, query, work)
            query[:size] = y[m, begin : begin + size]
            query[size:] = np.float32(0)
            look(
                like_cache,
                keys,
                values,
                key_steps,
                value_steps,
                query,
                size,
                at + 1,
                weights,
                halves,
                ones,
                found[m, begin : begin + size],
            )
            piece = taken(come, part, rows * heads)
        _meet(come, part, parts, like, one[2], found.shape[1], width)
        ready(found, rows, whole, worth)
        _more(come, part, parts, like, one[2:4], found, whole, worth, rows, y, x, width)
        _meet(come, part, parts, like, one[4], normed.shape[1], inner)
        if way:
            words = heard[layer]
            _norm(x, hearing, each, _ACROSS, ones, normed)
            ready(normed, hearing, whole, worth)
            if way == _FOLDED:
                begin, end = first_head * tokens, last_head * tokens
                product(like, words[0], words[1], normed, whole, worth, hearing, y, begin, end)
                for m in range(hearing):
                    for h in range(first_head, last_head):
                        begin = h * tokens
                        for t in range(tokens):
                            weights[t] = y[m, begin + t]
                        shares(weights, tokens, np.float32(1), heard_room, ones)
                        for t in range(tokens):
                            chances[m, begin + t] = weights[t]
                meet(come, parts)
                ready(chances, hearing, whole, worth)
                product(like, words[2], words[3], chances, whole, worth, hearing, y, first, last)
            else:
                begin, end = first_head * size, last_head * size
                product(like, words[0], words[1], normed, whole, worth, hearing, y, begin, end)
                for m in range(hearing):
                    for h in range(first_head, last_head):
                        begin = h * size
                        there = (hears[m, 0] * heads + h) * heard_room
                        query[:size] = y[m, begin : begin + size]
                        query[size:] = np.float32(0)
                        look(
                            like_cache,
                            words[4] + there * head_bytes,
                            words[5] + there * head_bytes,
                            words[6] + there * head_steps,
                            words[7] + there * head_steps,
                            query,
                            size,
                            hears[m, 1],
                            weights,
                            halves,
                            ones,
                            found[m, begin : begin + size],
                        )
                meet(come, parts)
                ready(found, hearing, whole, worth)
                product(like, words[2], words[3], found, whole, worth, hearing, y, first, last)
            _add(x, y, hearing, first, last)
            _meet(come, part, parts, like, one[4], normed.shape[1], inner)
        _norm(x, rows, each, _LAST, ones, normed)
        ready(normed, rows, whole, worth)
        piece = taken(come, part, pieces)
        while piece >= 0:
            begin, end = piece_of(inner, piece, parts)
            product(like, one[4], one[5], normed, whole, worth, rows, wide, begin, end)
            gelu(wide, rows, begin, end)
            piece = taken(come, part, pieces)
        _meet(come, part, parts, like, one[6], wide.shape[1], width)
        ready(wide, rows, whole, worth)
        _more(come, part, parts, like, one[6:8], wide, whole, worth, rows, y, x, width)
        if layer + 1 < layers:
            _meet(come, part, parts, like, table[layer + 1, 0], normed.shape[1], 3 * width)
        else:
            _meet(come, part, parts, like, head[0], normed.shape[1], scores.shape[1])
    _norm(x, rows, norms[layers], 0, ones, normed)
    ready(normed, rows, whole, worth)
    outputs = scores.shape[1]
    _by_pieces(come, part, parts, like, head, normed, whole, worth, rows, scores, outputs)
