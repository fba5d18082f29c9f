"""Sounds and what is said of them in webdataset tars: KEY.mp4 and KEY.json beside each other.

A tar holds clips of one side of the split and is closed when it is large. What is a part of a
longer file is cut out first, as 24-bit WAV.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

from musiscene_core.errors import EngineError, MediaError, OutputError
from musiscene_core.media import probe, read_audio, to_int24, write_wav
from musiscene_core.progress import Progress, silent
from musiscene_training.members import media_file
from musiscene_training.vacad.clips import Work

_RATE = 48_000


class Sample(NamedTuple):
    """A clip as it goes into a tar.

    Attributes:
        work: the clip and what was made of it.
        told: of it, as JSON.
        place: where it lies in a tar of before, relative to the build; empty where it does not.
    """

    work: Work
    told: dict[str, Any]
    place: str = ""


def pack(
    samples: Sequence[Sample],
    build: Path,
    stem: str,
    most_bytes: int,
    progress: Progress = silent,
) -> dict[str, str]:
    """Write tars; returns where each clip's sound lies, relative to the build, by id.

    Args:
        samples: of one side.
        build: the build's folder; tars go to its media/.
        stem: of the tars' names.
        most_bytes: a tar is closed when it is larger.
        progress: hears how far it is.

    Raises:
        OutputError: no space or no permission; tars are whole or not there.
        MediaError: a file went missing since it was described.
    """
    found: dict[str, str] = {}
    done = number = 0
    while done < len(samples):
        name = f"{stem}-{number:06d}.tar"
        with _written(build / "media" / name) as tar:
            while done < len(samples) and tar.size < most_bytes:
                progress("Packing sounds", done / len(samples))
                work, told, _ = samples[done]
                ending, data = _sound(samples[done], build)
                key = work.clip.key
                tar.write({"__key__": key, ending: data, "json": json.dumps(told).encode()})
                found[work.clip.id] = f"media/{name}/{key}.{ending}"
                done += 1
        number += 1
    return found


class _Counting:
    """A webdataset writer that knows how much it wrote."""

    def __init__(self, writer: Any) -> None:
        self._writer = writer
        self.size = 0

    def write(self, sample: dict[str, Any]) -> None:
        """Put a sample into the tar."""
        self.size += int(self._writer.write(sample))


@contextmanager
def _written(path: Path) -> Iterator[_Counting]:
    try:
        from webdataset import TarWriter
    except ImportError as error:
        raise EngineError(
            "Tars are written by the package webdataset, which is not installed.",
            hint="Run: pip install 'musiscene[train]', or give --media files.",
        ) from error
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                # The same clips give the same bytes, whoever packs them and when.
                writer = TarWriter(file, user="nobody", group="nobody", mtime=0, encoder=False)
                yield _Counting(writer)
                writer.close()
                file.flush()
                os.fsync(file.fileno())
            os.chmod(name, 0o644)
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise OutputError.from_os(error, path) from error


def _sound(sample: Sample, build: Path) -> tuple[str, bytes]:
    path = build / sample.work.text("fetch")
    sound = sample.work.clip.sound
    try:
        if sample.place and not path.exists():
            with media_file(build / sample.place) as copy:
                return copy.suffix.lstrip("."), copy.read_bytes()
        if sound is not None and not sound.is_whole:
            return "wav", _cut(path, sound.start_s, sound.end_s)
        return path.suffix.lstrip(".").lower() or "media", path.read_bytes()
    except OSError as error:
        raise MediaError(
            f"{path} cannot be read: {error.strerror}.", hint="Put it back and run again."
        ) from error


def _cut(path: Path, start_s: float, end_s: float | None) -> bytes:
    found = probe(path)
    if not found.audio:
        raise MediaError(f"{path} has no sound any more.", hint="Put it back and run again.")
    end = Fraction(end_s) if end_s is not None else found.audio[0].duration or found.duration
    channels = min(2, found.audio[0].channels)
    sound = read_audio(path, Fraction(start_s), end, sample_rate=_RATE, channels=channels)
    with tempfile.TemporaryDirectory(prefix="musiscene-") as folder:
        cut = Path(folder) / "cut.wav"
        write_wav(cut, to_int24(sound))
        return cut.read_bytes()
