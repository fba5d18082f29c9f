"""What a media file holds: one look at its headers and its first frame."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.frame import VideoFrame as DecodedFrame
from av.video.stream import VideoStream

from musiscene_core.errors import MediaError
from musiscene_core.media import _open
from musiscene_core.media._decode import decoded
from musiscene_core.media._orientation import orientation_of
from musiscene_core.media._timing import measure
from musiscene_core.timecode import FrameRate


@dataclass(frozen=True)
class VideoInfo:
    """The picture of a file.

    Attributes:
        width: pixels across, after rotation.
        height: pixels down, after rotation.
        rate: frames a second: exact where constant, else the average.
        frame_count: frames shown; reckoned from duration and rate where the file has no index.
        rotation: clockwise turn already counted in width and height: 0, 90, 180 or 270 degrees.
        variable_rate: the frames are not evenly spaced.
        start_timecode: SMPTE timecode of the first frame as written in the file, "" if none.
        pixel_aspect: width of a pixel by its height as shown, after rotation.
    """

    width: int
    height: int
    rate: FrameRate
    frame_count: int
    rotation: int
    variable_rate: bool
    start_timecode: str
    pixel_aspect: Fraction = Fraction(1)


@dataclass(frozen=True)
class AudioInfo:
    """One audio stream.

    Attributes:
        index: its place among the file's audio streams.
        channels: how many.
        sample_rate: samples a second.
        duration: seconds of sound; 0 where the file does not say.
    """

    index: int
    channels: int
    sample_rate: int
    duration: Fraction


@dataclass(frozen=True)
class MediaInfo:
    """A media file.

    Attributes:
        path: as given.
        format: FFmpeg's name of the container.
        duration: seconds from file time 0 to the end of the picture, or of the longest sound where
            there is no moving picture; 0 for a still image.
        video: the picture, None where there is none; cover art is none.
        audio: the audio streams.
        is_still: the picture is one image.
    """

    path: str
    format: str
    duration: Fraction
    video: VideoInfo | None
    audio: tuple[AudioInfo, ...]
    is_still: bool


def probe(path: str | Path) -> MediaInfo:
    """Look at a media file.

    Raises:
        MediaOfflineError: no such file.
        MediaError: it cannot be read, or its picture cannot be decoded.
    """
    with _open.open_media(path) as container:
        origin = _open.origin(container)
        audio = tuple(
            _audio_info(number, stream, container)
            for number, stream in enumerate(_open.sound_streams(container))
        )
        still = _open.is_still(container)
        name = container.format.name
        picture = _open.picture_stream(container)
        timecode = _start_timecode(container)
        first = _first_frame(container, picture, path) if picture is not None else None
        aspect = picture.sample_aspect_ratio if picture is not None else None
    if first is None:
        sounding = max((one.duration for one in audio), default=Fraction(0))
        return MediaInfo(str(path), name, sounding, None, audio, False)
    with _open.open_media(path) as container:
        stream = _open.picture_stream(container)
        if stream is None:
            raise _open.unreadable(str(path))
        timing = measure(container, stream)
    if name == "gif" and timing.frame_count <= 1:
        still = True
    orientation = orientation_of(first)
    width, height = first.width, first.height
    aspect = aspect if aspect else Fraction(1)
    if orientation.swaps_sides:
        width, height, aspect = height, width, 1 / aspect
    video = VideoInfo(
        width,
        height,
        FrameRate.from_fraction(timing.rate),
        1 if still else timing.frame_count,
        orientation.degrees,
        timing.variable and not still,
        timecode,
        aspect,
    )
    duration = Fraction(0) if still else timing.duration + timing.start - origin
    return MediaInfo(str(path), name, duration, video, audio, still)


def _first_frame(container: InputContainer, stream: VideoStream, path: str | Path) -> DecodedFrame:
    frame = next(decoded(container, stream), None)
    if frame is None:
        raise MediaError(
            f"No frame of {path} can be decoded.", hint="Export or copy the file again."
        )
    return frame


def _audio_info(number: int, stream: AudioStream, container: InputContainer) -> AudioInfo:
    if stream.duration and stream.time_base:
        duration = stream.duration * stream.time_base
    else:
        total = Fraction(container.duration or 0, av.time_base)
        begin = Fraction(container.start_time or 0, av.time_base)
        duration = max(Fraction(0), total + begin - _open.stream_start(stream)) if total else total
    return AudioInfo(number, stream.channels, stream.sample_rate, duration)


def _start_timecode(container: InputContainer) -> str:
    places = (container.metadata, *(stream.metadata for stream in container.streams))
    return next((str(tags["timecode"]) for tags in places if tags.get("timecode")), "")
