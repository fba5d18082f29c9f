"""WAV files chunk by chunk: what lies where, the samples' hash, and chunks written after them.

Reads RIFF and RF64, whoever wrote them: nothing is believed of a length but that it may not go
past the end, and no chunk is read whole unless it is small.
"""

from __future__ import annotations

import hashlib
import os
import struct
from pathlib import Path
from typing import BinaryIO, NamedTuple

from musiscene_core.errors import MediaError, OutputError

MAX_CHUNKS = 10_000
MAX_TEXT_BYTES = 1 << 20
"""The longest chunk that is read into memory."""
_BLOCK = 1 << 20
_LARGE = 0xFFFFFFFF
_LIMIT = (1 << 32) - 1
_OURS = (b"iXML", b"LIST")
_HEADS = (b"RIFF", b"RF64", b"BW64")
_HINT = "Name a WAV file."


class Chunk(NamedTuple):
    """A chunk of a file.

    Attributes:
        kind: its four letters.
        begin: where its content begins.
        length: of its content, no further than the file's end.
        whole: whether the file holds as much as the chunk says.
    """

    kind: bytes
    begin: int
    length: int
    whole: bool


class Wav(NamedTuple):
    """A file that was looked through.

    Attributes:
        chunks: in order.
        data: the samples' chunk.
        cut: whether the file ends before it should.
    """

    chunks: tuple[Chunk, ...]
    data: Chunk
    cut: bool

    def find(self, kind: bytes) -> list[Chunk]:
        """All chunks of a kind."""
        return [chunk for chunk in self.chunks if chunk.kind == kind]


def is_wav(path: Path) -> bool:
    """Whether the file at `path` begins as a WAV file does, or cannot be read at all.

    Raises:
        MediaError: it is empty.
    """
    try:
        with open(path, "rb") as file:
            head = file.read(4)
    except OSError:
        return True
    if not head:
        raise MediaError(f"{path} is empty, and so no WAV file.", hint=_HINT)
    return head in _HEADS


def read_wav(path: Path) -> Wav:
    """The chunks of the WAV file at `path`.

    Raises:
        MediaError: it is not there, or no WAV file, or has no samples.
    """
    try:
        if not path.is_file():
            raise MediaError(f"{path} is no file.", hint=_HINT)
        with open(path, "rb") as file:
            return _chunks(file, os.fstat(file.fileno()).st_size, path)
    except OSError as error:
        raise MediaError(f"{path} cannot be read: {error.strerror}.", hint=_HINT) from error


def _chunks(file: BinaryIO, size: int, path: Path) -> Wav:
    head = file.read(12)
    if head[:4] not in _HEADS or head[8:12] != b"WAVE":
        raise MediaError(f"{path} is no WAV file.", hint=_HINT)
    found: list[Chunk] = []
    large = 0
    at = 12
    while at + 8 <= size and len(found) < MAX_CHUNKS:
        file.seek(at)
        top = file.read(8)
        kind, length = top[:4], int(struct.unpack("<I", top[4:])[0])
        if kind == b"ds64" and length >= 16:
            large = int(struct.unpack("<QQ", file.read(16).ljust(16, b"\0"))[1])
        if kind == b"data" and length == _LARGE and large:
            length = large
        inside = min(length, size - at - 8)
        found.append(Chunk(kind, at + 8, inside, inside == length))
        at += 8 + length + length % 2
    data = next((chunk for chunk in found if chunk.kind == b"data"), None)
    if data is None:
        raise MediaError(f"{path} has no samples.", hint="It was cut short, or is no WAV file.")
    return Wav(tuple(found), data, any(not chunk.whole for chunk in found))


def content(path: Path, chunk: Chunk) -> bytes:
    """What a small chunk holds; nothing where it is larger than any text of ours.

    Raises:
        MediaError: it cannot be read.
    """
    if chunk.length > MAX_TEXT_BYTES:
        return b""
    try:
        with open(path, "rb") as file:
            file.seek(chunk.begin)
            return file.read(chunk.length)
    except OSError as error:
        raise MediaError(f"{path} cannot be read: {error.strerror}.", hint=_HINT) from error


def sound_sha256(path: Path, wav: Wav) -> str:
    """SHA-256 of the samples as they lie in the file, in hex.

    Raises:
        MediaError: they cannot be read.
    """
    digest = hashlib.sha256()
    left = wav.data.length
    try:
        with open(path, "rb") as file:
            file.seek(wav.data.begin)
            while left:
                block = file.read(min(left, _BLOCK))
                if not block:
                    break
                digest.update(block)
                left -= len(block)
    except OSError as error:
        raise MediaError(f"{path} cannot be read: {error.strerror}.", hint=_HINT) from error
    return digest.hexdigest()


def append(
    path: Path, chunks: list[tuple[bytes, bytes]], overwritten: tuple[int, bytes] | None = None
) -> bool:
    """Write `chunks` after the samples of a file of ours, in place of those written so before.

    The samples are not touched. Returns False, with nothing changed, where something else lies
    behind the samples or the file would exceed 4 GiB.

    Args:
        path: of the file.
        chunks: their kinds and contents.
        overwritten: a place before the samples, and what is written there as well.

    Raises:
        MediaError: it is no WAV file.
        OutputError: it cannot be written.
    """
    wav = read_wav(path)
    behind = wav.chunks[wav.chunks.index(wav.data) + 1 :]
    if wav.cut or any(chunk.kind not in _OURS for chunk in behind):
        return False
    end = wav.data.begin + wav.data.length + wav.data.length % 2
    tail = b"".join(_chunk(kind, body) for kind, body in chunks)
    if end + len(tail) - 8 > _LIMIT:
        return False
    try:
        with open(path, "r+b") as file:
            file.seek(0, os.SEEK_END)
            if file.tell() < end:
                file.write(bytes(end - file.tell()))
            file.seek(end)
            file.write(tail)
            file.truncate()
            file.seek(4)
            file.write(struct.pack("<I", end + len(tail) - 8))
            if overwritten is not None:
                file.seek(overwritten[0])
                file.write(overwritten[1])
    except OSError as error:
        raise OutputError.from_os(error, path) from error
    return True


def _chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)
