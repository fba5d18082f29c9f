"""Captions of frames: BLIP-2 as Herrmann-1 has it, or any vision-language model of transformers.

BLIP-2 (Li et al. 2023) is shown a picture and goes on with its caption. A vision-language model is
asked QUESTION in its own chat format. Answers are the likeliest word after word, so that the same
picture gets the same words.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import torch
from transformers import (
    AutoConfig,
    AutoImageProcessor,
    AutoModelForImageTextToText,
    AutoProcessor,
    AutoTokenizer,
    Blip2ForConditionalGeneration,
    StoppingCriteriaList,
)

from musiscene_core.progress import Progress, silent
from musiscene_core.spotting.likeness import Image
from musiscene_core.spotting.vision.folders import BLIP2, QUESTION, ModelFolder
from musiscene_core.spotting.vision.loading import ONLY_LOCAL, load_model, quiet, understood

MAX_WORDS = 40
"""Tokens of a caption at most."""
LOOKING = "Describing frames"
_QWEN = ("qwen2_vl", "qwen2_5_vl", "qwen3_vl")
"""Families whose processor can do without torchvision, which transformers' own asks for."""
_SMOL = "smolvlm"
"""Likewise, and without num2words: transformers asks for both for the sake of films."""
_SMOL_AROUND, _SMOL_WHOLE, _SMOL_IMAGE = "<fake_token_around_image>", "<global-img>", "<image>"

Prepare = Callable[[Sequence[Image]], dict[str, Any]]


class Describer:
    """One model, loaded. Not for several threads."""

    def __init__(self, folder: ModelFolder, device: str = "cpu") -> None:
        """Load the model in `folder`.

        Raises:
            EngineError: it cannot be loaded.
        """
        blip = folder.family == BLIP2
        kind = Blip2ForConditionalGeneration if blip else AutoModelForImageTextToText
        self._folder = folder
        self._device = device
        with understood(folder), quiet():
            self._tokenizer: Any = AutoTokenizer.from_pretrained(
                folder.path, padding_side="left", **ONLY_LOCAL
            )
            self._prepare = self._for_blip() if blip else self._for_chat()
        self._model: Any = load_model(kind, folder, device)

    def describe(
        self, images: Sequence[Image], progress: Progress = silent, batch: int = 8
    ) -> list[str]:
        """A caption each.

        Args:
            images: [H, W, 3] uint8 RGB.
            progress: asked after every word whether captions are still wanted.
            batch: images at a time.
        """
        captions: list[str] = []
        for first in range(0, len(images), batch):
            progress(LOOKING, first / len(images))
            given = images[first : first + batch]

            def heed(words: int, first: int = first, count: int = len(given)) -> None:
                done = first + count * min(1.0, words / MAX_WORDS)
                progress(LOOKING, done / len(images))

            captions += self._captions(given, heed)
        progress(LOOKING, 1.0)
        return captions

    def to_meta(self) -> None:
        """Free the weights."""
        self._model.to("meta")

    def _captions(self, images: Sequence[Image], heed: Callable[[int], None]) -> list[str]:
        prepared = {
            name: value.to(self._device, self._model.dtype)
            if value.is_floating_point()
            else value.to(self._device)
            for name, value in self._prepare(images).items()
        }
        with torch.inference_mode():
            ids = self._model.generate(
                **prepared,
                do_sample=False,
                max_new_tokens=MAX_WORDS,
                pad_token_id=self._tokenizer.pad_token_id,
                stopping_criteria=StoppingCriteriaList([_Heeding(heed)]),
            )
        prompt = prepared["input_ids"].shape[1] if "input_ids" in prepared else 0
        # Encoder-decoders give the answer alone.
        if not self._model.config.is_encoder_decoder and ids.shape[1] >= prompt:
            ids = ids[:, prompt:]
        texts = self._tokenizer.batch_decode(ids, skip_special_tokens=True)
        return [" ".join(text.split()) for text in texts]

    def _for_blip(self) -> Prepare:
        processor = AutoProcessor.from_pretrained(self._folder.path, **ONLY_LOCAL)
        processor.tokenizer.padding_side = "left"
        return lambda images: dict(processor(images=list(images), return_tensors="pt"))

    def _for_chat(self) -> Prepare:
        if self._folder.family in _QWEN:
            return self._for_qwen()
        if self._folder.family == _SMOL:
            return self._for_smol()
        processor = AutoProcessor.from_pretrained(self._folder.path, **ONLY_LOCAL)
        processor.tokenizer.padding_side = "left"
        asked = _asked(processor)

        def prepare(images: Sequence[Image]) -> dict[str, Any]:
            return dict(
                processor(
                    text=[asked] * len(images),
                    images=[[image] for image in images],
                    padding=True,
                    return_tensors="pt",
                )
            )

        return prepare

    def _for_qwen(self) -> Prepare:
        tokenizer = self._tokenizer
        looking = AutoImageProcessor.from_pretrained(self._folder.path, backend="pil", **ONLY_LOCAL)
        token = "<|image_pad|>"
        number = tokenizer.convert_tokens_to_ids(token)
        asked = _asked(tokenizer)

        def prepare(images: Sequence[Image]) -> dict[str, Any]:
            seen = looking(images=list(images), return_tensors="pt")
            counts = seen["image_grid_thw"].prod(-1) // looking.merge_size**2
            texts = [asked.replace(token, token * int(count)) for count in counts]
            words = tokenizer(texts, padding=True, add_special_tokens=False, return_tensors="pt")
            ids = words["input_ids"]
            return {
                "input_ids": ids,
                "attention_mask": words["attention_mask"],
                "mm_token_type_ids": (ids == number).int(),
                **dict(seen),
            }

        return prepare

    def _for_smol(self) -> Prepare:
        tokenizer = self._tokenizer
        if tokenizer.chat_template is None:
            tokenizer.chat_template = _chat_template(self._folder)
        looking = AutoImageProcessor.from_pretrained(self._folder.path, backend="pil", **ONLY_LOCAL)
        config = AutoConfig.from_pretrained(self._folder.path, **ONLY_LOCAL)
        seen = config.vision_config
        count = (seen.image_size // seen.patch_size) ** 2 // config.scale_factor**2
        shown = _SMOL_AROUND + _SMOL_WHOLE + _SMOL_IMAGE * count + _SMOL_AROUND
        asked = _asked(tokenizer).replace(_SMOL_IMAGE, shown)

        def prepare(images: Sequence[Image]) -> dict[str, Any]:
            # Whole: frames are seldom larger than one of the tiles that it would be cut into.
            pictures = looking(
                images=[[image] for image in images], do_image_splitting=False, return_tensors="pt"
            )
            words = tokenizer([asked] * len(images), padding=True, return_tensors="pt")
            return {
                "input_ids": words["input_ids"],
                "attention_mask": words["attention_mask"],
                **dict(pictures),
            }

        return prepare


class _Heeding:
    """A stopping criterion, as transformers calls it: asked after every token, never stops."""

    def __init__(self, heed: Callable[[int], None]) -> None:
        self._heed = heed
        self._words = 0

    def __call__(self, input_ids: Any, scores: Any, **further: Any) -> Any:
        """Tell how many tokens there are."""
        self._words += 1
        self._heed(self._words)
        return torch.zeros(len(input_ids), dtype=torch.bool, device=input_ids.device)


def _chat_template(folder: ModelFolder) -> str:
    """The chat format that is kept beside the tokenizer's own settings, as older folders have it.

    Raises:
        ValueError: there is none.
    """
    path = folder.path / "chat_template.json"
    found = json.loads(path.read_bytes()) if path.is_file() else None
    template = found.get("chat_template") if isinstance(found, dict) else None
    if not isinstance(template, str):
        raise ValueError("it has no chat_template, so that it cannot be asked")
    return template


def _asked(formatter: Any) -> str:
    """QUESTION about one image in the chat format of a processor or tokenizer."""
    said = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": QUESTION}]}]
    asked: str = formatter.apply_chat_template(said, add_generation_prompt=True, tokenize=False)
    return asked
