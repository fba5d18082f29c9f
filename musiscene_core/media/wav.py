"""Broadcast WAV files: 48 kHz, 24-bit PCM, with the time reference that lets a DAW spot them.

Layout after EBU Tech 3285 (bext version 1). The same samples give the same bytes: no date.
"""

from __future__ import annotations

import contextlib
import os
import struct
import uuid
import wave
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from musiscene_core.errors import MediaError, OutputError
from musiscene_core.timecode import SAMPLE_RATE

_FULL_SCALE = 1 << 23
_BYTES_PER_SAMPLE = 3
_RIFF_LIMIT = (1 << 32) - 1
_BLOCK = 1 << 18
_BEXT = struct.Struct("<256s32s32s10s8sIIH64s190s")
_TIME_REFERENCE_AT = 256 + 32 + 32 + 10 + 8
_PCM = 1
_LAYOUTS = {1: "mono", 2: "stereo"}
_HISTORY = "A=PCM,F=48000,W=24,M={layout},T=MusiScene\r\n"
"""Coding history, after EBU R98."""


def to_int24(samples: NDArray[np.floating]) -> NDArray[np.int32]:
    """24-bit integers of float samples [C, N]: 1.0 is full scale, to nearest, clipped.

    Raises:
        ValueError: a sample is not a number.
    """
    scaled = np.rint(samples * np.asarray(_FULL_SCALE, samples.dtype))
    clipped = np.clip(scaled, -_FULL_SCALE, _FULL_SCALE - 1)
    if np.isnan(clipped).any():
        raise ValueError("samples hold values that are not numbers")
    return np.asarray(clipped, np.int32)


def write_wav(
    path: str | Path,
    samples_int24: NDArray[np.int32],
    *,
    time_reference: int = 0,
    description: str = "",
    originator: str = "MusiScene",
) -> None:
    """Write samples [C, N] as 48 kHz 24-bit broadcast WAV. The file appears whole or not at all.

    An older file of that name is replaced. Nothing is flushed to the disk: publishing does that.

    Args:
        path: of the file; its folder must be there.
        samples_int24: int32 [C, N] within 24 bits, as `to_int24` gives them.
        time_reference: samples since midnight at which the first sample plays (record In).
        description: free text, at most 256 characters are kept.
        originator: who made it, at most 32 characters are kept.

    Raises:
        OutputError: it cannot be written, or would exceed the 4 GiB a WAV file can hold.
    """
    channels, length = samples_int24.shape
    with WavWriter(
        path,
        channels,
        length,
        time_reference=time_reference,
        description=description,
        originator=originator,
    ) as writer:
        writer.write(0, samples_int24)


class WavWriter:
    """Writes a file of known length as its samples come; it appears whole or not at all.

    A context: leaving it puts the file in its place, or, after an error, takes it away. Samples
    that were not written are silent.
    """

    def __init__(
        self,
        path: str | Path,
        channels: int,
        length: int,
        *,
        time_reference: int = 0,
        description: str = "",
        originator: str = "MusiScene",
    ) -> None:
        """As `write_wav`, for `length` samples of `channels`.

        Raises:
            OutputError: it cannot be made, or would exceed the 4 GiB a WAV file can hold.
        """
        self._path = Path(path)
        head = header(channels, length, time_reference, description, originator, self._path.name)
        self._frame = channels * _BYTES_PER_SAMPLE
        self._begin = len(head)
        end = self._begin + self._frame * length
        self._partial = self._path.with_name(f".{self._path.name}.{uuid.uuid4().hex}.part")
        try:
            self._file = open(self._partial, "xb")  # noqa: SIM115 (closed in __exit__)
        except OSError as error:
            raise OutputError.from_os(error, self._path) from error
        try:
            self._file.write(head)
            self._file.truncate(end + end % 2)
        except OSError as error:
            self._give_up()
            raise OutputError.from_os(error, self._path) from error

    def write(self, first: int, samples_int24: NDArray[np.int32]) -> None:
        """Put samples [C, n] within 24 bits at sample `first`.

        Raises:
            OutputError: they cannot be written.
        """
        length = samples_int24.shape[1]
        if not length:
            return
        if not -_FULL_SCALE <= samples_int24.min() <= samples_int24.max() < _FULL_SCALE:
            raise ValueError("samples exceed 24 bits")
        try:
            self._file.seek(self._begin + self._frame * first)
            for start in range(0, length, _BLOCK):
                self._file.write(packed(samples_int24[:, start : start + _BLOCK]))
        except OSError as error:
            raise OutputError.from_os(error, self._path) from error

    def __enter__(self) -> WavWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            self._give_up()
            return
        try:
            self._file.close()
            os.replace(self._partial, self._path)
        except OSError as failed:
            self._give_up()
            raise OutputError.from_os(failed, self._path) from failed

    def _give_up(self) -> None:
        with contextlib.suppress(OSError):
            self._file.close()
        self._partial.unlink(missing_ok=True)


def wav_pieces(path: str | Path, samples: int) -> Iterator[NDArray[np.int32]]:
    """The samples of a 48 kHz 24-bit file in order: int32 [C, n], `samples` each, the last fewer.

    Raises:
        MediaError: it is not there, or no such file, or was cut short.
    """
    hint = "Score again."
    try:
        with wave.open(str(path), "rb") as file:
            if (file.getframerate(), file.getsampwidth()) != (SAMPLE_RATE, _BYTES_PER_SAMPLE):
                raise MediaError(f"{path} is not 48 kHz, 24 bits.", hint=hint)
            channels, left = file.getnchannels(), file.getnframes()
            while left:
                octets = np.frombuffer(file.readframes(min(samples, left)), np.uint8)
                count = len(octets) // (channels * _BYTES_PER_SAMPLE)
                if count < min(samples, left):
                    raise MediaError(f"{path} was cut short.", hint=hint)
                wide = np.zeros((count * channels, 4), np.uint8)
                wide[:, 1:] = octets.reshape(-1, _BYTES_PER_SAMPLE)
                yield np.ascontiguousarray((wide.view("<i4") >> 8).reshape(count, channels).T)
                left -= count
    except (wave.Error, EOFError) as error:
        raise MediaError(f"{path} is not a sound file of ours.", hint=hint) from error
    except OSError as error:
        raise MediaError(f"{path} cannot be read: {error.strerror}.", hint=hint) from error


def set_time_reference(path: Path, time_reference: int) -> None:
    """Give a broadcast WAV file another time reference; one without a bext chunk is left alone.

    Raises:
        OSError: it cannot be read or written.
    """
    with open(path, "r+b") as file:
        riff = file.read(12)
        if riff[:4] != b"RIFF" or riff[8:] != b"WAVE":
            return
        while len(head := file.read(8)) == 8:
            length = struct.unpack("<I", head[4:])[0]
            if head[:4] == b"bext" and length >= _TIME_REFERENCE_AT + 8:
                file.seek(_TIME_REFERENCE_AT, os.SEEK_CUR)
                file.write(struct.pack("<Q", time_reference))
                return
            file.seek(length + length % 2, os.SEEK_CUR)


def packed(samples_int24: NDArray[np.int32]) -> bytes:
    """Interleaved little-endian 3-byte samples of int32 [C, N]."""
    channels, length = samples_int24.shape
    wide = np.empty((length, channels), "<i4")
    wide[:] = samples_int24.T
    octets = wide.view(np.uint8).reshape(length * channels, 4)
    return np.ascontiguousarray(octets[:, :_BYTES_PER_SAMPLE]).tobytes()


def header(
    channels: int, length: int, time_reference: int, description: str, originator: str, name: str
) -> bytes:
    """The bytes before the samples: RIFF, bext, fmt and the data chunk's head.

    Raises:
        OutputError: the file would exceed 4 GiB.
    """
    if not 0 <= time_reference < 1 << 64:
        raise ValueError(f"time reference {time_reference} is no number of samples since midnight")
    frame = channels * _BYTES_PER_SAMPLE
    data = frame * length
    history = _HISTORY.format(layout=_LAYOUTS.get(channels, f"{channels}ch")).encode("ascii")
    bext = _BEXT.pack(
        _text(description, 256),
        _text(originator, 32),
        b"",
        b"",
        b"",
        time_reference & 0xFFFFFFFF,
        time_reference >> 32,
        1,
        b"",
        b"",
    )
    bext += history + bytes(len(history) % 2)
    fmt = struct.pack(
        "<HHIIHH", _PCM, channels, SAMPLE_RATE, SAMPLE_RATE * frame, frame, _BYTES_PER_SAMPLE * 8
    )
    chunks = _chunk(b"bext", bext) + _chunk(b"fmt ", fmt)
    riff = 4 + len(chunks) + 8 + data + data % 2
    if riff > _RIFF_LIMIT:
        hours = (_RIFF_LIMIT - len(chunks)) / frame / SAMPLE_RATE / 3600
        raise OutputError(
            f"{name} would exceed 4 GiB, the most a WAV file can hold.",
            hint=f"Score at most {hours:.1f} hours at once.",
        )
    return b"RIFF" + struct.pack("<I", riff) + b"WAVE" + chunks + b"data" + struct.pack("<I", data)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body


def _text(text: str, length: int) -> bytes:
    """`text` as the ASCII that EBU Tech 3285 asks for."""
    return text.encode("ascii", "replace")[:length]
