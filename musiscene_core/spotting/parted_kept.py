"""Parted sound on the disk: speech and music of a piece, a FLAC file each.

The cache may be deleted or damaged at any time: a file's name tells what it must hold, and what is
missing or otherwise is parted again. Files are dated alike, so that what is known by its date, as
media is, stays known when it had to be made again.
"""

from __future__ import annotations

import hashlib
import io
import os
import time
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from musiscene_core.codec import write_atomically
from musiscene_core.errors import OutputError
from musiscene_core.paths import cache_folder
from musiscene_core.spotting.kept_files import prune
from musiscene_core.timecode import SAMPLE_RATE

Floats = npt.NDArray[np.float32]

MOST_BYTES = 2 << 30
"""Kept at most: about ten hours."""
_HALVES = ("speech", "music")
_DATED_NS = 10**18
_LOUDEST = 32_767


class KeptPieces:
    """Pieces of parted sound, by what they are known by."""

    def __init__(self, folder: Path | None = None, most_bytes: int = MOST_BYTES) -> None:
        """Keep in `folder` (default: in the cache folder), the latest `most_bytes`."""
        self._folder = folder or cache_folder() / "parted"
        self._most = most_bytes
        self._whole: dict[Path, tuple[int, int]] = {}

    def get(self, known_by: str) -> tuple[Path, Path] | None:
        """The files with speech and music; None where they are not there, or damaged."""
        name = hashlib.sha256(known_by.encode()).hexdigest()
        found = []
        for half in _HALVES:
            path = next(iter((self._folder / name[:2]).glob(f"{name}-{half}-*.flac")), None)
            if path is None or not self._is_whole(path):
                return None
            found.append(path)
        return found[0], found[1]

    def put(self, known_by: str, speech: Floats, music: Floats) -> tuple[Path, Path]:
        """Keep speech and music [n], mono at 48 kHz; the files that hold them.

        Raises:
            OutputError: they cannot be written.
        """
        name = hashlib.sha256(known_by.encode()).hexdigest()
        made = []
        for half, samples in zip(_HALVES, (speech, music), strict=True):
            data = _flac(samples)
            path = self._folder / name[:2] / f"{name}-{half}-{_mark(data)}.flac"
            write_atomically(path, data)
            try:
                os.utime(path, ns=(time.time_ns(), _DATED_NS))
            except OSError as error:
                raise OutputError.from_os(error, path) from error
            made.append(path)
        return made[0], made[1]

    def prune(self) -> None:
        """Let the pieces go that were not wanted for longest, where they are too many."""
        prune(self._folder, self._most, ending="flac", wanted=lambda one: one.st_atime_ns)

    def _is_whole(self, path: Path) -> bool:
        try:
            status = path.stat()
            state = status.st_size, status.st_mtime_ns
            if self._whole.get(path) != state:
                if not path.stem.endswith(_mark(path.read_bytes())):
                    return False
                self._whole[path] = state
            os.utime(path, ns=(time.time_ns(), status.st_mtime_ns))
        except OSError:
            return False
        return True


def _mark(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def _flac(samples: Floats) -> bytes:
    """A FLAC file of mono sound [n] at 48 kHz, in 16 bits."""
    whole = np.rint(np.clip(samples, -1.0, 1.0) * _LOUDEST).astype(np.int16)
    file = io.BytesIO()
    with av.open(file, "w", format="flac") as container:
        stream = container.add_stream("flac", rate=SAMPLE_RATE, layout="mono", format="s16")
        frame = av.AudioFrame.from_ndarray(whole[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts = SAMPLE_RATE, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()
