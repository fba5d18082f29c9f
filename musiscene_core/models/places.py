"""Where models lie on this machine: MusiScene's own folder, and the cache that hub tools fill."""

from __future__ import annotations

import os
from pathlib import Path

from musiscene_core.paths import data_folder


def models_folder() -> Path:
    """Where pulled models lie, and those that a user put there by hand."""
    return data_folder() / "models"


def hub_cache() -> Path:
    """The cache of Hugging Face's tools."""
    named = os.environ.get("HF_HUB_CACHE")
    home = os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface"
    return Path(named) if named else Path(home) / "hub"


def title(folder: Path) -> str:
    """What the model in `folder` is called: in the hub's cache its folder's name is a hash."""
    if folder.parent.name == "snapshots":
        return folder.parent.parent.name.rpartition("--")[2]
    return folder.name


def size_of(folder: Path) -> int:
    """Bytes of the files in `folder`; 0 where it cannot be read."""
    try:
        return sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
    except OSError:
        return 0
