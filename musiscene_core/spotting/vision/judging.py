"""What frames make one feel: CLIP, zero-shot, over Cowen's 13 dimensions.

As Herrmann-1 has it (Haseeb et al. 2023, section 3.1), with an ensemble of prompts for each
dimension (Radford et al. 2021, section 3.1.4): the mean direction of every sentence around every
word. Weights are a softmax over similarity to the picture at CLIP's own scale over TEMPERATURE.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import AutoProcessor, CLIPModel

from musiscene_core.brief import DIMENSIONS
from musiscene_core.progress import Progress, silent
from musiscene_core.spotting.likeness import Image
from musiscene_core.spotting.vision.folders import ModelFolder
from musiscene_core.spotting.vision.loading import ONLY_LOCAL, load_model, quiet, understood

SENTENCES = (
    "a film still that feels {}",
    "a {} scene in a movie",
    "a movie frame with a {} mood",
    "the atmosphere of this picture is {}",
)
WORDS = {
    "amusing": ("amusing", "funny", "playful"),
    "annoying": ("annoying", "irritating", "grating"),
    "anxious": ("anxious", "tense", "suspenseful"),
    "beautiful": ("beautiful", "tender", "romantic"),
    "calm": ("calm", "peaceful", "serene"),
    "dreamy": ("dreamy", "ethereal", "surreal"),
    "energising": ("energetic", "exciting", "thrilling"),
    "erotic": ("sensual", "seductive", "erotic"),
    "indignant": ("angry", "defiant", "furious"),
    "joyful": ("joyful", "happy", "cheerful"),
    "sad": ("sad", "lonely", "mournful"),
    "scary": ("scary", "menacing", "frightening"),
    "triumphant": ("triumphant", "heroic", "epic"),
}
TEMPERATURE = 2.0
"""CLIP's own scale is made for telling a thousand things apart, and is too sure of moods."""
JUDGING = "Judging the mood of frames"


class Judge:
    """One CLIP, loaded. Not for several threads."""

    def __init__(self, folder: ModelFolder, device: str = "cpu") -> None:
        """Load the model in `folder`, and let it read the dimensions.

        Raises:
            EngineError: it cannot be loaded.
        """
        self._device = device
        with understood(folder), quiet():
            self._processor: Any = AutoProcessor.from_pretrained(folder.path, **ONLY_LOCAL)
        self._model: Any = load_model(CLIPModel, folder, device)
        with understood(folder), torch.inference_mode():
            self._directions = torch.stack([self._direction(name) for name in DIMENSIONS])

    def feelings(
        self, images: Sequence[Image], progress: Progress = silent, batch: int = 8
    ) -> list[tuple[float, ...]]:
        """A weight for each of brief.DIMENSIONS, summing to 1, for each image.

        Args:
            images: [H, W, 3] uint8 RGB.
            progress: asked between batches whether it is still wanted.
            batch: images at a time.
        """
        found: list[tuple[float, ...]] = []
        scale = self._model.logit_scale.exp().float() / TEMPERATURE
        for first in range(0, len(images), batch):
            progress(JUDGING, first / len(images))
            given = self._processor.image_processor(
                images=list(images[first : first + batch]), return_tensors="pt"
            )
            with torch.inference_mode():
                seen = self._model.get_image_features(
                    pixel_values=given["pixel_values"].to(self._device, self._model.dtype)
                )
                alike = _unit(_features(seen)) @ self._directions.T
                weights = torch.softmax(scale * alike, dim=-1).cpu()
            found += [tuple(round(float(w), 5) for w in row) for row in weights]
        progress(JUDGING, 1.0)
        return found

    def to_meta(self) -> None:
        """Free the weights."""
        self._model.to("meta")

    def _direction(self, dimension: str) -> torch.Tensor:
        texts = [sentence.format(word) for word in WORDS[dimension] for sentence in SENTENCES]
        read = self._processor.tokenizer(
            texts, padding=True, truncation=True, return_tensors="pt"
        ).to(self._device)
        given = {name: read[name] for name in ("input_ids", "attention_mask")}
        return _unit(_unit(_features(self._model.get_text_features(**given))).mean(0))


def _features(found: Any) -> torch.Tensor:
    """CLIP's projection [n, width], which transformers hands over alone or in an output."""
    features = found if isinstance(found, torch.Tensor) else found.pooler_output
    return features.float()


def _unit(vectors: torch.Tensor) -> torch.Tensor:
    return vectors / vectors.norm(dim=-1, keepdim=True).clamp_min(1e-12)
