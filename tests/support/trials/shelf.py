"""The take library as files: what appeared, whether it is whole, and whether it appeared twice."""

from __future__ import annotations

import os
import wave
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from musiscene_core.codec import read_json
from musiscene_core.errors import InputError
from musiscene_core.take import Take

_FILES = {"brief.json", "request.json", "take.json", "mix.wav", "stems/melody.wav"}
_FRAMES = 4
"""What the scripted engine writes."""


class Shelf:
    """The folder of finished takes of scripted jobs, looked at again and again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._born: dict[str, tuple[int, int]] = {}

    def look(self) -> None:
        """Remember what is new."""
        if self._folder.exists():
            for name in os.listdir(self._folder):
                if name not in self._born:
                    self._born[name] = _identity(self._folder / name)

    @property
    def jobs(self) -> Counter[str]:
        """How many results each job has."""
        return Counter(name.rpartition("-")[2] for name in self._born)

    def twice(self) -> Iterator[str]:
        """Jobs with two results, and results replaced since they were first seen."""
        yield from (job for job, count in self.jobs.items() if count > 1)
        for name, born in self._born.items():
            if _identity(self._folder / name) != born:
                yield f"{name} was replaced"

    def partial(self) -> Iterator[str]:
        """Results that are not whole, and why."""
        for name in self._born:
            folder = self._folder / name
            if [path.name for path in folder.iterdir()] != ["take-1"]:
                yield f"{name} holds something else than its take"
            elif trouble := _trouble(folder / "take-1"):
                yield f"{name}: {trouble}"


def _identity(result: Path) -> tuple[int, int]:
    """Which folder it is, and when its take was written; 0 where there is none."""
    take = result / "take-1/take.json"
    return result.stat().st_ino, take.stat().st_mtime_ns if take.exists() else 0


def _trouble(take: Path) -> str:
    names = {str(path.relative_to(take)) for path in take.rglob("*") if path.is_file()}
    if missing := _FILES - names:
        return f"{sorted(missing)} missing"
    if unfinished := [name for name in names if Path(name).name.startswith(".")]:
        return f"{unfinished} left over"
    try:
        read_json(take / "take.json", Take)
        for name in ("mix.wav", "stems/melody.wav"):
            with wave.open(str(take / name)) as sound:
                if sound.getnframes() != _FRAMES or len(sound.readframes(9)) != 3 * _FRAMES:
                    return f"{name} is too short"
    except (InputError, wave.Error, EOFError) as error:
        return f"{type(error).__name__}: {error}"
    return ""
