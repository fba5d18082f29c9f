"""CLAP and AST as transformers has them, from folders; no torchaudio is needed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import (
    ASTForAudioClassification,
    AutoFeatureExtractor,
    AutoTokenizer,
    ClapModel,
)

from musiscene_core.errors import ModelError
from musiscene_training.devices import fastest
from musiscene_training.evaluate.music.sounds import Floats
from musiscene_training.evaluate.music.weights import read_weights

_WINDOW_S = 10
_BROKEN = (OSError, ValueError, KeyError, RuntimeError, TypeError, AttributeError)
"""What transformers raises for a folder that is not what it should be."""


class Clap:
    """Sound and words in one space (Wu et al. 2023); windows of 10 s."""

    name = "CLAP"
    labels: tuple[str, ...] = ()
    published = True

    def __init__(self, folder: Path) -> None:
        """Load a folder with model, preprocessor and tokenizer.

        Raises:
            ModelError: it lacks one of them.
        """
        self._extractor, self._model = _loaded(folder, ClapModel, "CLAP")
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
        except _BROKEN as error:
            raise ModelError(
                f"{folder} has no tokenizer: {error}.", hint="Get it whole."
            ) from error
        self.sample_rate = int(self._extractor.sampling_rate)
        self.window = self.hop = _WINDOW_S * self.sample_rate

    def hear(self, windows: Sequence[Floats]) -> Floats:
        """Unit vectors [n, D]."""
        given = self._extractor(list(windows), sampling_rate=self.sample_rate, return_tensors="pt")
        with torch.inference_mode():
            return _unit(self._model.get_audio_features(**given.to(self._model.device)))

    def read(self, texts: Sequence[str]) -> Floats:
        """Unit vectors [n, D] of texts, in the space of those of sound."""
        given = self._tokenizer(list(texts), padding=True, truncation=True, return_tensors="pt")
        device = self._model.device
        wanted = {name: given[name].to(device) for name in ("input_ids", "attention_mask")}
        with torch.inference_mode():
            return _unit(self._model.get_text_features(**wanted))


class Ast:
    """A transformer over spectrograms that names AudioSet's classes (Gong et al. 2021)."""

    name = "AST"
    published = False

    def __init__(self, folder: Path) -> None:
        """Load a folder with model and preprocessor.

        Raises:
            ModelError: it lacks one of them.
        """
        self._extractor, self._model = _loaded(folder, ASTForAudioClassification, "AST")
        self.sample_rate = int(self._extractor.sampling_rate)
        self.window = self.hop = _WINDOW_S * self.sample_rate
        names: dict[int, str] = self._model.config.id2label
        self.labels = tuple(names[place] for place in sorted(names))

    def hear(self, windows: Sequence[Floats]) -> Floats:
        """Logits [n, classes]."""
        given = self._extractor(list(windows), sampling_rate=self.sample_rate, return_tensors="pt")
        with torch.inference_mode():
            return self._model(**given.to(self._model.device)).logits.float().cpu().numpy()


def _loaded(folder: Path, kind: Any, name: str) -> tuple[Any, Any]:
    if folder.is_file():
        raise ModelError(
            f"{folder} is a file, and {name} comes as a folder.",
            hint="Take the folder that transformers has of it (such as laion/larger_clap_music):"
            " a checkpoint of its makers' own program has other names.",
        )
    try:
        model = _with_weights(folder, kind)
        extractor = AutoFeatureExtractor.from_pretrained(str(folder), local_files_only=True)
    except _BROKEN as error:
        raise ModelError(
            f"{folder} holds no {name} that can be loaded: {error}.",
            hint="It needs config.json, preprocessor_config.json, and model.safetensors or"
            " pytorch_model.bin.",
        ) from error
    return extractor, model.eval().to(fastest())


def _with_weights(folder: Path, kind: Any) -> Any:
    pickled = folder / "pytorch_model.bin"
    if not pickled.is_file() or any(folder.glob("*.safetensors")):
        model, told = kind.from_pretrained(
            str(folder), local_files_only=True, use_safetensors=True, output_loading_info=True
        )
    else:
        config = kind.config_class.from_pretrained(str(folder), local_files_only=True)
        # By our own reader, which runs nothing.
        model, told = kind.from_pretrained(
            None, config=config, state_dict=read_weights(pickled), output_loading_info=True
        )
    # Those would be random numbers, and so would all that is counted by them.
    if missing := sorted(map(str, (*told["missing_keys"], *told["mismatched_keys"]))):
        raise ValueError(f"its weights lack {len(missing)} tensors, such as {missing[0]}")
    return model


def _unit(features: Any) -> Floats:
    vectors = getattr(features, "pooler_output", features).float()
    found: Floats = torch.nn.functional.normalize(vectors, dim=-1).cpu().numpy()
    return np.asarray(found)
