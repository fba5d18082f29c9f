"""Test media made on the spot with PyAV: movies whose every frame carries its number, and clicks.

Nothing here knows how MusiScene reads media.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

BITS = 12
WIDTH, HEIGHT = 192, 64
_CELL = WIDTH // BITS


def numbered(number: int, width: int = WIDTH, height: int = HEIGHT) -> NDArray[np.uint8]:
    """A picture [H, W, 3] (RGB) whose columns, white or black, spell `number` in binary.

    The top half is red where a column is white, so that up and down can be told apart.
    """
    bits = [(number >> bit) & 1 for bit in range(BITS)]
    columns = np.repeat(np.array(bits, np.uint8) * 255, _CELL)
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    image[:, :, 0] = columns
    image[HEIGHT // 2 :, :, 1:] = columns[:, None]
    rows = np.arange(height) * HEIGHT // height
    across = np.arange(width) * WIDTH // width
    return np.ascontiguousarray(image[rows][:, across])


def number_in(image: NDArray[np.uint8]) -> int:
    """The number that a picture made by `numbered` shows, whatever its size; BGR."""
    red = image[:, :, 2].astype(float).mean(axis=0)
    cells = np.array_split(red, BITS)
    middles = [cell[len(cell) // 4 : -(len(cell) // 4) or None].mean() for cell in cells]
    return sum(1 << bit for bit, level in enumerate(middles) if level > 100)


def click(length: int, at: int, channels: int = 1) -> NDArray[np.float32]:
    """Silence [C, length] with one sample of 0.5 at `at`."""
    samples = np.zeros((channels, length), np.float32)
    samples[:, at] = 0.5
    return samples


def tone(length: int, hertz: float, rate: int = 48_000, channels: int = 1) -> NDArray[np.float32]:
    """A sine of amplitude 0.25 as [C, length]."""
    wave = 0.25 * np.sin(2 * np.pi * hertz * np.arange(length) / rate)
    return np.tile(wave.astype(np.float32), (channels, 1))


def make_movie(
    path: Path,
    *,
    frames: int = 50,
    rate: Fraction | int = 25,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    size: tuple[int, int] = (WIDTH, HEIGHT),
    gop: int = 12,
    b_frames: int = 2,
    times: Sequence[Fraction] | None = None,
    delay: Fraction = Fraction(0),
    rotation: int = 0,
    pixel_aspect: Fraction | None = None,
    timecode: str = "",
    sounds: Sequence[NDArray[np.float32]] = (),
    sound_codec: str = "aac",
    sound_rate: int = 48_000,
    sound_delay: Fraction = Fraction(0),
    options: dict[str, str] | None = None,
) -> Path:
    """A movie of numbered frames.

    Args:
        path: its ending chooses the container.
        frames: how many.
        rate: frames a second of a constant rate.
        codec: video codec.
        pixels: pixel format.
        size: width and height.
        gop: frames from keyframe to keyframe.
        b_frames: between references.
        times: seconds at which each frame begins (a variable rate), in place of `rate`.
        delay: seconds by which the picture begins later.
        rotation: clockwise turn in degrees that players are asked for.
        pixel_aspect: width of a pixel by its height.
        timecode: of the first frame.
        sounds: one array [C, N] per audio stream.
        sound_codec: of all of them.
        sound_rate: of all of them.
        sound_delay: seconds by which the sound begins later.
        options: of the container.
    """
    rate = Fraction(rate)
    with av.open(str(path), "w", options=options or {}) as container:
        stream = container.add_stream(codec, rate=rate)
        stream.width, stream.height = size
        stream.pix_fmt = pixels
        context = stream.codec_context
        context.gop_size, context.max_b_frames = gop, b_frames
        if codec == "libx264":
            context.options = {"preset": "ultrafast", "bf": str(b_frames), "g": str(gop)}
            context.options |= {"x264-params": "scenecut=0"}
        if pixel_aspect is not None:
            context.sample_aspect_ratio = pixel_aspect
        if rotation:
            stream.set_display_rotation(float(-rotation))
        if timecode:
            stream.metadata["timecode"] = timecode
        tick = Fraction(1, 90_000) if times is not None or delay else 1 / rate
        context.time_base = tick
        sounding = [
            container.add_stream(
                sound_codec, rate=sound_rate, layout={1: "mono", 2: "stereo", 6: "5.1"}[len(sound)]
            )
            for sound in sounds
        ]
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(numbered(number, *size), format="rgb24")
            frame = frame.reformat(format=pixels)
            begins = times[number] if times is not None else number / rate
            frame.pts = round((begins + delay) / tick)
            frame.time_base = tick
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        for sound, audio in zip(sounds, sounding, strict=True):
            _encode_sound(container, audio, sound, sound_rate, sound_delay)
    return path


def make_sound(
    path: Path,
    samples: NDArray[np.float32],
    *,
    rate: int = 48_000,
    codec: str = "pcm_s24le",
    layout: str = "",
) -> Path:
    """A sound file of samples [C, N]."""
    names = {1: "mono", 2: "stereo", 6: "5.1"}
    with av.open(str(path), "w") as container:
        audio = container.add_stream(codec, rate=rate, layout=layout or names[len(samples)])
        _encode_sound(container, audio, samples, rate, Fraction(0))
    return path


def make_still(path: Path, number: int, size: tuple[int, int] = (WIDTH, HEIGHT)) -> Path:
    """An image file; its ending chooses the format."""
    kinds = {
        ".png": ("png", "rgb24"),
        ".jpg": ("mjpeg", "yuvj444p"),
        ".tiff": ("tiff", "rgb24"),
        ".bmp": ("bmp", "bgr24"),
        ".dpx": ("dpx", "rgb24"),
        ".exr": ("exr", "gbrpf32le"),
        ".webp": ("libwebp", "yuv420p"),
    }
    codec, pixels = kinds[path.suffix]
    context = av.CodecContext.create(codec, "w")
    context.width, context.height, context.pix_fmt = *size, pixels
    context.time_base = Fraction(1, 25)
    frame = av.VideoFrame.from_ndarray(numbered(number, *size), format="rgb24")
    frame = frame.reformat(format=pixels)
    frame.pts = 0
    packets = [*context.encode(frame), *context.encode(None)]
    path.write_bytes(b"".join(bytes(packet) for packet in packets))
    return path


def trim_by_edit_list(path: Path, source: Path, cut: Fraction) -> Path:
    """A copy of a movie whose first `cut` seconds are in the file but hidden by its edit list."""
    with av.open(str(source)) as read, av.open(str(path), "w") as written:
        streams = {s.index: written.add_stream_from_template(s) for s in read.streams}
        for packet in read.demux():
            if packet.dts is None:
                continue
            shift = round(cut / packet.time_base)
            packet.pts -= shift
            packet.dts -= shift
            packet.stream = streams[packet.stream_index]
            written.mux(packet)
    return path


def _encode_sound(
    container: av.container.OutputContainer,
    audio: av.audio.stream.AudioStream,
    samples: NDArray[np.float32],
    rate: int,
    delay: Fraction,
) -> None:
    context = audio.codec_context
    kind = context.format.name
    resampler = av.AudioResampler(format=kind, layout=context.layout, rate=rate)
    size = 1024
    for start in range(0, samples.shape[1], size):
        part = np.ascontiguousarray(samples[:, start : start + size], np.float32)
        frame = av.AudioFrame.from_ndarray(part, format="fltp", layout=context.layout.name)
        frame.sample_rate = rate
        frame.time_base = Fraction(1, rate)
        frame.pts = start + round(delay * rate)
        for converted in resampler.resample(frame):
            container.mux(audio.encode(converted))
    container.mux(audio.encode(None))
