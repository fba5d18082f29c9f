"""Overview: a sound's minima and maxima, ready to be drawn at any zoom.

The mix's lies beside it, drawn by the engine; a stem's is drawn here once and kept in the cache,
in the same format (BBC audiowaveform v2, 8 bits, github.com/bbc/audiowaveform doc/DataFormat.md).
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from musiscene_core.codec import write_atomically
from musiscene_core.errors import MusiSceneError, OutputError
from musiscene_core.library import read_peaks
from musiscene_core.library.peaks import as_dat
from musiscene_gui.audio.sources import StemFile

_EACH = 480
_BLOCK_POINTS = 1_000
_KEPT = 2_000
"""Overviews in the cache: some 70 MB of three-minute stems."""


@dataclass(frozen=True, eq=False)
class Overview:
    """Minima and maxima over all channels.

    Attributes:
        low: [points], -1 to 1.
        high: the same of the maxima.
        samples_each: what a point stands for.
    """

    low: npt.NDArray[np.float32]
    high: npt.NDArray[np.float32]
    samples_each: int

    @classmethod
    def read(cls, path: Path) -> Overview:
        """The overview in a .dat file.

        Raises:
            MediaError: missing, no overview, or cut short.
        """
        return cls.of(*read_peaks(path))

    @classmethod
    def of(
        cls, points: npt.NDArray[np.int8] | npt.NDArray[np.int16], samples_each: int
    ) -> Overview:
        """The overview of points [n, channels, 2], each a minimum and a maximum."""
        scale = np.float32(2.0 ** (1 - 8 * points.dtype.itemsize))
        low = points[:, :, 0].min(axis=1).astype(np.float32) * scale
        high = points[:, :, 1].max(axis=1).astype(np.float32) * scale
        return cls(low, high, samples_each)

    @property
    def peak(self) -> float:
        """The highest value, of either sign."""
        if not len(self.low):
            return 0.0
        return float(max(-self.low.min(), self.high.max()))

    def columns(
        self, first: float, after: float, width: int
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Minima and maxima ([width] each) of the samples [first, after); 0 outside the sound."""
        low, high = np.zeros(width, np.float32), np.zeros(width, np.float32)
        count = len(self.low)
        if not count or after <= first:
            return low, high
        edges = (first + (after - first) * np.arange(width + 1) / width) / self.samples_each
        begins = np.floor(edges[:-1]).astype(np.int64)
        inside = (begins >= 0) & (begins < count)
        if inside.any():
            starts = begins[inside]
            # Up to where the last column ends, and no further.
            end = min(count, max(int(np.ceil(edges[1:][inside][-1])), int(starts[-1]) + 1))
            low[inside] = np.minimum.reduceat(self.low[:end], starts)
            high[inside] = np.maximum.reduceat(self.high[:end], starts)
        return low, high


def draw_overview(path: Path) -> npt.NDArray[np.int8]:
    """Minima and maxima [points, 1, 2] of a WAV file's highest eight bits, over all channels.

    Raises:
        MediaError: it cannot be read.
    """
    source = StemFile(path)
    try:
        count = -(-source.length // _EACH)
        points = np.zeros((count, 1, 2), np.int8)
        for point in range(0, count, _BLOCK_POINTS):
            values = source.coarse(point * _EACH, _BLOCK_POINTS * _EACH)
            whole = len(values) // _EACH
            if whole:
                together = values[: whole * _EACH].reshape(whole, -1)
                points[point : point + whole, 0, 0] = together.min(axis=1)
                points[point : point + whole, 0, 1] = together.max(axis=1)
            if whole * _EACH < len(values):
                rest = values[whole * _EACH :]
                points[point + whole, 0] = rest.min(), rest.max()
    finally:
        source.close()
    return points


def overview_of(path: Path, cache: Path) -> Overview:
    """A WAV file's overview, drawn once: kept in the folder `cache` until the file changes.

    Raises:
        MediaError: the file cannot be read.
    """
    try:
        seen = os.stat(path)
        name = f"{path.absolute()}\0{seen.st_mtime_ns}\0{seen.st_size}"
    except (OSError, ValueError):
        name = str(path)
    kept = cache / f"{hashlib.sha256(name.encode('utf-8', 'replace')).hexdigest()[:32]}.dat"
    try:
        return Overview.read(kept)
    except MusiSceneError:
        drawn = draw_overview(path)
    # Where nothing can be kept it is drawn again next time.
    with suppress(OutputError):
        write_atomically(kept, as_dat(drawn, _EACH))
        _forget_oldest(cache)
    return Overview.of(drawn, _EACH)


def _forget_oldest(cache: Path) -> None:
    try:
        with os.scandir(cache) as entries:
            files = [(entry.stat().st_mtime_ns, entry.path) for entry in entries]
        for _, path in sorted(files)[:-_KEPT]:
            os.unlink(path)
    except OSError:
        # Another panel tidies up at the same time, or the disk is read-only.
        return
