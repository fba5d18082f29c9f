"""What can be heard: stereo sound at 48 kHz that gives any stretch of itself.

A stem stays on the disk and is read as it plays. It is read, not mapped: another program that
shortens a mapped file (a stem was dragged into it) would take this process down with it.
"""

from __future__ import annotations

import os
import struct
import threading
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from musiscene_core.errors import MediaError
from musiscene_core.timecode import SAMPLE_RATE

Floats = npt.NDArray[np.float64]

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_MAX_CHANNELS = 64
_MAX_CHUNKS = 1_000
_HINT = "Score the scene again, or export the file as 48 kHz WAV."


class Source(Protocol):
    """Sound that can be asked for any stretch of itself.

    Attributes:
        length: in samples.
    """

    length: int

    def read(self, first: int, count: int) -> Floats:
        """Samples [count, 2], 1.0 full scale, from `first` on; silent outside of it.

        Raises:
            MediaError: they are no longer there.
        """

    def close(self) -> None:
        """Let go of the file."""


class _Layout(NamedTuple):
    """Where the samples lie in a WAV file, and what each is."""

    begin: int
    length: int
    channels: int
    width: int
    floating: bool


class StemFile:
    """A 48 kHz WAV file: 16, 24 or 32 bits or 32-bit float, mono or more (two are heard)."""

    def __init__(self, path: str | Path) -> None:
        """Open `path` and read its head.

        Raises:
            MediaError: it is not there, or not such a file.
        """
        self.path = Path(path)
        self._lock = threading.Lock()
        try:
            self._file: BinaryIO = open(self.path, "rb", buffering=0)  # noqa: SIM115 (close)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "not a file"
            raise MediaError(f"{self.path} cannot be read: {reason}.", hint=_HINT) from error
        try:
            self._layout = _layout(self._file, self.path)
        except OSError as error:
            self._file.close()
            raise _unreadable(self.path) from error
        except MediaError:
            self._file.close()
            raise
        self.length = self._layout.length

    def read(self, first: int, count: int) -> Floats:
        """As `Source.read`; 24-bit samples come exact."""
        values = self.raw(first, count)
        sound = np.zeros((count, 2))
        begin = max(0, -first)
        if len(values):
            sound[begin : begin + len(values)] = values[:, :2] if values.shape[1] > 1 else values
            scale = 1.0 if self._layout.floating else 2.0 ** (1 - 8 * self._layout.width)
            sound *= scale
            if self._layout.floating:
                # A file from elsewhere may hold what no loudspeaker should get.
                np.nan_to_num(sound, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
                np.clip(sound, -8.0, 8.0, out=sound)
        return sound

    def raw(self, first: int, count: int) -> npt.NDArray[np.int32] | npt.NDArray[np.float32]:
        """The file's own values [n, channels] of the part of the stretch that lies inside it.

        Raises:
            MediaError: they are no longer there.
        """
        layout = self._layout
        octets = self._octets(first, count)
        if layout.floating:
            return np.frombuffer(octets, "<f4").reshape(-1, layout.channels)
        if layout.width == 2:
            return np.frombuffer(octets, "<i2").astype(np.int32).reshape(-1, layout.channels)
        if layout.width == 4:
            return np.frombuffer(octets, "<i4").reshape(-1, layout.channels)
        wide = np.zeros((len(octets) // 3, 4), np.uint8)
        wide[:, 1:] = np.frombuffer(octets, np.uint8).reshape(-1, 3)
        return (wide.view("<i4") >> 8).reshape(-1, layout.channels)

    def coarse(self, first: int, count: int) -> npt.NDArray[np.int8]:
        """The highest eight bits [n, channels] of the same: all that a picture of it needs.

        Raises:
            MediaError: they are no longer there.
        """
        layout = self._layout
        if layout.floating:
            scaled = np.nan_to_num(self.raw(first, count) * np.float32(128))
            rounded: npt.NDArray[np.int8] = np.clip(np.floor(scaled), -128, 127).astype(np.int8)
            return rounded
        octets = np.frombuffer(self._octets(first, count), np.int8)
        highest = np.ascontiguousarray(octets.reshape(-1, layout.width)[:, layout.width - 1])
        frames: npt.NDArray[np.int8] = highest.reshape(-1, layout.channels)
        return frames

    def _octets(self, first: int, count: int) -> bytes:
        layout = self._layout
        start, end = max(0, first), min(layout.length, first + count)
        frame = layout.channels * layout.width
        wanted = max(0, end - start) * frame
        try:
            with self._lock:
                self._file.seek(layout.begin + start * frame)
                octets = _exactly(self._file, wanted)
        except (OSError, ValueError) as error:
            raise _unreadable(self.path) from error
        if len(octets) < wanted:
            raise MediaError(f"{self.path.name} was cut short while it was open.", hint=_HINT)
        return octets

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._file.close()


class HeldSound:
    """Sound in memory: what was decoded from a movie."""

    def __init__(self, samples: npt.NDArray[np.float32]) -> None:
        """Of float samples [n, 2]."""
        self._samples = samples
        self.length = len(samples)

    def read(self, first: int, count: int) -> Floats:
        """As `Source.read`."""
        sound = np.zeros((count, 2))
        start, end = max(0, first), min(self.length, first + count)
        if end > start:
            sound[start - first : end - first] = self._samples[start:end]
        return sound

    def close(self) -> None:
        """Nothing to let go of."""


def _exactly(file: BinaryIO, count: int) -> bytes:
    """`count` bytes, or fewer at the end: an unbuffered file may give less than it has."""
    pieces = bytearray()
    while len(pieces) < count:
        piece = file.read(count - len(pieces))
        if not piece:
            break
        pieces += piece
    return bytes(pieces)


def _layout(file: BinaryIO, path: Path) -> _Layout:
    """Read a RIFF file's chunks up to its samples."""
    size = os.fstat(file.fileno()).st_size
    head = _exactly(file, 12)
    if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        raise MediaError(f"{path} is not a WAV file.", hint=_HINT)
    form: tuple[int, int, int, int] | None = None
    for _ in range(_MAX_CHUNKS):
        chunk = _exactly(file, 8)
        if len(chunk) < 8:
            break
        length = struct.unpack("<I", chunk[4:])[0]
        at = file.tell()
        if chunk[:4] == b"fmt ":
            body = _exactly(file, min(length, 40))
            if len(body) < 16:
                break
            kind, channels, rate, _, frame, bits = struct.unpack_from("<HHIIHH", body)
            if kind == _EXTENSIBLE and len(body) >= 26:
                kind = struct.unpack_from("<H", body, 24)[0]
            if not 1 <= channels <= _MAX_CHANNELS or frame != channels * (bits // 8):
                break
            form = (kind, channels, rate, bits)
        elif chunk[:4] == b"data":
            if form is None:
                break
            kind, channels, rate, bits = form
            supported = (kind == _PCM and bits in (16, 24, 32)) or (kind, bits) == (_FLOAT, 32)
            if rate != SAMPLE_RATE or not supported:
                raise MediaError(f"{path.name} is not 48 kHz PCM.", hint=_HINT)
            frame = channels * bits // 8
            if at + length > size:
                raise MediaError(f"{path.name} was cut short.", hint=_HINT)
            return _Layout(at, length // frame, channels, bits // 8, kind == _FLOAT)
        file.seek(at + length + length % 2)
    raise MediaError(f"{path.name} holds no sound that can be read.", hint=_HINT)


def _unreadable(path: Path) -> MediaError:
    return MediaError(f"{path.name} can no longer be read.", hint="Look whether its disk is there.")
