"""The nano captioner's three parts in torch, as they are trained; numpy runs what is exported.

Shaped like MusiScene: an audio encoder over ten-second windows, averaged over time (MERT's role); a
language model (LLaMA's); and an adapter that bridges them: projection to a few audio tokens, gated
bridge blocks, and in each of the top layers those tokens plus learned queries, attended to through
the layer's own key and value projections; what is found there is added to what attention found in
the text, behind a gate a head that begins at zero.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import Tensor, nn

from musiscene_core.captioning.nano.features import (
    BANDS,
    ONSET_FIGURES,
    PITCH_VIEWS,
    PULSE_VIEWS,
    TEMPI,
)

_EPS = 1e-5
LOUD = 3.0
"""How strong audio tokens begin: behind gates that open slowly, weaker ones are not heard."""


@dataclass(frozen=True)
class EncoderShape:
    """The encoder's sizes.

    Attributes:
        channels: of the convolutions over the colour view, in order.
        kernels: their lengths in frames.
        strides: their steps.
        pulse: width of what becomes of the pulse and onset views.
        pitch: width of what becomes of the pitch view.
        width: of the embedding.
    """

    channels: tuple[int, ...] = (96, 128, 160, 192)
    kernels: tuple[int, ...] = (5, 5, 5, 3)
    strides: tuple[int, ...] = (2, 2, 2, 1)
    pulse: int = 64
    pitch: int = 48
    width: int = 192


@dataclass(frozen=True)
class LanguageShape:
    """The language model's sizes, and the adapter's beside it.

    Attributes:
        words: of the vocabulary.
        width: of a token.
        layers: how many.
        heads: of attention.
        inner: width between a layer's two feed-forward projections.
        tokens: the longest text.
        heard_layers: the top layers that hear the music.
        heard_tokens: audio tokens that each of them attends to.
        bridges: of the adapter.
        bridge_inner: their inner width.
    """

    words: int
    width: int = 128
    layers: int = 4
    heads: int = 4
    inner: int = 352
    tokens: int = 112
    heard_layers: int = 4
    heard_tokens: int = 8
    bridges: int = 2
    bridge_inner: int = 512

    def as_dict(self) -> dict[str, int]:
        """Its numbers by name."""
        return asdict(self)


class Encoder(nn.Module):
    """Four views of a window to an embedding, and what is heard in it."""

    def __init__(self, shape: EncoderShape, heads: dict[str, int]) -> None:
        """Random weights.

        Args:
            shape: its sizes.
            heads: attributes to learn by, and how many numbers each takes.
        """
        super().__init__()
        self.shape = shape
        before = BANDS
        self.convolutions = nn.ModuleList()
        self.norms = nn.ModuleList()
        for channels, kernel, stride in zip(
            shape.channels, shape.kernels, shape.strides, strict=True
        ):
            self.convolutions.append(
                nn.Conv1d(before, channels, kernel, stride, padding=kernel // 2)
            )
            self.norms.append(nn.BatchNorm1d(channels))
            before = channels
        self.pulse_in = nn.Linear(PULSE_VIEWS * TEMPI + (PULSE_VIEWS - 1) * ONSET_FIGURES, 128)
        self.pulse_out = nn.Linear(128, shape.pulse)
        self.pitch_in = nn.Linear(3 * PITCH_VIEWS * 12, 64)
        self.pitch_out = nn.Linear(64 + PITCH_VIEWS * 12, shape.pitch)
        self.key = nn.Linear(shape.pitch, 2)
        self.join = nn.Linear(2 * before + shape.pulse + 2 * shape.pitch + 1, shape.width)
        self.dropout = nn.Dropout(0.2)
        self.heads = nn.ModuleDict(
            {name: nn.Linear(shape.width, count) for name, count in heads.items()}
        )

    def forward(self, colour: Tensor, pulse: Tensor, pitch: Tensor, onsets: Tensor) -> Tensor:
        """Hear windows.

        Args:
            colour: [B, T, BANDS].
            pulse: [B, PULSE_VIEWS, TEMPI].
            pitch: [B, PITCH_FRAMES, PITCH_VIEWS, 12].
            onsets: [B, PULSE_VIEWS - 1, ONSET_FIGURES].

        Returns:
            [B, width].
        """
        return self.hear(colour, pulse, pitch, onsets)[0]

    def hear(
        self, colour: Tensor, pulse: Tensor, pitch: Tensor, onsets: Tensor
    ) -> tuple[Tensor, Tensor]:
        """As forward, and how likely each tonic is, in major and in minor: logits [B, 12, 2]."""
        x = colour.transpose(1, 2)
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            x = F.relu(norm(convolution(x)))
        deviation = (x.var(dim=2, unbiased=False) + _EPS).sqrt()
        beats = torch.cat([pulse.flatten(1), onsets.flatten(1)], dim=1)
        pulse_seen = F.relu(self.pulse_out(F.relu(self.pulse_in(beats))))
        turned = self._turned(pitch)
        keys = self.key(turned)
        likely = keys.flatten(1).softmax(dim=1).unflatten(1, (12, 2))
        around_tonic = (turned * likely.sum(dim=2, keepdim=True)).sum(dim=1)
        pleasant = (likely[:, :, 0] - likely[:, :, 1]).sum(dim=1, keepdim=True)
        joined = torch.cat(
            [x.mean(dim=2), deviation, pulse_seen, turned.amax(dim=1), around_tonic], dim=1
        )
        joined = torch.cat([self.dropout(joined), pleasant], dim=1)
        return F.relu(self.join(joined)), keys

    def _turned(self, pitch: Tensor) -> Tensor:
        """What the pitches are like from each of the twelve, [B, 12, pitch width].

        Every key is heard alike: all turns go through the same weights. Half a second is seen with
        the next one, and with the whole window.
        """
        halves = pitch.unflatten(1, (-1, 2)).mean(dim=2) * 12
        turns = torch.stack([halves.roll(-turn, dims=3).flatten(2) for turn in range(12)], dim=1)
        whole = turns.mean(dim=2)
        here, after = turns[:, :, :-1], turns[:, :, 1:]
        seen = torch.cat([here, after, whole[:, :, None].expand_as(here)], dim=3)
        moments = F.relu(self.pitch_in(seen)).mean(dim=2)
        return F.relu(self.pitch_out(torch.cat([moments, whole], dim=2)))

    def told(self, embedding: Tensor) -> dict[str, Tensor]:
        """What each head makes of embeddings [B, width]: [B, count] each."""
        dropped = self.dropout(embedding)
        return {name: head(dropped) for name, head in self.heads.items()}


def root_mean_square(x: Tensor, weight: Tensor) -> Tensor:
    """RMSNorm over the last axis."""
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + _EPS) * weight


class Bridge(nn.Module):
    """x + out(silu(gate(norm x)) * up(norm x))."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.norm = nn.Parameter(torch.ones(width))
        self.gate = nn.Linear(width, inner, bias=False)
        self.up = nn.Linear(width, inner, bias=False)
        self.out = nn.Linear(inner, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """[..., width] to the same."""
        normed = root_mean_square(x, self.norm)
        return x + self.out(F.silu(self.gate(normed)) * self.up(normed))


class Adapter(nn.Module):
    """From the encoder's embedding to audio tokens, with queries and gates a heard layer."""

    def __init__(self, audio_width: int, shape: LanguageShape) -> None:
        super().__init__()
        self.tokens = shape.heard_tokens
        self.project = nn.Linear(audio_width, shape.heard_tokens * shape.width)
        self.bridges = nn.ModuleList(
            [Bridge(shape.width, shape.bridge_inner) for _ in range(shape.bridges)]
        )
        self.query = nn.Parameter(
            torch.randn(shape.heard_layers, shape.heard_tokens, shape.width) * 0.2
        )
        self.gates = nn.Parameter(torch.zeros(shape.heard_layers, shape.heads))

    @torch.no_grad()
    def fit_to(self, embeddings: Tensor) -> None:
        """Begin where embeddings [n, audio_width] like these have mean 0 and deviation LOUD.

        They are of one sign and much alike: as they come, what they share drowns what differs.
        """
        seen = F.normalize(embeddings, dim=-1) * embeddings.shape[-1] ** 0.5
        scale = LOUD / (seen.std(dim=0) + 0.05)
        self.project.weight.copy_(self.project.weight * scale)
        self.project.bias.copy_(-(self.project.weight @ seen.mean(dim=0)))

    def forward(self, embedding: Tensor) -> Tensor:
        """Embeddings [B, audio_width] to [B, heard_layers, heard_tokens, width]."""
        x = self.project(F.normalize(embedding, dim=-1) * embedding.shape[-1] ** 0.5)
        x = x.unflatten(-1, (self.tokens, -1))
        for bridge in self.bridges:
            x = bridge(x)
        return x[:, None] + self.query


class Layer(nn.Module):
    """A decoder layer."""

    def __init__(self, shape: LanguageShape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.attention_norm = nn.Parameter(torch.ones(shape.width))
        self.attention_in = nn.Linear(shape.width, 3 * shape.width, bias=False)
        self.attention_out = nn.Linear(shape.width, shape.width, bias=False)
        self.feed = Bridge(shape.width, shape.inner)

    def forward(self, x: Tensor, heard: Tensor | None, gates: Tensor | None = None) -> Tensor:
        """[B, T, width] to the same, hearing audio tokens [B, K, width] behind gates [heads]."""
        batch, tokens, width = x.shape
        mixed = self.attention_in(root_mean_square(x, self.attention_norm))
        queries, keys, values = (self._by_head(part) for part in mixed.split(width, dim=-1))
        found = F.scaled_dot_product_attention(queries, keys, values, is_causal=True)
        if heard is not None and gates is not None:
            _, to_keys, to_values = self.attention_in.weight.split(width)
            keys, values = self._by_head(heard @ to_keys.T), self._by_head(heard @ to_values.T)
            music = F.scaled_dot_product_attention(queries, keys, values)
            found = found + gates.tanh()[:, None, None] * music
        found = found.transpose(1, 2).reshape(batch, tokens, width)
        return self.feed(x + self.attention_out(found))

    def _by_head(self, x: Tensor) -> Tensor:
        """[B, T, width] to [B, heads, T, width / heads]."""
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)


class Language(nn.Module):
    """A small decoder-only language model over the grammar's words."""

    def __init__(self, shape: LanguageShape) -> None:
        super().__init__()
        self.shape = shape
        self.words = nn.Embedding(shape.words, shape.width)
        self.places = nn.Parameter(torch.randn(shape.tokens, shape.width) * 0.02)
        self.layers = nn.ModuleList([Layer(shape) for _ in range(shape.layers)])
        self.norm = nn.Parameter(torch.ones(shape.width))
        nn.init.normal_(self.words.weight, std=0.05)

    def forward(
        self, tokens: Tensor, adapter: Adapter | None = None, embedding: Tensor | None = None
    ) -> Tensor:
        """Logits [B, T, words] after each of tokens [B, T], hearing embeddings [B, audio_width]."""
        x = self.words(tokens) + self.places[: tokens.shape[1]]
        deaf = self.shape.layers - self.shape.heard_layers
        heard = adapter(embedding) if adapter is not None and embedding is not None else None
        for number, layer in enumerate(self.layers):
            place = number - deaf
            if adapter is None or heard is None or place < 0:
                x = layer(x, None)
            else:
                x = layer(x, heard[:, place], adapter.gates[place])
        return root_mean_square(x, self.norm) @ self.words.weight.T
