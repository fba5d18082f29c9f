"""What models and rules made of each sound, kept on the disk, so that work that ended goes on.

    DIR/heard/3f...9a.npy         windows of a sound, as one model gave them
    DIR/heard/77...02.json        what was measured of one

Named by what they follow from: the sound's file and the model's, by path, size and time, and what
the sound was asked to be. Other weights, another take in the same place or other words are heard
anew; so is what was damaged.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from musiscene_core.codec import digest, read_json, to_json, write_atomically
from musiscene_core.errors import InputError
from musiscene_training.evaluate.music.heard import Listener, heard
from musiscene_training.evaluate.music.measured import Measured, Wanted, measured
from musiscene_training.evaluate.music.sounds import Clip

HEARD = "heard"
_LAYOUT = 1
"""Counted up when the same names would mean something else."""


class Memory:
    """Hears and measures, or remembers."""

    def __init__(self, folder: Path | None, specs: Mapping[Listener, str]) -> None:
        """Keep in `folder`, None for nowhere; `specs` say which model each listener is."""
        self._folder = folder
        self._models = {
            listener: [spec, _stamps(Path(spec.partition(":")[2]))]
            for listener, spec in (specs.items() if folder is not None else ())
        }

    def heard(self, listener: Listener, clip: Clip) -> npt.NDArray[np.floating]:
        """As `heard.heard`, which tells the shape and what is raised.

        Raises:
            OutputError: the disk is full; what was kept before stands.
        """
        if self._folder is None:
            return heard(listener, clip)
        path = self._folder / f"{self._name(clip, self._models[listener])}.npy"
        try:
            with path.open("rb") as file:
                return np.asarray(np.load(file, allow_pickle=False))
        except (OSError, ValueError, EOFError):
            rows = heard(listener, clip)
        saved = io.BytesIO()
        np.save(saved, rows, allow_pickle=False)
        write_atomically(path, saved.getvalue(), durable=False)
        return rows

    def measured(self, clip: Clip, wanted: Wanted) -> Measured:
        """As `measured.measured`; raises OutputError as `heard` does."""
        if self._folder is None:
            return measured(clip, wanted)
        path = self._folder / f"{self._name(clip, wanted)}.json"
        try:
            return read_json(path, Measured)
        except InputError:
            found = measured(clip, wanted)
        write_atomically(path, to_json(found), durable=False)
        return found

    def _name(self, clip: Clip, by: Any) -> str:
        return digest([_LAYOUT, _stamps(clip.path), clip.folder is not None, by])


def _stamps(path: Path) -> list[tuple[str, int, int]]:
    """Path, size and time of a file, or of each in a folder."""
    files = sorted(path.iterdir()) if path.is_dir() else [path] if path.is_file() else []
    known = ((str(file.absolute()), file.stat()) for file in files)
    return [(name, stat.st_size, stat.st_mtime_ns) for name, stat in known]
