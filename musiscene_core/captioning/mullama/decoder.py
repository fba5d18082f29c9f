"""Our own decoder: a prompt read once, then one token a row at a time, nothing computed twice.

Keys and values stay in place; projections of one input are one product; rotations are a table; the
music is a constant vector a layer. Rows stand in the cache at their own places from 0 on, with no
padding between them, so that none of them knows of its neighbours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from musiscene_core.captioning.mullama.graphs import Graphs
from musiscene_core.captioning.mullama.house import Share
from musiscene_core.captioning.mullama.low_rank import norm_weight
from musiscene_core.captioning.mullama.packed import PackedModel
from musiscene_core.captioning.mullama.prefix import Music
from musiscene_core.captioning.mullama.spoken import spoken_layers

if TYPE_CHECKING:
    from musiscene_core.captioning.mullama.host import HostStep
    from musiscene_core.captioning.mullama.whole_step import WholeStep

_Attend = Callable[[int, Tensor, Tensor, Tensor], Tensor]
"""Layer, queries [M, heads, d], keys and values [M, key heads, d] to findings [M, heads * d]."""

_attention = functional.scaled_dot_product_attention

CACHE_BLOCK = 256
"""Places that a cache grows by."""


class Decoder:
    """One batch of texts in the making."""

    def __init__(
        self,
        model: PackedModel,
        backbone: torch.nn.Module,
        music: Sequence[Music],
        shares: Mapping[str, Share],
        rows: int,
    ) -> None:
        """Gather what is around the packed weights now.

        Args:
            model: packed from `backbone`.
            backbone: with the LoRA that is active.
            music: what each of the top layers hears, as Prefix.music gives it.
            shares: of house packs, as House.shares gives them.
            rows: B.
        """
        self._model = model
        self._rows = rows
        self._layers = spoken_layers(model, backbone, music, shares)
        whole = model.whole.model
        self._embedding: Tensor = whole.embed_tokens.weight
        self._norm = norm_weight(whole.norm).detach().to(model.dtype)
        self._device = self._embedding.device
        self._row_numbers = torch.arange(rows, device=self._device)
        self._cache = self._new_cache(0)
        self._cosines = self._sines = torch.zeros(0, model.head_width, device=self._device)
        self._lengths: list[int] = [0] * rows
        self._graphs = Graphs(self._step) if self._device.type == "cuda" else None
        self._on_host = self._host_step() if self._device.type == "cpu" else None

    def begin(self, prompts: Sequence[Sequence[int]]) -> Tensor:
        """Read a prompt a row; scores [B, V] of what may follow it."""
        self._lengths = [len(prompt) for prompt in prompts]
        self._make_room()
        return torch.cat([self._read(row, prompt) for row, prompt in enumerate(prompts)])

    def follow(self, tokens: Sequence[int]) -> Tensor:
        """Take one more token a row; scores [B, V] of what may follow it."""
        places, self._lengths = self._lengths, [length + 1 for length in self._lengths]
        self._make_room()
        if self._on_host is not None:
            return self._on_host(tokens, places, self._cache, self._cosines, self._sines)
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
            if layer.music is not None:
                found = found + _heard(layer.music.of(rows), turned[:, : model.heads])
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

    def _host_step(self) -> HostStep | WholeStep | None:
        """What makes steps on a processor, where numba is there."""
        try:
            from musiscene_core.captioning.mullama.host import HostStep
            from musiscene_core.captioning.mullama.whole_step import WholeStep, possible
        except ImportError:
            return None
        made = WholeStep if possible(self._model) else HostStep
        return made(self._model, self._layers, self._norm, self._rows)

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


def _heard(music: Music, queries: Tensor) -> Tensor:
    """What music adds [M, H * d] to what queries [M, H, d] of a text, or of texts apart, found."""
    if music.constant is not None:
        return music.constant[:, 0]
    if music.keys is None or music.values is None:
        raise RuntimeError("music that is neither constant nor attended to")
    if len(music.keys) == 1:
        found = _attention(queries.transpose(0, 1)[None], music.keys, music.values)
        return found[0].transpose(0, 1).flatten(1)
    parts = zip(queries.split(1), music.keys.split(1), music.values.split(1), strict=True)
    each = [_attention(q.transpose(0, 1)[None], k, v)[:, :, 0] for q, k, v in parts]
    return torch.cat(each).flatten(1)


def _rotated(heads: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
    """[M, H, d] turned by position, the halves of a head being the pairs."""
    return torch.addcmul(heads * cosines, heads.roll(heads.shape[-1] // 2, dims=-1), sines)
