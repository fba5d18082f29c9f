"""A folder with a vision model: what kind it is, how large, and what it is known by.

Knows nothing of torch: what is wrong with a folder is said before anything is loaded.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
from pathlib import Path
from typing import Literal, NamedTuple

from musiscene_core.errors import EngineError

Use = Literal["vision", "emotion"]
BLIP2, CLIP = "blip-2", "clip"
QUESTION = "Describe what is seen in this film frame in one short sentence."
_WANTED = {
    "vision": "BLIP-2 or a vision-language model such as Qwen3-VL or SmolVLM2",
    "emotion": "CLIP",
}
_NO_EYES = ("clip", "llama", "mistral", "qwen2", "qwen3", "gpt2", "whisper", "t5", "bert", "opt")
"""Families that describe no pictures, which people name by mistake."""


class ModelFolder(NamedTuple):
    """A folder that holds a model of the right kind.

    Attributes:
        path: the folder.
        family: as its config.json calls it.
        bytes: of its weights.
        known_by: changes with its weights or settings.
    """

    path: Path
    family: str
    bytes: int
    known_by: str

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.name


def question(folder: ModelFolder) -> str:
    """What the model is asked of a frame; empty where it needs no words."""
    return "" if folder.family == BLIP2 else QUESTION


def look_into(folder: str | Path, use: Use) -> ModelFolder:
    """What `folder` holds.

    Raises:
        EngineError: no model for this use, or nothing to run it with.
    """
    path = Path(folder).expanduser()
    hint = (
        f"Name a folder with {_WANTED[use]} as transformers saves it: "
        f"musiscene watching use --{use} FOLDER."
    )
    try:
        written = (path / "config.json").read_bytes()
        config = json.loads(written)
        weights = sorted(path.glob("*.safetensors"))
        sizes = [file.stat() for file in weights]
        small = sorted(path.glob("*.json")) + sorted(path.glob("*.jinja"))
        settings = b"".join(file.read_bytes() for file in small if file.stat().st_size < 1 << 20)
    except (OSError, ValueError, RecursionError) as error:
        raise EngineError(f"{path} holds no model that can be read.", hint=hint) from error
    family = config.get("model_type") if isinstance(config, dict) else None
    if not isinstance(family, str):
        raise EngineError(f"{path}/config.json does not say what model it is.", hint=hint)
    if not weights:
        raise EngineError(f"{path} holds no weights as *.safetensors.", hint=hint)
    fits = family == CLIP if use == "emotion" else family not in _NO_EYES
    if not fits:
        raise EngineError(f"The model in {path} is of another kind: {family}.", hint=hint)
    for needed in ("torch", "transformers"):
        if importlib.util.find_spec(needed) is None:
            raise EngineError(
                f"A vision model needs {needed}.",
                hint="Run musiscene setup gpu (or pip install 'musiscene[models]'), then "
                "restart the daemon.",
            )
    known = hashlib.sha256(settings)
    for file, status in zip(weights, sizes, strict=True):
        known.update(f"{file.name} {status.st_size} {status.st_mtime_ns} ".encode())
    total = sum(status.st_size for status in sizes)
    return ModelFolder(path, family, total, known.hexdigest())
