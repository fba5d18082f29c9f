"""Where the captioner's weights lie, what they say of themselves, and what is missing.

Loads no torch, and nothing that is not always installed before it is known to be there.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Sequence
from pathlib import Path

from musiscene_core.captioning.mullama.config import MANIFEST
from musiscene_core.models.places import models_folder
from musiscene_core.models.shelf import folders

CAPTIONER_VARIABLE = "MUSISCENE_CAPTIONER"
"""Names the captioner's folder, where it is not the usual one."""
PACKAGES = ("torch", "transformers", "peft", "accelerate", "safetensors", "sentencepiece")
"""What the extra 'models' installs."""
_RESTART = "then restart the daemon (musiscene daemon stop)"


def captioner_folder() -> Path:
    """Where the converted captioner is looked for."""
    named = os.environ.get(CAPTIONER_VARIABLE)
    if named:
        return Path(named).expanduser()
    usual = models_folder() / "captioner"
    added = folders("captioner").values() if not usual.is_dir() else ()
    return next(iter(added), usual)


def pack_folders(captioner: Path) -> tuple[Path, ...]:
    """Where house packs are looked for: those that came with the captioner, then the user's."""
    return captioner / "packs", models_folder() / "packs"


def missing(folder: Path, packages: Sequence[str] = PACKAGES) -> str:
    """What is missing before the captioner in `folder` can work, and how to get it; or nothing."""
    absent = [name for name in packages if importlib.util.find_spec(name) is None]
    if absent:
        return (
            f"It needs {', '.join(absent)}, not installed: run musiscene setup gpu (or pip install "
            f"'musiscene[models]'), {_RESTART}."
        )
    if not (folder / MANIFEST).is_file():
        return (
            f"Its weights are not at {folder}. Get them with `musiscene models pull mullama` "
            "(32 GB, and licences to accept); or convert your own copies once: musiscene-train "
            f"convert --llama DIR --mert DIR --checkpoint checkpoint.pth --output {folder}; or "
            f"name a folder that has them in {CAPTIONER_VARIABLE}; {_RESTART}."
        )
    return ""
