"""T5 and its tokenizer: from a prompt's words to what the language model hears of them."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoTokenizer, T5Config, T5EncoderModel

from musiscene_core.errors import ModelError
from musiscene_core.neural.linear import PackedLinear
from musiscene_core.neural.tensors import check, shapes_in

LONGEST_TOKENS = 256
"""Of a prompt; MusicGen was trained on shorter ones."""
_LAST_TOKENS = 48
"""Of a longer prompt; there stand form, key and tempo, which every caption needs."""
_USUAL_TOKENS = 32
_ALIVE: ContextVar[Callable[[], None]] = ContextVar("alive", default=lambda: None)
"""Asked between the layers of the encoder by the thread that waits for it."""
_SHARED = "shared.weight"
_ALSO_SHARED = "encoder.embed_tokens.weight"


@dataclass(frozen=True)
class Text:
    """A text encoder.

    Attributes:
        tokenizer: transformers' own.
        encoder: T5's encoder, whose weights are packed on a processor.
    """

    tokenizer: Any
    encoder: T5EncoderModel

    def __post_init__(self) -> None:
        if self.encoder.device.type == "cpu":
            _pack(self.encoder)
        for block in self.encoder.encoder.block:
            block.register_forward_pre_hook(lambda *_: _ALIVE.get()())

    @torch.inference_mode()
    def heard(self, prompt: str, alive: Callable[[], None] = lambda: None) -> tuple[Tensor, int]:
        """A prompt as [tokens, width] in float32, and how many tokens of it were left out.

        `alive` is called before each layer and may raise to stop.
        """
        # Far more letters than can be heard would only take time to be split.
        letters = 32 * LONGEST_TOKENS
        if len(prompt) > 2 * letters:
            prompt = f"{prompt[:letters]} {prompt[-letters:]}"
        found = self.tokenizer(prompt, add_special_tokens=True).input_ids
        kept = found
        if len(found) > LONGEST_TOKENS:
            kept = [*found[: LONGEST_TOKENS - _LAST_TOKENS], *found[-_LAST_TOKENS:]]
        places = torch.tensor([kept], device=self.encoder.device)
        known = _ALIVE.set(alive)
        try:
            states = self.encoder(input_ids=places, attention_mask=torch.ones_like(places))
        finally:
            _ALIVE.reset(known)
        return states.last_hidden_state[0].float(), len(found) - len(kept)


class _Packed(torch.nn.Module):
    """A Linear without bias, its weights packed for a prompt."""

    def __init__(self, linear: torch.nn.Linear) -> None:
        super().__init__()
        self._product = PackedLinear(linear.weight, None, "float32-onednn", _USUAL_TOKENS)
        # T5 asks what its weights are made of.
        self.weight = linear.weight[:0].detach().clone()

    def forward(self, x: Tensor) -> Tensor:
        return self._product(x)


def _pack(encoder: torch.nn.Module) -> None:
    """Pack the weights of every Linear: a prompt is too short for them to be laid out anew."""
    for module in list(encoder.modules()):
        for name, child in module.named_children():
            if isinstance(child, torch.nn.Linear) and child.bias is None:
                setattr(module, name, _Packed(child))


def load_text(
    folder: Path, config: dict[str, Any], tensors: dict[str, Tensor], device: str
) -> Text:
    """The text encoder of the model in `folder`.

    Raises:
        ModelError: its config, tokenizer or a tensor is missing or does not fit.
    """
    with torch.device("meta"):
        try:
            encoder = T5EncoderModel(T5Config(**{**config, "is_encoder_decoder": False}))
        # transformers checks a config with validators whose errors share no narrower type.
        except Exception as error:
            raise ModelError(f"{folder}/config.json describes no T5: {error}.") from error
    for one, other in ((_SHARED, _ALSO_SHARED), (_ALSO_SHARED, _SHARED)):
        if one not in tensors and other in tensors:
            tensors = {**tensors, one: tensors[other]}
    wanted = shapes_in(encoder.state_dict())
    check(shapes_in(tensors), wanted, folder)
    encoder.load_state_dict({name: tensors[name].to(torch.float32) for name in wanted}, assign=True)
    encoder.requires_grad_(False)
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    # Its readers raise whatever the damaged file leads them to.
    except Exception as error:
        raise ModelError(
            f"The tokenizer in {folder} cannot be read.",
            hint="tokenizer.json belongs beside config.json; copy the whole folder again.",
        ) from error
    return Text(tokenizer, encoder.eval().to(device))
