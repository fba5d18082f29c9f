"""Where the weights of audiocraft's models lie, in audiocraft's own format. Downloads nothing.

Looked for below <data folder>/models, where `musiscene models` added some, and in the cache that
Hugging Face's tools fill.
"""

from __future__ import annotations

from pathlib import Path

from musiscene_core.models.places import hub_cache, models_folder, size_of, title
from musiscene_core.models.shelf import folders as shelved
from musiscene_core.protocol.state import EngineModel

LICENCE = "CC-BY-NC-4.0"
WEIGHTS, CODEC = "state_dict.bin", "compression_state_dict.bin"
CHORDS = "chord_to_index_mapping.pkl"


def choices(prefix: str) -> dict[str, Path]:
    """The folders of models whose name begins with `prefix`, by name, small ones first."""
    known: dict[str, Path] = {}
    cached = hub_cache().glob(f"models--facebook--{prefix}*/snapshots/*/{WEIGHTS}")
    added = (path / WEIGHTS for path in shelved("audiocraft-style", "jasco", "magnet").values())
    for group in (models_folder().glob(f"{prefix}*/{WEIGHTS}"), added, cached):
        for path in sorted(group):
            name = title(path.parent)
            if name.startswith(prefix) and path.is_file():
                known.setdefault(name, path.parent)
    return dict(sorted(known.items(), key=lambda one: (size_of(one[1]), one[0])))


def model_of(name: str, folder: Path, *, chords: bool) -> EngineModel:
    """What is known of the model in `folder` without loading it."""
    needed = (CODEC, CHORDS) if chords else (CODEC,)
    lacking = [file for file in needed if not (folder / file).is_file()]
    problem = ""
    if CHORDS in lacking:
        problem = f"Put {CHORDS} from audiocraft's assets folder into {folder}."
    if CODEC in lacking:
        problem = f"{folder} lacks {CODEC}; copy all of the model's files there."
    return EngineModel(name=name, bytes=size_of(folder), licence=LICENCE, problem=problem)
