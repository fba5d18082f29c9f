"""A pack of rows in, their loss out: the captioner as it trains.

Only the places that predict a label go through the last linear. What is frozen below the first
layer that learns keeps nothing for a backward pass and has none: autograd begins where the music,
or a LoRA, comes in.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from peft import PeftModel
from torch import Tensor, nn

from musiscene_core.captioning.mullama.backbone import decoder_layers
from musiscene_core.errors import RequestError
from musiscene_training.adapter.attention import Texts, packed_attention
from musiscene_training.adapter.label_loss import label_loss
from musiscene_training.adapter.packing import PackedRows
from musiscene_training.adapter.phases import Trained
from musiscene_training.adapter.settings import Precision


class Learner(nn.Module):
    """A captioner in training."""

    def __init__(self, trained: Trained, precision: Precision) -> None:
        """Around a captioner that was made ready for its phase."""
        super().__init__()
        self.model = trained.model
        self.lora = trained.lora
        self._half = precision == "bf16"

    @property
    def language(self) -> Any:
        """The causal language model under any LoRA."""
        backbone = self.model.backbone
        return backbone.get_base_model() if isinstance(backbone, PeftModel) else backbone

    def forward(self, rows: PackedRows) -> Tensor:
        """The weighted loss of a pack, in nats."""
        device = rows.ids.device
        language = self.language
        texts = Texts.of(rows.lengths, device)
        with self.speaking(), packed_attention(language):
            audio = self.model.audio_tokens(rows.features)
            with (
                self.model.prefix.hearing(audio, rows.rows),
                torch.autocast(device.type, torch.bfloat16, enabled=self._half),
            ):
                hidden = language.model(
                    input_ids=rows.ids[None],
                    position_ids=rows.positions[None],
                    use_cache=False,
                    texts=texts,
                ).last_hidden_state
        predicting = hidden[0].index_select(0, rows.places)
        return label_loss(predicting, language.lm_head.weight, rows.labels, rows.weights)

    def compile_layers(self) -> None:
        """Have torch compile what no hook is on: norms, and the blocks after the attention.

        Compiled code is shared between layers and does not look for hooks, so that the music, and a
        house pack in the making, would go unheard where they come in.
        """
        for layer in decoder_layers(self.model.backbone):
            layer.input_layernorm.compile(dynamic=True)
            layer.post_attention_layernorm.compile(dynamic=True)
            if self.lora is None:
                layer.mlp.compile(dynamic=True)

    @contextmanager
    def speaking(self) -> Iterator[None]:
        """Within it, the captioner speaks with the house pack in the making, if there is one."""
        with ExitStack() as around:
            if self.lora is not None:
                dtype = self.language.get_input_embeddings().weight.dtype
                around.enter_context(self.model.house.added(self.lora.shares(dtype)))
            yield


def check_length(language: Any, most_tokens: int) -> None:
    """Refuse rows that are longer than a language model can read at once.

    Raises:
        RequestError: they may be.
    """
    config = language.config
    window = getattr(config, "sliding_window", None) or config.max_position_embeddings
    if most_tokens > min(window, config.max_position_embeddings):
        raise RequestError(
            f"Rows of {most_tokens} tokens do not fit this language model, which reads {window}.",
            hint=f"Set --most-tokens to {window} at most.",
        )
