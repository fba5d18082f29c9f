"""BERTScore with a model that lies in a folder (Zhang et al., 2020).

Each token is matched with the nearest of the other text by the cosine of their contextual
embeddings; recall is the mean over the reference's tokens, which MU-LLaMA's published evaluation
reports; F1 is of it and the mean over the caption's. As in the
authors' package the marks of beginning and end have no weight of their own but can be matched.
Scores are not rescaled against a baseline: MusiScene's table 2 (0.863, 0.901) is not, either.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from musiscene_core.errors import EngineError, ModelError
from musiscene_core.progress import Progress, silent
from musiscene_training.devices import ON_THE_PROCESSOR, device_in_words, fastest

if TYPE_CHECKING:
    import torch

NEEDED = "needs --bert DIR, a folder with roberta-large"
_LAYERS = {"roberta": {24: 17, 12: 10}, "bert": {24: 18, 12: 9}}
"""Which layer the authors found nearest to people's judgement, by a model's kind and depth."""
_MOST_TOKENS = 512
_REMEMBERED = 2048
"""Texts whose embeddings are kept: of some hundred MB with roberta-large."""


class Nearness(NamedTuple):
    """How near a caption comes to the best of its references, 0 to 1, or below 0."""

    f1: float
    recall: float


class BertScorer:
    """A model, loaded once."""

    def __init__(self, folder: Path, layer: int | None = None) -> None:
        """Load what is in `folder`; `layer` is whose embeddings count, the authors' choice or last.

        Raises:
            ModelError: there is no model in it, or not one with that layer.
            EngineError: torch or transformers is not installed.
        """
        if not (folder / "config.json").is_file():
            raise ModelError(
                f"{folder} holds no model.", hint="Name a folder with config.json and weights."
            )
        try:
            import torch
            from transformers import AutoModel, AutoTokenizer
        except ImportError as error:
            raise EngineError(
                f"BERTScore needs the package {error.name}, which is not installed.",
                hint="Run: pip install 'musiscene[train]'",
            ) from error
        self._torch: Any = torch
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
            model, told = AutoModel.from_pretrained(
                str(folder), local_files_only=True, use_safetensors=True, output_loading_info=True
            )
            # The layer on top of a BERT's first token is not used; all else must be the model's.
            missing = sorted(name for name in told["missing_keys"] if "pooler" not in name)
            if missing:
                raise ValueError(f"its weights lack {len(missing)} tensors, such as {missing[0]}")
            self._model = model.eval()
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise ModelError(
                f"The model in {folder} cannot be loaded: {error}.",
                hint="It needs its tokenizer, and weights as safetensors.",
            ) from error
        with device_in_words(ON_THE_PROCESSOR):
            self._model.to(fastest())
        config = self._model.config
        depth = int(config.num_hidden_layers)
        self.layer = layer or _LAYERS.get(config.model_type, {}).get(depth, depth)
        if not 1 <= self.layer <= depth:
            raise ModelError(f"The model in {folder} has {depth} layers.", hint="Name one of them.")
        self._embedded = lru_cache(_REMEMBERED)(self._embed)

    def score(
        self,
        candidates: Sequence[str],
        references: Sequence[Sequence[str]],
        progress: Progress = silent,
    ) -> list[Nearness]:
        """How near each candidate comes; 0 for an empty one."""
        found = []
        for at, (text, texts) in enumerate(zip(candidates, references, strict=True)):
            progress("BERTScore", at / len(candidates))
            with device_in_words(ON_THE_PROCESSOR):
                near = [self._near(text, reference) for reference in texts] if text.strip() else []
            found.append(
                Nearness(*(max(values) for values in zip(*near, strict=True)))
                if near
                else Nearness(0.0, 0.0)
            )
        return found

    def _near(self, text: str, reference: str) -> Nearness:
        said, of_said = self._embedded(text)
        wanted, of_wanted = self._embedded(reference)
        nearness = said @ wanted.T
        precision = float(nearness.amax(1)[of_said].mean()) if of_said.any() else 0.0
        recall = float(nearness.amax(0)[of_wanted].mean()) if of_wanted.any() else 0.0
        total = precision + recall
        return Nearness(2 * precision * recall / total if total else 0.0, recall)

    def _embed(self, text: str) -> tuple[torch.Tensor, torch.Tensor]:
        """Unit vectors [T, W] of a text's tokens, and which have weight [T]."""
        torch = self._torch
        made = self._tokenizer(
            text,
            return_tensors="pt",
            return_special_tokens_mask=True,
            truncation=True,
            max_length=_MOST_TOKENS,
        )
        special = made.pop("special_tokens_mask")[0].bool()
        with torch.inference_mode():
            given = made.to(self._model.device)
            states = self._model(**given, output_hidden_states=True).hidden_states[self.layer][0]
        return torch.nn.functional.normalize(states.float(), dim=-1).cpu(), ~special
