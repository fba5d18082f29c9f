"""Where the weights of audiocraft's models lie, in audiocraft's own format. Downloads nothing.

Looked for below <data folder>/models and in the cache that Hugging Face's tools fill.
"""

from __future__ import annotations

import os
from pathlib import Path

from musiscene_core.paths import data_folder
from musiscene_core.protocol.state import EngineModel

LICENCE = "CC-BY-NC-4.0"
WEIGHTS, CODEC = "state_dict.bin", "compression_state_dict.bin"
CHORDS = "chord_to_index_mapping.pkl"


def choices(prefix: str) -> dict[str, Path]:
    """The folders of models whose name begins with `prefix`, by name, small ones first."""
    hub = Path(os.environ.get("HF_HUB_CACHE") or _hub())
    known: dict[str, Path] = {}
    for parent, pattern in (
        (data_folder() / "models", f"{prefix}*/{WEIGHTS}"),
        (hub, f"models--facebook--{prefix}*/snapshots/*/{WEIGHTS}"),
    ):
        for path in sorted(parent.glob(pattern)) if parent.is_dir() else ():
            known.setdefault(_title(path.parent), path.parent)
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


def size_of(folder: Path) -> int:
    """Bytes of the files in `folder`."""
    try:
        return sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
    except OSError:
        return 0


def _title(folder: Path) -> str:
    if folder.parent.name == "snapshots":
        return folder.parent.parent.name.rpartition("--")[2]
    return folder.name


def _hub() -> Path:
    home = os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface"
    return Path(home) / "hub"
