"""What the encoder hears of each piece of music, computed once and kept by content.

    cache/<encoder>/<key>.npy       float32 [S, W]
    cache/sounds.jsonl              SHA-256 of sound files, by path, size and time of change

A key is a SHA-256 over the sound's content and the part of it that is heard, so that moved and
renamed files are known again. Every piece is written as soon as it is heard: a crash loses one.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from musiscene_core.captioning.mullama.listening import Chunks, file_chunks
from musiscene_core.codec import write_atomically
from musiscene_core.errors import InputError, MediaError, MediaOfflineError, OutputError
from musiscene_core.media.probe import probe
from musiscene_core.whole_files import file_sha256
from musiscene_training.dataset import Problem, Row
from musiscene_training.members import file_status, media_file

_SOUNDS_FILE = "sounds.jsonl"
Features = npt.NDArray[np.float32]


class Ear(Protocol):
    """What hears: chunks of sound to features [S, W]."""

    def __call__(self, chunks: Chunks) -> Features:
        """Hear a piece of sound."""


@dataclass
class FeatureCache:
    """Features on the disk.

    Attributes:
        folder: that they lie in.
        encoder: fingerprint of the one that hears.
        shape: (S, W) of what it hears.
    """

    folder: Path
    encoder: str
    shape: tuple[int, int]
    _digests: dict[str, tuple[int, int, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for line in _lines(self.folder / _SOUNDS_FILE):
            try:
                path, size, changed, digest = json.loads(line)
            except (ValueError, TypeError):
                continue
            self._digests[path] = (size, changed, digest)

    def key(self, row: Row, dataset: Path) -> str:
        """What the features of a row are known by.

        Raises:
            MediaError: its sound is not there.
        """
        if row.features:
            return f"file:{_digest(dataset / row.features)}"
        sound = self._sound_digest(dataset / row.sound)
        end = "end" if row.end_s is None else f"{row.end_s:.6f}"
        return hashlib.sha256(f"{sound} {row.start_s:.6f} {end}".encode()).hexdigest()

    def get(self, key: str, row: Row, dataset: Path) -> Features | None:
        """What was heard before; None where nothing was, or what lies there is damaged.

        Raises:
            InputError: features that came with the dataset do not fit.
        """
        if key.startswith("file:"):
            return self._given(dataset / row.features)
        path = self.path(key)
        if not path.is_file():
            return None
        try:
            return self._given(path)
        except InputError:
            return None

    def put(self, key: str, features: Features) -> None:
        """Keep what was heard.

        Raises:
            OutputError: no space or no permission.
        """
        data = io.BytesIO()
        np.save(data, np.asarray(features, np.float32), allow_pickle=False)
        write_atomically(self.path(key), data.getvalue())

    def path(self, key: str) -> Path:
        """Where features are kept."""
        return self.folder / self.encoder[:16] / f"{key}.npy"

    def _given(self, path: Path) -> Features:
        try:
            with path.open("rb") as file:
                features = np.load(file, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise InputError(
                f"{path} holds no features: {error}.", hint="Make it again."
            ) from error
        if not isinstance(features, np.ndarray) or features.shape != self.shape:
            raise InputError(
                f"{path} is not of the shape {self.shape[0]} x {self.shape[1]} that this encoder "
                "hears.",
                hint="Give the sound instead.",
            )
        if features.dtype.kind != "f" or not np.isfinite(features).all():
            raise InputError(f"{path} holds what is no number.", hint="Make it again.")
        return features.astype(np.float32, copy=False)

    def _sound_digest(self, path: Path) -> str:
        try:
            found = file_status(path)
        except OSError as error:
            raise MediaOfflineError(f"{path} is not there.", hint="Put it back.") from error
        place, known = str(path.resolve()), (found.st_size, found.st_mtime_ns)
        if place in self._digests and self._digests[place][:2] == known:
            return self._digests[place][2]
        digest = _digest(path)
        self._digests[place] = (*known, digest)
        line = json.dumps([place, *known, digest]).encode() + b"\n"
        target = self.folder / _SOUNDS_FILE
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            # One write of a short line: processes that share the file do not mix their lines.
            handle = os.open(target, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            try:
                os.write(handle, line)
            finally:
                os.close(handle)
        except OSError as error:
            raise OutputError.from_os(error, target) from error
        return digest


@dataclass(frozen=True)
class Heard:
    """What became of some rows.

    Attributes:
        keys: of those that were heard, by id.
        problems: why others were not.
    """

    keys: dict[str, str]
    problems: list[Problem]


def hear(
    rows: Sequence[Row],
    dataset: Path,
    cache: FeatureCache,
    ear: Ear,
    told: Callable[[int, bool], None],
) -> Heard:
    """Have the features of every row in the cache; what cannot be heard is told, not fatal.

    Args:
        rows: of the dataset.
        dataset: its folder.
        cache: where they are looked for, and kept.
        ear: hears what is not there yet.
        told: called with the number of rows done, and whether the last had to be heard.

    Raises:
        OutputError: the disk is full; what was heard before is kept.
    """
    keys: dict[str, str] = {}
    problems: list[Problem] = []
    for done, row in enumerate(rows):
        fresh = False
        try:
            key = cache.key(row, dataset)
            if cache.get(key, row, dataset) is None:
                fresh = True
                with media_file(dataset / row.sound) as path:
                    cache.put(key, ear(_chunks(row, path)))
            keys[row.id] = key
        except InputError as error:
            problems.append(Problem(row.id, str(error)))
        told(done + 1, fresh)
    return Heard(keys, problems)


def _chunks(row: Row, path: Path) -> Chunks:
    end = row.end_s
    if end is None:
        found = probe(path)
        if not found.audio:
            raise MediaError(f"{path} has no sound.", hint="Choose a file with music in it.")
        length = found.audio[0].duration or found.duration
        return file_chunks(path, Fraction(row.start_s), max(length, Fraction(row.start_s)))
    return file_chunks(path, Fraction(row.start_s), Fraction(end))


def _digest(path: Path) -> str:
    try:
        with media_file(path) as there:
            return file_sha256(there)
    except OSError as error:
        raise MediaOfflineError(
            f"{path} cannot be read: {error.strerror}.", hint="Put it back."
        ) from error


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            yield from file
    except OSError:
        return
