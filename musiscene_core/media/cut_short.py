"""Whether a sound file holds all that it promises: a copy that broke off plays, and ends early.

Looks at the headers of WAV, RF64, FLAC, MP4 and QuickTime files, and at the end of the latter
three; of others nothing is known. Decodes nothing.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

from av.audio.stream import AudioStream
from av.container import InputContainer

from musiscene_core.errors import MediaError
from musiscene_core.media import _open
from musiscene_core.media.stand_ins import here

_WORTH_TELLING_S = Fraction(1, 10)
_NEAR_END_S = Fraction(1, 2)
_WAVES = (b"RIFF", b"RF64", b"BW64")
_UNKNOWN = (0, 0xFFFFFFFF)
"""Sizes in a WAV file that was written to a pipe, or has its size elsewhere."""
_MOST_CHUNKS = 256
_INDEXED = ("flac", "mov,mp4,m4a,3gp,3g2,mj2")
_LOOKED_AT_S = 2


@dataclass(frozen=True)
class Shortfall:
    """What is missing at the end of a file.

    Attributes:
        found_s: seconds of sound that are there.
        promised_s: seconds that its headers speak of.
    """

    found_s: Fraction
    promised_s: Fraction

    def felt(self, end_s: Fraction | float) -> bool:
        """Whether somebody who reads up to `end_s` may have wanted more."""
        return end_s > self.found_s - _NEAR_END_S

    def told(self, name: str) -> str:
        """A sentence about the file `name`, for the editor."""
        return (
            f"{name} is cut short: {float(self.found_s):.1f} s of the "
            f"{float(self.promised_s):.1f} s it promises are there. Copy or export it again if "
            "the rest is wanted."
        )


def cut_short(path: str | Path, stream: int = 0) -> Shortfall | None:
    """What is missing at the end of a sound file; None where nothing is known to be.

    Args:
        path: the file; where it cannot be read, whoever reads its sound says so.
        stream: which of its audio streams, from 0.
    """
    try:
        with open(here(path), "rb") as file:
            kind = file.read(4)
            lengths = _of_wave(file) if kind in _WAVES else None
        if kind not in _WAVES:
            lengths = _of_index(path, stream)
    except (OSError, ValueError, MediaError):
        return None
    if lengths is None or lengths[1] - lengths[0] < _WORTH_TELLING_S:
        return None
    return Shortfall(*lengths)


def _of_wave(file: BinaryIO) -> tuple[Fraction, Fraction] | None:
    """Seconds found and promised; None where the header does not say."""
    size = file.seek(0, os.SEEK_END)
    at, bytes_a_second, wide = 12, 0, 0
    for _ in range(_MOST_CHUNKS):
        file.seek(at)
        head = file.read(8)
        if len(head) < 8:
            return None
        name, length = struct.unpack("<4sI", head)
        if name == b"ds64":
            given = file.read(16)
            wide = struct.unpack("<8xQ", given)[0] if len(given) == 16 else 0
        elif name == b"fmt ":
            given = file.read(12)
            bytes_a_second = struct.unpack("<8xI", given)[0] if len(given) == 12 else 0
        elif name == b"data":
            promised = wide if length in _UNKNOWN else length
            if not (bytes_a_second and promised):
                return None
            there = min(promised, size - at - 8)
            return Fraction(there, bytes_a_second), Fraction(promised, bytes_a_second)
        at += 8 + length + length % 2
    return None


def _of_index(path: str | Path, stream: int) -> tuple[Fraction, Fraction] | None:
    with _open.open_media(path) as container:
        streams = _open.sound_streams(container)
        if container.format.name not in _INDEXED or not 0 <= stream < len(streams):
            return None
        promised = _seconds(streams[stream], streams[stream].duration)
        if not promised:
            return None
        found = _end(container, streams[stream], promised - _LOOKED_AT_S)
    if not found:
        with _open.open_media(path) as container:
            found = _end(container, _open.sound_streams(container)[stream], Fraction(0))
    return min(found, promised), promised


def _end(container: InputContainer, stream: AudioStream, start_s: Fraction) -> Fraction:
    """Seconds from the stream's begin to the end of its last packet; 0 where none comes."""
    begin, last = stream.start_time or 0, stream.start_time or 0
    try:
        if start_s > 0 and stream.time_base:
            container.seek(begin + int(start_s / stream.time_base), stream=stream)
        for packet in container.demux(stream):
            if packet.pts is not None:
                last = max(last, packet.pts + (packet.duration or 0))
    except _open.DecodeError:
        # That is how some files end too early.
        pass
    return _seconds(stream, last - begin)


def _seconds(stream: AudioStream, ticks: int | None) -> Fraction:
    return (ticks or 0) * (stream.time_base or Fraction(0))
