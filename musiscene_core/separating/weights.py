"""Files of weights that take sound apart, told by their names. Loads nothing."""

from __future__ import annotations

from pathlib import Path

_SUFFIXES = (".th", ".safetensors")


def weights_in(path: Path) -> list[Path]:
    """The files of Demucs's weights at `path`: itself, or those in the folder that it is.

    Raises:
        OSError: the folder cannot be looked into.
    """
    files = sorted(path.iterdir()) if path.is_dir() else (path,)
    return [file for file in files if file.suffix in _SUFFIXES and file.is_file()]
