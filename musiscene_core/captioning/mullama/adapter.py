"""The music understanding adapter: an encoder's features to one token of the language model.

Liu et al. 2023 (MU-LLaMA), figure 1: a learned mix of the hidden states, L2-normalised, projected
to the language model's width, then three gated blocks with a way around each.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from musiscene_core.captioning.mullama.config import CaptionerConfig

NORM_EPS = 1e-6


class Bridge(nn.Module):
    """x + down(silu(gate(norm(x))) * up(norm(x)))."""

    def __init__(self, width: int, inner: int) -> None:
        """A block [.., width] to [.., width] that is `inner` wide inside."""
        super().__init__()
        self.norm = nn.RMSNorm(width, eps=NORM_EPS)
        self.gate = nn.Linear(width, inner, bias=False)
        self.up = nn.Linear(width, inner, bias=False)
        self.down = nn.Linear(inner, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """[.., width] to [.., width]."""
        normed = self.norm(x)
        widened: Tensor = functional.silu(self.gate(normed)) * self.up(normed)
        return x + self.down(widened)


class Adapter(nn.Module):
    """Aggregator, projection and bridges."""

    def __init__(self, config: CaptionerConfig) -> None:
        """Random weights of `config`'s shape, until loaded or trained."""
        super().__init__()
        self.aggregator = nn.Conv1d(config.encoder_states, 1, kernel_size=1)
        self.projection = nn.Linear(config.encoder_width, config.width)
        self.bridges = nn.ModuleList(
            Bridge(config.width, config.inner) for _ in range(config.bridges)
        )

    def forward(self, features: Tensor) -> Tensor:
        """Features [B, S, W] to audio tokens [B, 1, D], in the adapter's own precision."""
        mixed = self.aggregator(features.to(self.aggregator.weight.dtype))
        token: Tensor = self.projection(functional.normalize(mixed, dim=-1))
        for bridge in self.bridges:
            token = bridge(token)
        return token
