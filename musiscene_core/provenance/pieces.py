"""Where a piece of sound that says nothing comes from: looked for in the takes that are still here.

Cut by a program that drops what it does not know, a file has neither statement nor samples that a
ledger names; but its samples lie, as they are, somewhere in a take.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from musiscene_core.errors import MediaError
from musiscene_core.library.folders import TAKES
from musiscene_core.provenance.riff import Wav, content, read_wav

_LOOKED_S = 20.0
_PROBE_FRAMES = 512
_PLACES = (0.5, 0.25, 0.75, 0.05, 0.95)
"""Where probes are taken: the ends are what fades change."""
_VARIED = 64
"""Different bytes that a probe must have: silence is everywhere."""
_BLOCK = 1 << 23


class Piece(NamedTuple):
    """Where the same samples lie.

    Attributes:
        file: of a take.
        file_s: where they lie in it, in seconds.
        own_s: where they lie in the file that was asked about.
    """

    file: Path
    file_s: float
    own_s: float


def find_piece(path: Path, wav: Wav, library: Path) -> Piece | None:
    """Where in the takes of `library` samples of the WAV file at `path` lie; None where nowhere.

    Looks for twenty seconds at most, at the youngest takes first.

    Raises:
        MediaError: the file cannot be read.
    """
    form = _form(path, wav)
    if form is None:
        return None
    probes = list(_probes(path, wav, form.frame_bytes))
    until = time.monotonic() + _LOOKED_S
    for file in _files(library / TAKES) if probes else ():
        if time.monotonic() > until:
            return None
        try:
            other = read_wav(file)
            if _form(file, other) != form or file.samefile(path):
                continue
            found = _found(file, other, probes, form.frame_bytes)
        except (MediaError, OSError):
            continue
        if found is not None:
            begin, own = found
            return Piece(file, begin / form.second_bytes, own / form.second_bytes)
    return None


class _Form(NamedTuple):
    kind: bytes
    frame_bytes: int
    second_bytes: int


def _form(path: Path, wav: Wav) -> _Form | None:
    for chunk in wav.find(b"fmt "):
        told = content(path, chunk)
        if len(told) >= 16:
            frame = int.from_bytes(told[12:14], "little")
            rate = int.from_bytes(told[4:8], "little")
            # WAVE_FORMAT_EXTENSIBLE is the same samples with more said of them.
            return _Form(told[14:16], frame, frame * rate) if frame and rate else None
    return None


def _probes(path: Path, wav: Wav, frame: int) -> Iterator[tuple[int, bytes]]:
    """Places in the samples, and what lies there."""
    length = _PROBE_FRAMES * frame
    room = wav.data.length - length
    if room < 0:
        return
    try:
        with open(path, "rb") as file:
            for share in _PLACES:
                at = int(room * share) // frame * frame
                file.seek(wav.data.begin + at)
                data = file.read(length)
                if len(data) == length and len(set(data)) >= _VARIED:
                    yield at, data
    except OSError as error:
        raise MediaError(f"{path} cannot be read: {error.strerror}.") from error


def _files(takes: Path) -> Iterator[Path]:
    try:
        jobs = sorted(os.scandir(takes), key=lambda entry: -entry.stat().st_mtime)
    except OSError:
        return
    for job in jobs:
        if job.is_dir(follow_symlinks=False):
            yield from sorted(Path(job.path).rglob("*.wav"))


def _found(
    path: Path, wav: Wav, probes: list[tuple[int, bytes]], frame: int
) -> tuple[int, int] | None:
    with open(path, "rb") as file:
        file.seek(wav.data.begin)
        before = b""
        at = 0
        while block := file.read(min(_BLOCK, wav.data.length - at)):
            held = before + block
            for own, probe in probes:
                begin = _aligned(held, probe, at - len(before), frame)
                if begin is not None:
                    return begin, own
            at += len(block)
            before = held[-len(probes[0][1]) :]
    return None


def _aligned(held: bytes, probe: bytes, offset: int, frame: int) -> int | None:
    """Where `probe` begins a frame in `held`, which lies `offset` bytes into the samples."""
    at = held.find(probe)
    while at >= 0:
        if (offset + at) % frame == 0:
            return offset + at
        at = held.find(probe, at + 1)
    return None
