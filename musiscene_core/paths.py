"""Where MusiScene keeps things, per platform. MUSISCENE_HOME puts all of it into one folder."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Container
from pathlib import Path

import platformdirs

_APP = "musiscene"
SPEED_FILE = "neural-speed.json"
"""In the cache folder: how fast this machine computes, as it was measured."""


def _folder(kind: str, default: str) -> Path:
    home = os.environ.get("MUSISCENE_HOME")
    return Path(home).expanduser().absolute() / kind if home else Path(default)


def data_folder() -> Path:
    """Takes and jobs: what must never be lost."""
    return _folder("data", platformdirs.user_data_dir(_APP, appauthor=False))


def runtime_folder() -> Path:
    """The connection file and the lock: gone after a restart of the machine."""
    with warnings.catch_warnings():
        # Without a login session the folder lies below /tmp, which is as good.
        warnings.simplefilter("ignore", UserWarning)
        return _folder("run", platformdirs.user_runtime_dir(_APP, appauthor=False))


def log_folder() -> Path:
    """Log files."""
    return _folder("log", platformdirs.user_log_dir(_APP, appauthor=False))


def cache_folder() -> Path:
    """What can be made again."""
    return _folder("cache", platformdirs.user_cache_dir(_APP, appauthor=False))


def private_folder(folder: Path) -> Path:
    """Make `folder` if it is not there, readable by its owner alone."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if os.name == "posix":
        folder.chmod(0o700)
    return folder


def keep_plot_caches() -> None:
    """Have matplotlib keep its list of fonts in our cache folder, where `uninstall` finds it.

    In a bundle PyInstaller gave it a folder that lasts for one process, to be filled each time.
    """
    if getattr(sys, "frozen", False) or not os.environ.get("MPLCONFIGDIR"):
        os.environ["MPLCONFIGDIR"] = str(cache_folder() / "matplotlib")


def remove_empty(folder: Path, names: Container[str]) -> None:
    """Delete `folder`, and those above it, as long as they are empty and called one of `names`.

    Raises:
        OSError: one cannot be deleted.
    """
    while folder.name in names and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
