"""What kind of model lies at a path, told by its files. Loads nothing, runs nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from musiscene_core.errors import ModelError
from musiscene_core.models.registry import ModelKind, RegisteredModel, registry

_MAX_CONFIG = 4 << 20
_BY_FAMILY: dict[str, ModelKind] = {
    "musicgen": "musicgen",
    "musicgen_melody": "musicgen",
    "clip": "emotion",
    "blip-2": "vision",
    "t5": "text encoder",
    "encodec": "codec",
    "hubert": "audio encoder",
    "mert_model": "audio encoder",
    "clap": "clap",
}
_WRITERS = ("llama", "mistral", "qwen2", "qwen3", "gemma", "phi")
_AUDIOCRAFT: tuple[tuple[str, ModelKind], ...] = (
    ("musicgen-style", "audiocraft-style"),
    ("jasco", "jasco"),
    ("magnet", "magnet"),
    ("musicgen", "musicgen"),
)
_WEIGHTS = (".safetensors", ".bin", ".pth", ".th", ".pt", ".npz")
_BESIDE = (".json", ".jinja", ".model", ".txt", ".yaml", ".pkl", ".md")
_SOUNDS = (".sf2", ".sf3")
_MAX_FILES = 500


class Detected(NamedTuple):
    """What lies somewhere.

    Attributes:
        kind: of model.
        files: those that belong to it.
        like: the registered model that it is by its name; None where there is none.
    """

    kind: ModelKind
    files: list[Path]
    like: RegisteredModel | None


def detect(path: Path, name: str) -> Detected:
    """What kind of model `path`, a folder or a file, is.

    Args:
        path: absolute.
        name: what it is called.

    Raises:
        ModelError: none that MusiScene uses.
    """
    like = next((one for one in registry().values() if name in (one.name, _tail(one))), None)
    if path.is_file():
        kind = _kind_of_file(path)
        return Detected(kind, [path], like if like is not None and like.kind == kind else None)
    if not path.is_dir():
        raise ModelError(f"{path} is not there.", hint="Name a model's folder or file.")
    kind = _kind_of_folder(path, name)
    files = sorted(
        file
        for file in path.rglob("*")
        if file.is_file()
        and file.suffix.lower() in (*_WEIGHTS, *_BESIDE)
        # What begins with a dot is some program's own.
        and not any(part.startswith(".") for part in file.relative_to(path).parts)
    )
    if len(files) > _MAX_FILES or not any(file.suffix in _WEIGHTS for file in files):
        what = "more files than a model has" if files else "no weights"
        raise ModelError(f"{path} holds {what}.", hint="Name the model's own folder.")
    return Detected(kind, files, like if like is not None and like.kind == kind else None)


def _tail(model: RegisteredModel) -> str:
    return model.repo.rpartition("/")[2]


def _kind_of_file(path: Path) -> ModelKind:
    suffix = path.suffix.lower()
    if suffix in _SOUNDS:
        return "sounds"
    if "demucs" in path.name.lower() and suffix in (".th", ".safetensors"):
        return "stems"
    raise ModelError(
        f"{path} is no model that MusiScene uses.",
        hint="Name a folder, or a file of Demucs (its name says demucs) or a SoundFont.",
    )


def _kind_of_folder(folder: Path, name: str) -> ModelKind:
    if (folder / "manifest.json").is_file() and (folder / "adapter.safetensors").is_file():
        return "captioner"
    if (folder / "config.yaml").is_file():
        return "speakers"
    if (folder / "params.json").is_file() and list(folder.glob("consolidated.*.pth")):
        return "llama"
    config = folder / "config.json"
    if (folder / "state_dict.bin").is_file() and not config.is_file():
        kinds = (kind for begin, kind in _AUDIOCRAFT if name.startswith(begin))
        return next(kinds, "musicgen")
    if (folder / "model.bin").is_file():
        return "speech"
    if not config.is_file() and "demucs" in name.lower():
        return "stems"
    family = str(_config(config).get("model_type", ""))
    if kind := _BY_FAMILY.get(family):
        return kind
    if any(key in _config(config) for key in ("vision_config", "vision_tower")):
        return "vision"
    if any(family.startswith(writer) for writer in _WRITERS):
        return "language"
    raise ModelError(
        f"{folder} holds a model that MusiScene does not use: {family[:40] or 'no name'}.",
        hint="`musiscene models list` shows what it uses.",
    )


def _config(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _MAX_CONFIG:
            raise ModelError(f"{path} is too large for a model's config.")
        read = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(
            f"{path.parent} holds no model that can be read.",
            hint="Name the folder that the model was saved or downloaded to.",
        ) from error
    return read if isinstance(read, dict) else {}
