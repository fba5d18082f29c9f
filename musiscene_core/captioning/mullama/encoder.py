"""MERT: 24 kHz mono sound to the time-means of all its hidden states.

MERT-v1 (Li et al. 2023, 95M and 330M) is a HuBERT with other weights, so transformers' HubertModel
holds it as it is and no code from a model's folder runs. Frozen, always.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from transformers import HubertConfig, HubertModel

from musiscene_core.captioning.mullama.hubert import fits, state_means
from musiscene_core.errors import EngineError

_VARIANCE_FLOOR = 1e-7
"""Added to a chunk's variance, as transformers' feature extractor for MERT does."""
OnStep = Callable[[float], None]
"""Hears, several times a chunk, what fraction of it is done; what it raises ends the work."""


def unwatched(done: float) -> None:
    """Let the encoder work unwatched."""


_NOT_HUBERT = ("model_type", "auto_map", "architectures")


def hubert_config(fields: dict[str, Any]) -> HubertConfig:
    """A MERT folder's config.json as the HubertConfig it is."""
    return HubertConfig(**{key: value for key, value in fields.items() if key not in _NOT_HUBERT})


class Encoder(nn.Module):
    """MERT, in evaluation for good: nothing in it trains, drops or masks."""

    def __init__(self, config: HubertConfig) -> None:
        """Random weights of `config`'s shape, until loaded."""
        super().__init__()
        self.hubert = HubertModel(config)
        self.hubert.requires_grad_(False)
        self.eval()

    def train(self, mode: bool = True) -> Encoder:
        """Stay in evaluation, whatever the rest of a model does."""
        super().train(False)
        return self

    @torch.no_grad()
    def states(self, chunk: npt.NDArray[np.float32], on_step: OnStep = unwatched) -> Tensor:
        """Time-means of the hidden states of one chunk of sound.

        Chunks go in one by one at their own length: padding would change what the first
        convolutions hear, and with it the answer by what else is in a batch.

        Args:
            chunk: [N] samples at 24 kHz.
            on_step: hears how far it is.

        Returns:
            float32 [S, W]: the embedding's state, then one a layer; the last one after the final
            LayerNorm, which transformers' own `hidden_states` leaves out in stable-norm models.
        """
        weight = next(self.hubert.parameters())
        samples = torch.from_numpy(chunk).to(weight.device, torch.float32)
        variance, mean = torch.var_mean(samples, correction=0)
        normalised = (samples - mean) / torch.sqrt(variance + _VARIANCE_FLOOR)
        given = normalised.to(weight.dtype)
        if weight.device.type == "cpu" and fits(self.hubert.config):
            return state_means(self.hubert, given, on_step)
        with self._watched(on_step):
            heard = self.hubert(given[None], output_hidden_states=True)
        states = (*heard.hidden_states[:-1], heard.last_hidden_state)
        return torch.stack([state[0].float().mean(dim=0) for state in states])

    @contextmanager
    def _watched(self, on_step: OnStep) -> Iterator[None]:
        """Tell of every layer: a minute of sound takes a slow machine longer than a user waits."""
        layers = (*self.hubert.feature_extractor.conv_layers, *self.hubert.encoder.layers)

        def telling(done: float) -> Any:
            return lambda *_: on_step(done)

        hooks = [
            layer.register_forward_hook(telling((place + 1) / len(layers)))
            for place, layer in enumerate(layers)
        ]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def encode(
        self, chunks: Iterable[npt.NDArray[np.float32]], on_step: OnStep = unwatched
    ) -> Tensor:
        """The features of a piece of sound: the mean over its chunks, weighted by their length.

        Args:
            chunks: [N] samples at 24 kHz each, at least one; never held together.
            on_step: hears how far each chunk is.

        Returns:
            float32 [S, W].

        Raises:
            EngineError: the encoder's weights give no numbers.
        """
        total = torch.zeros(())
        samples = 0
        for chunk in chunks:
            total = total + self.states(chunk, on_step).cpu() * len(chunk)
            samples += len(chunk)
        if not total.isfinite().all():
            raise EngineError(
                "The audio encoder's weights give no numbers.", hint="Convert the weights again."
            )
        return total / samples
