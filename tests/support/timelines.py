"""Timelines, movies and takes on disk, small enough to make in a moment."""

from __future__ import annotations

import wave
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import opentimelineio as otio

from musiscene_core.cue import STEM_ROLES, HitResult
from musiscene_core.ranges import FrameRange
from musiscene_core.take import Provenance, Stem, Take
from musiscene_core.timecode import FrameRate
from musiscene_plugins.host import TakeInFolder


def time(value: float, rate: float) -> otio.opentime.RationalTime:
    return otio.opentime.RationalTime(value, rate)


def span(start: float, length: float, rate: float) -> otio.opentime.TimeRange:
    return otio.opentime.TimeRange(time(start, rate), time(length, rate))


def clip(
    name: str,
    length: float,
    rate: float,
    *,
    start: float = 0,
    media_start: float = 0,
    url: str | None = "",
) -> Any:
    """A clip of 10,000 frames of media; `url` "" makes one of the name, None leaves it missing."""
    media: Any = otio.schema.MissingReference()
    if url is not None:
        media = otio.schema.ExternalReference(url or f"/media/{name}.mov")
    media.available_range = span(media_start, 10_000, rate)
    return otio.schema.Clip(name, media, span(start, length, rate))


def gap(length: float, rate: float) -> Any:
    return otio.schema.Gap(source_range=span(0, length, rate))


def track(name: str, kind: str, *items: Any) -> Any:
    made = otio.schema.Track(name, kind=kind)
    made.extend(items)
    return made


def timeline(*tracks: Any, start: float = 0, rate: float = 24, name: str = "reel") -> Any:
    made = otio.schema.Timeline(name, global_start_time=time(start, rate))
    made.tracks.extend(tracks)
    return made


def saved(item: Any, path: Path) -> Path:
    path.write_text(otio.adapters.write_to_string(item, "otio_json"))
    return path


def scene_timeline(rate: float = 24, start: float = 86_400) -> Any:
    """Two shots with a gap, dialogue, temp track: 300 frames."""
    return timeline(
        track("V1", "Video", clip("a", 100, rate), gap(50, rate), clip("b", 150, rate)),
        track("DX", "Audio", gap(20, rate), clip("line", 60, rate)),
        track("Temp Music", "Audio", clip("temp", 90, rate)),
        start=start,
        rate=rate,
    )


def uneven_movie(path: Path, *, frames: int = 60) -> Path:
    """A silent movie of 64 x 48 whose frames come 20 and 60 ms apart by turns: 25 on average."""
    with av.open(str(path), "w") as container:
        picture = container.add_stream("mpeg4", rate=1000)
        picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
        for number in range(frames):
            shade = np.full((48, 64, 3), (number * 4) % 256, np.uint8)
            frame = av.VideoFrame.from_ndarray(shade)
            frame.time_base = Fraction(1, 1000)
            frame.pts = 40 * number + 20 * (number % 2)
            container.mux(picture.encode(frame))
        container.mux(picture.encode(None))
    return path


def small_movie(path: Path, *, frames: int = 48, fps: int | Fraction = 24) -> Path:
    """A movie of 64 x 48 with a mono tone."""
    with av.open(str(path), "w") as container:
        picture = container.add_stream("mpeg4", rate=fps)
        picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
        sound = container.add_stream("aac", rate=48_000, layout="mono")
        for number in range(frames):
            shade = np.full((48, 64, 3), (number * 5) % 256, np.uint8)
            container.mux(picture.encode(av.VideoFrame.from_ndarray(shade)))
        container.mux(picture.encode(None))
        tone = np.sin(np.arange(int(48_000 * frames / fps)) * 0.05).astype(np.float32)[None] * 0.1
        heard = av.AudioFrame.from_ndarray(tone, format="fltp", layout="mono")
        heard.sample_rate = 48_000
        container.mux(sound.encode(heard))
        container.mux(sound.encode(None))
    return path


def take_on_disk(
    folder: Path,
    *,
    rate: FrameRate,
    record: FrameRange,
    cue: str = "1m1",
    name: str = "take-1",
    hits: tuple[int, ...] = (),
    samples: int | None = None,
) -> TakeInFolder:
    """A take with its WAV files; `samples` shortens them where their sound does not matter."""
    home = folder / name
    (home / "stems").mkdir(parents=True)
    length = record.samples(rate)
    paths = {role: f"stems/{role}.wav" for role in STEM_ROLES}
    for path in ("mix.wav", *paths.values()):
        _silence(home / path, length if samples is None else samples)
    (home / "cue.mid").write_bytes(b"MThd")
    take = Take(
        name=name,
        cue=cue,
        rate=rate,
        record=record,
        length_samples=length,
        mix="mix.wav",
        stems=tuple(Stem(role=role, path=paths[role], peak_dbfs=-200.0) for role in STEM_ROLES),
        midi="cue.mid",
        hits=tuple(
            HitResult(frame=frame, kind="cut", label="", beat=0.0, error_ms=0.0, error_frames=0.0)
            for frame in hits
        ),
        loudness_lufs=-19.0,
        true_peak_dbtp=-3.0,
        provenance=Provenance(engine="composer", engine_version="1", seed=7, licence="CC0-1.0"),
    )
    return TakeInFolder(take, home)


def _silence(path: Path, samples: int) -> None:
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 3, 48_000, samples, "NONE", ""))
        file.writeframes(bytes(samples * 6))
