"""MusicGen's language model: a static cache, nothing computed twice.

Rows are takes; with guidance each take has a second row that hears no words. That row's
cross-attention is zero whatever its query (its keys are zeros and nothing has a bias), so only the
first rows attend to the words. For a short prompt that all takes hear, the queries' and outputs'
projections are folded into the keys and values; of several prompts each take hears its own. On a
processor single steps are taken by host.py, where numba has the products. Equations: Copet et al.
2023, section 2.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as functional
from torch import Tensor

from musiscene_core.neural.linear import ACTIVATIONS, ROWS_APART, Kernel, PackedLinear, supported
from musiscene_daemon.engines.musicgen.shape import BODY, HEADS, ModelShape

if TYPE_CHECKING:
    from musiscene_core.neural.attention import Cache
    from musiscene_daemon.engines.musicgen.host import HostStep

Read = Callable[[str], Tensor]
"""A tensor by its name in transformers."""
Product = Callable[[Tensor], Tensor]
"""x [rows, in] to x @ weight.T [rows, out]."""
_Attend = Callable[[int, Tensor, Tensor, Tensor], Tensor]
"""Keeps a layer's new keys and values and gives what its queries find; each [rows, heads, n, size].
"""
BUCKET = 128
"""Positions by which the cache that a step looks at grows, where shapes are to change seldom."""
COMPILED_NEAR = 1.5
"""Products that numba compiles may take so many times as long as the fastest: the whole step is
compiled with them, and what lies between other products takes longer.
"""
_ROWS_AT_ONCE = 256
"""Positions of all rows that are taken through the layers together."""
_FEW_ROWS = 32
"""A step of several takes; more is the reading of what they go on from."""
_ABSORBED_TOKENS = 48
"""Longest prompt whose projections are folded: beyond it the folded ones are larger."""


class Packed:
    """x [rows, in] to x @ weight.T [rows, out]; few rows go apart.

    Attributes:
        product: what makes it.
    """

    def __init__(self, weight: Tensor, kernel: Kernel) -> None:
        """Make a weight [out, in] ready for products with few rows."""
        self._linear = PackedLinear(weight, None, kernel, 2)
        self.product, self.weight_bytes = self._linear.product, self._linear.weight_bytes

    def __call__(self, x: Tensor) -> Tensor:
        """See the class."""
        return self._linear(x, apart=len(x) <= _FEW_ROWS)


def _cached(kernel: Kernel, device: str) -> torch.dtype | None:
    """How compiled loops keep keys and values; None where torch attends to them."""
    if device != "cpu" or not supported("float16-numba"):
        return None
    if kernel.startswith("float32"):
        return torch.float32 if kernel in ROWS_APART else None
    return torch.int8 if kernel == "int8-numba" else torch.float16


def _plain(weight: Tensor) -> Product:
    kept = weight.contiguous()
    return lambda x: functional.linear(x, kept)


@dataclass(frozen=True)
class _Norm:
    weight: Tensor
    bias: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        return functional.layer_norm(x, x.shape[-1:], self.weight, self.bias)


@dataclass(frozen=True)
class _Layer:
    """One layer; the cross-attention's four weights stay as they are, for each prompt to use."""

    before: _Norm
    joined: Packed
    out: Packed
    across: _Norm | None
    cross: tuple[Tensor, Tensor, Tensor, Tensor] | None
    last: _Norm
    widen: Packed
    narrow: Packed


@dataclass(frozen=True)
class Words:
    """Prompts in one layer: folded scores and values, or keys and values with their products.

    Attributes:
        counts: tokens of each prompt; of folded ones there is one.
        folded: products with scores and with values.
        plain: makes queries; keys and values [prompts, heads, most tokens, size]; leads them out.
    """

    counts: tuple[int, ...]
    folded: tuple[Product, Product] | None = None
    plain: tuple[Product, Tensor, Tensor, Product] | None = None

    @property
    def tokens(self) -> int:
        """Of the longest prompt."""
        return max(self.counts)


class _Hearers:
    """The rows that hear words.

    Attributes:
        hears: which prompt, of each [rows].
        mask: the tokens of it [rows, 1, 1, most tokens]; None where there is one prompt.
    """

    def __init__(self, hears: Sequence[int], words: Sequence[Words], device: str) -> None:
        """Of layers that have all the same prompts."""
        self.hears = torch.tensor(hears, dtype=torch.long, device=device)
        self.mask: Tensor | None = None
        if words and len(words[0].counts) > 1:
            counts = torch.tensor(words[0].counts, device=device)[self.hears]
            places = torch.arange(words[0].tokens, device=device)
            self.mask = places < counts[:, None, None, None]


class Decoder:
    """The weights, ready for use. Knows nothing of prompts or sampling.

    Attributes:
        embeddings: [codebooks * (vocabulary + 1), width], a codebook's after the other's.
    """

    def __init__(
        self,
        shape: ModelShape,
        read: Read,
        kernel: Kernel = "float32",
        *,
        device: str = "cpu",
        heard: Callable[[float], None] = lambda _: None,
    ) -> None:
        """Read and pack everything, a layer at a time.

        Args:
            shape: what is read.
            read: gives each tensor once.
            kernel: makes every product with the whole width; what is between has the type that it
                takes.
            device: as torch names it.
            heard: told of the share that is read; may raise to stop.
        """
        self.shape, self.device, self.dtype = shape, device, ACTIVATIONS[kernel]
        dtype = self.dtype
        self.on_host = device == "cpu" and kernel in ROWS_APART and supported(kernel)
        self.cached = _cached(kernel, device)
        self._kernel = kernel

        def pack(weight: Tensor) -> Packed:
            return Packed(weight, kernel)

        own = shape.decoder
        books = range(own.num_codebooks)

        def get(name: str) -> Tensor:
            return read(name).to(device=device, dtype=dtype)

        def norm(name: str) -> _Norm:
            return _Norm(get(f"{name}.weight"), get(f"{name}.bias"))

        self.embeddings = torch.cat([get(f"{BODY}embed_tokens.{book}.weight") for book in books])
        self._offsets = torch.arange(own.num_codebooks, device=device) * (own.vocab_size + 1)
        self.layers: list[_Layer] = []
        for number in range(own.num_hidden_layers):
            heard(number / own.num_hidden_layers)
            begin = f"{BODY}layers.{number}."
            parts = [get(f"{begin}self_attn.{name}_proj.weight") for name in ("q", "k", "v")]
            cross = across = None
            if not shape.melody:
                names = ("q_proj", "k_proj", "v_proj", "out_proj")
                q, k, v, o = (get(f"{begin}encoder_attn.{name}.weight") for name in names)
                cross, across = (q, k, v, o), norm(f"{begin}encoder_attn_layer_norm")
            self.layers.append(
                _Layer(
                    before=norm(f"{begin}self_attn_layer_norm"),
                    joined=pack(torch.cat(parts)),
                    out=pack(get(f"{begin}self_attn.out_proj.weight")),
                    across=across,
                    cross=cross,
                    last=norm(f"{begin}final_layer_norm"),
                    widen=pack(get(f"{begin}fc1.weight")),
                    narrow=pack(get(f"{begin}fc2.weight")),
                )
            )
        self._last_words: tuple[tuple[Tensor, ...], tuple[Words, ...]] = (), ()
        self._asking: dict[int, tuple[Packed, Packed]] = {}
        self._norm = norm(f"{BODY}layer_norm")
        self.head = pack(torch.cat([get(f"{HEADS}{book}.weight") for book in books]))

    @property
    def norms(self) -> Tensor:
        """All norms, [layers + 1, 6, width]: weights and biases by layer, the final one last."""
        nothing = torch.zeros_like(self._norm.weight)
        rows = [
            (layer.before, layer.across or _Norm(nothing, nothing), layer.last)
            for layer in self.layers
        ]
        rows.append((self._norm,) * 3)
        parts = [part for row in rows for one in row for part in (one.weight, one.bias)]
        return torch.stack(parts).view(len(rows), 6, -1).float()

    def words(
        self, heard: Sequence[Tensor], alive: Callable[[], None] = lambda: None
    ) -> tuple[Words, ...]:
        """Prompts [tokens, width] made ready for every layer; none where words come first.

        `alive` is called before each layer and may raise to stop.
        """
        kept, words = self._last_words
        # A window is drawn again, and takes asked for again, with the same words.
        if len(kept) != len(heard) or any(map(operator.is_not, kept, heard)):
            wide = [one.to(self.dtype) for one in heard]
            ready = []
            for number, layer in enumerate(self.layers):
                if layer.cross is not None:
                    alive()
                    ready.append(self._words(number, layer.cross, wide))
            words = tuple(ready)
            self._last_words = tuple(heard), words
        return words

    def _words(
        self, number: int, cross: tuple[Tensor, Tensor, Tensor, Tensor], heard: Sequence[Tensor]
    ) -> Words:
        own = self.shape.decoder
        heads, size, width = own.num_attention_heads, own.head_size, own.hidden_size
        counts = tuple(len(one) for one in heard)
        most = max(counts)
        query, key, value, out = cross
        keys, values = (
            torch.stack(
                [
                    functional.pad(functional.linear(one, weight), (0, 0, 0, most - len(one)))
                    .view(most, heads, size)
                    .transpose(0, 1)
                    for one in heard
                ]
            )
            for weight in (key, value)
        )
        if len(counts) > 1 or most > _ABSORBED_TOKENS:
            if number not in self._asking:
                first, last = (Packed(weight, self._kernel) for weight in (query, out))
                self._asking[number] = first, last
            first, last = self._asking[number]
            return Words(counts, plain=(first, keys.contiguous(), values.contiguous(), last))
        scores = (keys[0] @ query.view(heads, size, width)) * size**-0.5
        mixed = out.view(width, heads, size).transpose(0, 1) @ values[0].transpose(1, 2)
        scores = scores.reshape(heads * most, width)
        mixed = mixed.transpose(0, 1).reshape(width, heads * most)
        if self.on_host:
            first, last = (Packed(weight, self._kernel) for weight in (scores, mixed))
            return Words(counts, folded=(first, last))
        return Words(counts, folded=(_plain(scores), _plain(mixed)))

    def embedded(self, tokens: Tensor) -> Tensor:
        """Tokens [rows, codebooks, n] as [rows, n, width], without positions."""
        found = functional.embedding(tokens + self._offsets[:, None], self.embeddings)
        return found.sum(dim=1)

    def positions(self, first: int, count: int) -> Tensor:
        """Sinusoids [count, width] for the positions from `first` on."""
        width = self.shape.decoder.hidden_size
        half = width // 2
        step = torch.log(torch.tensor(10_000.0)).item() / (half - 1)
        rates = torch.exp(torch.arange(half, dtype=torch.float32) * -step)
        angles = torch.arange(first, first + count, dtype=torch.float32)[:, None] * rates
        both = torch.cat([torch.cos(angles), torch.sin(angles)], dim=1)
        return both.to(device=self.device, dtype=self.dtype)

    def cross(self, x: Tensor, words: Words, hearers: _Hearers) -> Tensor:
        """What positions [m, width] hear of the words, those of a row after each other."""
        own = self.shape.decoder
        heads, size = own.num_attention_heads, own.head_size
        rows = x.shape[0]
        if words.folded is not None:
            scores, mixed = words.folded
            weights = scores(x).view(rows, heads, words.tokens).softmax(-1)
            return mixed(weights.view(rows, -1))
        if words.plain is None:
            raise AssertionError("words are folded or plain")
        query, keys, values, out = words.plain
        together = 1 if hearers.mask is None else len(hearers.hears)
        asked = query(x).view(together, -1, heads, size).transpose(1, 2)
        if hearers.mask is not None:
            keys, values = (one.index_select(0, hearers.hears) for one in (keys, values))
        found = functional.scaled_dot_product_attention(asked, keys, values, attn_mask=hearers.mask)
        return out(found.transpose(1, 2).reshape(rows, -1))

    def logits(self, hidden: Tensor) -> Tensor:
        """The last layer's output [rows, width] as float32 [rows, codebooks, vocabulary]."""
        own = self.shape.decoder
        found = self.head(self._norm(hidden)).float()
        return found.view(-1, own.num_codebooks, own.vocab_size)


class Pass:
    """One run through time: the cache of some rows, and the words they hear.

    Attributes:
        positions: [room, width] that are added to what comes in.
        host: what takes single steps in compiled loops; None where torch takes them.
    """

    def __init__(
        self,
        decoder: Decoder,
        words: tuple[Words, ...],
        rows: int,
        hears: Sequence[int],
        longest: int,
    ) -> None:
        """Make room for `longest` positions in `rows` rows.

        Args:
            decoder: the weights.
            words: what is heard, of each layer; none where words come first.
            rows: how many.
            hears: of the first rows, which prompt; the others hear none.
            longest: how many positions.
        """
        own = decoder.shape.decoder
        self._decoder, self._words = decoder, words
        self._hearers = _Hearers(hears, words, decoder.device)
        # What a graph reads of positions that are not written yet must be numbers.
        self.room = -(-longest // BUCKET) * BUCKET
        self.positions = decoder.positions(0, self.room)
        self._caches: list[Cache] = []
        self.host: HostStep | None = None
        if decoder.cached is not None:
            from musiscene_core.neural.attention import Cache

            each = rows, own.num_attention_heads, longest, own.head_size, decoder.cached
            self._caches = [Cache(*each) for _ in range(own.num_hidden_layers)]
            if decoder.on_host:
                from musiscene_daemon.engines.musicgen.host import HostStep

                self.host = HostStep(decoder, words, self._caches, rows, hears)
            return
        # A processor attends to float32 fastest, whatever its products take.
        dtype = torch.float32 if decoder.device == "cpu" else decoder.dtype
        size = (own.num_hidden_layers, rows, own.num_attention_heads, self.room, own.head_size)
        self.keys = torch.zeros(size, dtype=dtype, device=decoder.device)
        self.values = torch.zeros_like(self.keys)

    @property
    def device(self) -> str:
        """Where it is, as torch names it."""
        return self._decoder.device

    def run(self, x: Tensor, first: int, alive: Callable[[], None] = lambda: None) -> Tensor:
        """Positions from `first` on: x [rows, n, width] without positions; the last one's logits.

        Many positions are taken some at a time, and `alive` is called now and then among them; it
        may raise to stop. Returns [rows, codebooks, vocabulary] in float32.
        """
        rows, count, _ = x.shape
        if count == 1 and self.host is not None:
            return self.host(x[:, 0] + self.positions[first], first)
        block = max(1, _ROWS_AT_ONCE // rows)
        last = (count - 1) // block * block
        for begin in range(0, last, block):
            self._block(x[:, begin : begin + block], first + begin, alive)
        return self._decoder.logits(self._block(x[:, last:], first + last, alive))

    def _block(self, x: Tensor, first: int, alive: Callable[[], None]) -> Tensor:
        count = x.shape[1]
        last = first + count
        mask = None
        if count > 1:
            mask = torch.ones(count, last, dtype=torch.bool, device=x.device).tril(first)
        else:
            alive = _unasked

        def attend(number: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
            alive()
            if self._caches:
                cache = self._caches[number]
                cache.keep(first, key, value)
                if count == 1:
                    return cache.attend(query[:, :, 0].float(), last)[:, :, None]
                return _found(query, *cache.widened(last), mask)
            keys, values = self.keys[number], self.values[number]
            keys[:, :, first:last] = key
            values[:, :, first:last] = value
            return _found(query, keys[:, :, :last], values[:, :, :last], mask)

        return self._through(x + self.positions[first:last], attend)

    def step(self, x: Tensor, place: Tensor, bucket: int) -> Tensor:
        """One position as `run`, with shapes that do not depend on which: for a CUDA graph.

        Args:
            x: [rows, 1, width] without the position.
            place: which position [1], below `bucket`.
            bucket: how many positions of the cache are looked at.

        Returns:
            [rows, codebooks, vocabulary] in float32.
        """
        mask = torch.arange(bucket, device=x.device)[None, :] <= place

        def attend(number: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
            keys, values = self.keys[number], self.values[number]
            keys.index_copy_(2, place, key.to(keys.dtype))
            values.index_copy_(2, place, value.to(values.dtype))
            return _found(query, keys[:, :, :bucket], values[:, :, :bucket], mask)

        x = x + self.positions.index_select(0, place)
        return self._decoder.logits(self._through(x, attend))

    def _through(self, x: Tensor, attend: _Attend) -> Tensor:
        """All layers; x [rows, n, width] with positions; the last one's output [rows, width]."""
        decoder, own = self._decoder, self._decoder.shape.decoder
        rows, count, width = x.shape
        heads, size = own.num_attention_heads, own.head_size
        x = x.reshape(rows * count, width)
        heard = len(self._hearers.hears) * count
        for number, layer in enumerate(decoder.layers):
            joined = layer.joined(layer.before(x)).view(rows, count, 3, heads, size)
            query, key, value = joined.permute(2, 0, 3, 1, 4).unbind(0)
            found = attend(number, query, key, value).transpose(1, 2).reshape(rows * count, width)
            x = x + layer.out(found.to(x.dtype))
            if layer.across is not None:
                hearing = x[:heard]
                words = self._words[number]
                hearing = hearing + decoder.cross(layer.across(hearing), words, self._hearers)
                x = hearing if heard == len(x) else torch.cat([hearing, x[heard:]])
            x = x + layer.narrow(functional.gelu(layer.widen(layer.last(x))))
        return x.view(rows, count, width)[:, -1]


def _found(query: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None) -> Tensor:
    return functional.scaled_dot_product_attention(
        query.to(keys.dtype), keys, values, attn_mask=mask
    )


def _unasked() -> None:
    """A single step is short enough."""
