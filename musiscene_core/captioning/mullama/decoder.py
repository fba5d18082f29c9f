"""Our own decoder: a prompt read once, then one token a row at a time, nothing computed twice.

Keys and values stay in place; projections of one input are one product; rotations are a table; the
music is a constant vector a layer. Rows stand in the cache at their own places from 0 on, with no
padding between them, so that none of them knows of its neighbours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from musiscene_core.captioning.mullama.backbone import decoder_layers
from musiscene_core.captioning.mullama.graphs import Graphs
from musiscene_core.captioning.mullama.house import Share
from musiscene_core.captioning.mullama.low_rank import LowRank, low_rank, norm_weight
from musiscene_core.captioning.mullama.packed import GROUPS, PackedModel, grouped
from musiscene_core.neural.linear import PackedLinear

_Attend = Callable[[int, Tensor, Tensor, Tensor], Tensor]
"""Layer, queries [M, heads, d], keys and values [M, key heads, d] to findings [M, heads * d]."""

_attention = functional.scaled_dot_product_attention

CACHE_BLOCK = 256
"""Places that a cache grows by."""


@dataclass(frozen=True)
class _Layer:
    """One layer as it is spoken to now: its weights, and what is around them.

    Attributes:
        linears: packed, as GROUPS has them.
        added: to each, by LoRA and house packs.
        norms: weights [D] before the attention and before the rest.
        head_norms: [heads + key heads, d] or None.
        heard: [B, heads * d] of music, or None.
    """

    linears: tuple[PackedLinear, ...]
    added: tuple[LowRank | None, ...]
    norms: tuple[Tensor, Tensor]
    head_norms: Tensor | None
    heard: Tensor | None

    def product(self, which: int, x: Tensor, *, apart: bool) -> Tensor:
        """[M, K] through one of the linears, LoRA included, in the precision of x."""
        linear, added = self.linears[which], self.added[which]
        given = linear(x.to(linear.dtype), apart=apart).to(x.dtype)
        return given if added is None else given + added(x, apart=apart)


class Decoder:
    """One batch of texts in the making."""

    def __init__(
        self,
        model: PackedModel,
        backbone: torch.nn.Module,
        heard: Sequence[Tensor],
        shares: Mapping[str, Share],
        rows: int,
    ) -> None:
        """Gather what is around the packed weights now.

        Args:
            model: packed from `backbone`.
            backbone: with the LoRA that is active.
            heard: [B, 1, heads * d] of each of the top layers, as Prefix.constants gives them.
            shares: of house packs, as House.shares gives them.
            rows: B.
        """
        self._model = model
        self._rows = rows
        layers = decoder_layers(backbone)
        silent = [None] * (len(layers) - len(heard))
        self._layers = [
            _Layer(
                packed.linears,
                tuple(_added(index, layer, shares, model.dtype)),
                (
                    norm_weight(layer.input_layernorm).to(model.dtype),
                    norm_weight(layer.post_attention_layernorm).to(model.dtype),
                ),
                packed.head_norms,
                None if music is None else music[:, 0].to(model.dtype),
            )
            for index, (layer, packed, music) in enumerate(
                zip(layers, model.layers, [*silent, *heard], strict=True)
            )
        ]
        whole = model.whole.model
        self._embedding: Tensor = whole.embed_tokens.weight
        self._norm = norm_weight(whole.norm).to(model.dtype)
        self._device = self._embedding.device
        self._row_numbers = torch.arange(rows, device=self._device)
        self._cache = self._new_cache(0)
        self._cosines = self._sines = torch.zeros(0, model.head_width, device=self._device)
        self._lengths: list[int] = [0] * rows
        self._graphs = Graphs(self._step) if self._device.type == "cuda" else None

    def begin(self, prompts: Sequence[Sequence[int]]) -> Tensor:
        """Read a prompt a row; scores [B, V] of what may follow it."""
        self._lengths = [len(prompt) for prompt in prompts]
        self._make_room()
        return torch.cat([self._read(row, prompt) for row, prompt in enumerate(prompts)])

    def follow(self, tokens: Sequence[int]) -> Tensor:
        """Take one more token a row; scores [B, V] of what may follow it."""
        places, self._lengths = self._lengths, [length + 1 for length in self._lengths]
        self._make_room()
        token_ids = torch.tensor(tokens, device=self._device)
        positions = torch.tensor(places, device=self._device)
        if self._graphs is not None:
            return self._graphs(token_ids, positions, self._cache.shape[4])
        return self._step(token_ids, positions, max(self._lengths))

    def _read(self, row: int, prompt: Sequence[int]) -> Tensor:
        count = len(prompt)
        token_ids = torch.tensor(prompt, device=self._device)
        cache = self._cache[:, :, row, :, :count]

        def attend(layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            keys, values = k.transpose(0, 1), v.transpose(0, 1)
            cache[layer, 0] = keys
            cache[layer, 1] = values
            asked = q.transpose(0, 1)[None]
            grouped_heads = keys.shape[0] != asked.shape[1]
            found = _attention(
                asked, keys[None], values[None], is_causal=True, enable_gqa=grouped_heads
            )
            return found[0].transpose(0, 1).flatten(1)

        heard = slice(row, row + 1)
        places = torch.arange(count, device=self._device)
        return self._scores(self._through(token_ids, places, attend, heard)[-1:])

    def _step(self, tokens: Tensor, positions: Tensor, span: int) -> Tensor:
        """Scores [B, V] after tokens [B] at positions [B]; no place from `span` on is looked at."""
        model = self._model
        cache = self._cache[:, :, :, :, :span]
        seen = None
        # A graph is used at other places than it was captured at, so that it always masks.
        if self._graphs is not None or len(set(self._lengths)) > 1:
            places = torch.arange(span, device=self._device)
            seen = (places <= positions[:, None])[:, None, None]

        def attend(layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            keys, values = cache[layer, 0], cache[layer, 1]
            keys[self._row_numbers, :, positions] = k
            values[self._row_numbers, :, positions] = v
            # Query heads that share a key head stand where queries of several places would.
            asked = q.view(len(q), model.key_heads, -1, model.head_width)
            if seen is None or self._graphs is not None:
                return _attention(asked, keys, values, attn_mask=seen).flatten(1)
            # Each over its own length: padding would change its last bit, and that, rounded to
            # what a kernel takes, would make an answer depend on its neighbours.
            found = [
                _attention(asked[row, None], keys[row, None, :, :far], values[row, None, :, :far])
                for row, far in enumerate(self._lengths)
            ]
            return torch.cat(found).flatten(1)

        apart = self._graphs is None and len(tokens) > 1
        last = self._through(tokens, positions, attend, slice(None), apart=apart)
        return self._scores(last, apart=apart)

    def _through(
        self,
        tokens: Tensor,
        positions: Tensor,
        attend: _Attend,
        rows: slice,
        *,
        apart: bool = False,
    ) -> Tensor:
        """Tokens [M] at positions [M] through all layers, [M, D].

        Those of `rows` hear the music; they are texts `apart`, or places of one.
        """
        model = self._model
        turning = model.heads + model.key_heads
        cosines, sines = self._cosines[positions, None], self._sines[positions, None]
        x = functional.embedding(tokens, self._embedding).to(model.dtype)
        for index, layer in enumerate(self._layers):
            together = layer.product(0, self._normed(x, layer.norms[0]), apart=apart)
            split = together.view(len(x), -1, model.head_width)
            turned = split[:, :turning]
            if layer.head_norms is not None:
                turned = self._normed(turned) * layer.head_norms
            turned = _rotated(turned, cosines, sines)
            found = attend(
                index, turned[:, : model.heads], turned[:, model.heads :], split[:, turning:]
            )
            if layer.heard is not None:
                found = found + layer.heard[rows]
            x = x + layer.product(1, found, apart=apart)
            gate, up = layer.product(2, self._normed(x, layer.norms[1]), apart=apart).chunk(
                2, dim=-1
            )
            x = x + layer.product(3, functional.silu(gate) * up, apart=apart)
        return x

    def _scores(self, x: Tensor, *, apart: bool = False) -> Tensor:
        head = self._model.head
        return head(self._normed(x, self._norm).to(head.dtype), apart=apart).float()

    def _normed(self, x: Tensor, weight: Tensor | None = None) -> Tensor:
        return functional.rms_norm(x, x.shape[-1:], weight, self._model.eps)

    def _make_room(self) -> None:
        """Let the cache and the table of rotations reach as far as the longest row."""
        longest = max(self._lengths)
        held = self._cache.shape[4]
        if longest <= held:
            return
        room = -(-longest // CACHE_BLOCK) * CACHE_BLOCK
        grown = self._new_cache(room)
        grown[:, :, :, :, :held] = self._cache
        self._cache = grown
        positions = torch.arange(room, device=self._device)
        cosines, sines = self._model.whole.model.rotary_emb(grown[:0].float(), positions[None])
        half = self._model.head_width // 2
        self._cosines = cosines[0].to(self._model.dtype)
        # The sign of a rotated half stands in the table.
        self._sines = torch.cat((-sines[0, :, :half], sines[0, :, half:]), -1).to(self._model.dtype)

    def _new_cache(self, room: int) -> Tensor:
        """Keys and values [L, 2, B, key heads, room, d]."""
        model = self._model
        shape = (len(model.layers), 2, self._rows, model.key_heads, room, model.head_width)
        return torch.zeros(shape, dtype=model.dtype, device=self._device)


def _rotated(heads: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
    """[M, H, d] turned by position, the halves of a head being the pairs."""
    return torch.addcmul(heads * cosines, heads.roll(heads.shape[-1] // 2, dims=-1), sines)


def _added(
    index: int, layer: torch.nn.Module, shares: Mapping[str, Share], dtype: torch.dtype
) -> list[LowRank | None]:
    return [
        low_rank(
            modules,
            [shares.get(f"layers.{index}.{parent}.{name}") for name in names],
            dtype,
        )
        for modules, (parent, names) in zip(grouped(layer), GROUPS, strict=True)
    ]
