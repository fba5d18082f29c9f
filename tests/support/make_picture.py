"""Test pictures with known movement, colour and cuts, written with PyAV.

Nothing here knows how MusiScene watches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from musiscene_core.ranges import FrameRange, SourceMapping
from musiscene_core.timecode import FrameRate
from musiscene_core.timeline import MediaReference, TimelineClip, TimelineRange

Image = NDArray[np.uint8]
Scene = Callable[[int], Image]
WIDTH, HEIGHT = 256, 144


def texture(seed: int, width: int = WIDTH, height: int = HEIGHT) -> Image:
    """A picture [H, W, 3] (RGB) of soft blobs in colours of its own."""
    rng = np.random.default_rng(seed)
    tint = rng.uniform(60, 190, 3)
    blobs = rng.normal(0, 1, (height // 16 + 2, width // 16 + 2, 1)) * rng.uniform(25, 45)
    blobs = blobs + rng.normal(0, 12, (height // 16 + 2, width // 16 + 2, 3))
    large = cv2.resize(blobs, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(large + tint, 0, 255).astype(np.uint8)


def panning(seed: int, pixels_a_frame: float = 1.0) -> Scene:
    """A camera that moves sideways over a texture."""
    wide = texture(seed, WIDTH * 4)

    def at(frame: int) -> Image:
        left = (frame * pixels_a_frame) % (WIDTH * 3)
        shift = np.float32([[1, 0, -left], [0, 1, 0]])
        return np.asarray(cv2.warpAffine(wide, shift, (WIDTH, HEIGHT)), np.uint8)

    return at


def flat(red: int, green: int, blue: int) -> Scene:
    """One colour."""
    return lambda frame: np.full((HEIGHT, WIDTH, 3), (red, green, blue), np.uint8)


def square(pixels_a_frame: float) -> Scene:
    """A textured square that crosses a gray picture."""
    patch = texture(99, 64, 64)

    def at(frame: int) -> Image:
        picture = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
        left = round(frame * pixels_a_frame) % (WIDTH - 64)
        picture[40:104, left : left + 64] = patch
        return picture

    return at


def shots(*parts: tuple[Scene, int]) -> list[Image]:
    """Frames of scenes cut together, each (scene, how many frames)."""
    return [scene(frame) for scene, count in parts for frame in range(count)]


def mixed(old: Image, new: Image, share: float) -> Image:
    """A blend: `share` of `new`."""
    return np.asarray(cv2.addWeighted(old, 1 - share, new, share, 0), np.uint8)


def write_movie(
    path: Path,
    images: Iterable[Image],
    rate: Fraction | int = 24,
    *,
    times: Sequence[Fraction] | None = None,
    crf: int = 18,
) -> Path:
    """A movie of `images` at a constant `rate`, or beginning at `times` (seconds)."""
    rate = Fraction(rate)
    tick = 1 / rate if times is None else Fraction(1, 90_000)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.time_base = tick
        stream.codec_context.options = {"preset": "ultrafast", "crf": str(crf), "g": "24"}
        for number, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
            begins = number / rate if times is None else times[number]
            frame.pts, frame.time_base = round(begins / tick), tick
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def clip_of(
    path: Path,
    record: tuple[int, int],
    rate: str | Fraction = "24",
    *,
    source_start: int = 0,
    source_rate: str | Fraction | None = None,
    speed: Fraction | int = 1,
    track: int = 0,
    name: str = "",
) -> TimelineClip:
    """A picture clip over the record frames `record`."""
    exact = FrameRate.parse(rate)
    speed = Fraction(speed)
    return TimelineClip(
        name=name or path.stem,
        media=MediaReference(path=str(path), name=path.name),
        track_index=track,
        mapping=SourceMapping(
            record=FrameRange(*record),
            record_rate=exact,
            source_start=source_start,
            source_rate=FrameRate.parse(source_rate) if source_rate else exact,
            speed_numerator=speed.numerator,
            speed_denominator=speed.denominator,
        ),
    )


def range_of(
    *clips: TimelineClip, rate: str | Fraction = "24", record: tuple[int, int]
) -> TimelineRange:
    """The range over `record` with these clips."""
    return TimelineRange(
        cue="test", rate=FrameRate.parse(rate), record=FrameRange(*record), clips=clips
    )


def whole(path: Path, frames: int, rate: str | Fraction = "24") -> TimelineRange:
    """A timeline of one movie from its first frame."""
    return range_of(clip_of(path, (0, frames), rate), rate=rate, record=(0, frames))
