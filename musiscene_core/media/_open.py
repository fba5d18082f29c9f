"""Opening a media file that may be anything, and saying what is wrong with it.

FFmpeg chooses a reader by a file's content, and some readers (playlists, image sequences, text)
open further files. So only readers of self-contained formats are let in, only the `file` protocol,
and images are recognised here by their first bytes, never by their name.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from musiscene_core.errors import MediaError, MediaOfflineError
from musiscene_core.media.stand_ins import here

CONTAINERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mxf,flv,asf,dv,gif,"
    "wav,w64,aiff,flac,mp3,aac,ac3,eac3,ogg,caf,wv,"
    "png_pipe,jpeg_pipe,tiff_pipe,webp_pipe,bmp_pipe,exr_pipe,dpx_pipe"
)
"""FFmpeg's names of the readers that open nothing but the file they are given."""

MAX_PIXELS = 1 << 27
"""Pixels of the largest picture decoded (16k by 8k); a few bytes of file can claim far more."""

_OPEN_TIMEOUT = 30.0
_READ_TIMEOUT = 30.0
_STILL_BRANDS = ("avif", "heic", "heix", "mif1", "miaf")
_IMAGE_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "png_pipe"),
    (b"\xff\xd8\xff", "jpeg_pipe"),
    (b"II*\x00", "tiff_pipe"),
    (b"MM\x00*", "tiff_pipe"),
    (b"BM", "bmp_pipe"),
    (b"\x76\x2f\x31\x01", "exr_pipe"),
    (b"SDPX", "dpx_pipe"),
    (b"XPDS", "dpx_pipe"),
)

DecodeError = (av.FFmpegError, ValueError)
"""What PyAV raises on damaged data; ValueError for values it has no name for."""


def unreadable(path: str, why: str = "") -> MediaError:
    """The error for a file that is there but cannot be decoded; `why` is FFmpeg's word for it."""
    reason = f" ({why})" if why else ""
    return MediaError(
        f"{path} cannot be read{reason}: it is damaged, cut short, or no media file.",
        hint="Check that it plays elsewhere; export or copy it again.",
    )


@contextmanager
def open_media(path: str | Path) -> Iterator[InputContainer]:
    """The container of a media file, closed at the end.

    Raises:
        MediaOfflineError: no such file.
        MediaError: a folder, no permission, empty, damaged, or not a format we read.
    """
    place = here(path)
    # A copy goes by the name of what it stands in for, which may be another system's.
    name = os.path.abspath(path) if place == os.fspath(path) else os.fspath(path)
    place = os.path.abspath(place)
    image = _image_reader(name, place)
    try:
        container = av.open(
            f"file:{place}",
            format=image,
            container_options={"format_whitelist": CONTAINERS, "protocol_whitelist": "file"},
            metadata_errors="replace",
            timeout=(_OPEN_TIMEOUT, _READ_TIMEOUT),
        )
    except DecodeError as error:
        raise unreadable(name, _reason(error)) from error
    try:
        if not (picture_stream(container) or sound_streams(container)):
            raise MediaError(
                f"{name} has neither picture nor sound.", hint="Choose a movie, sound or image."
            )
        yield container
    finally:
        container.close()


def picture_stream(container: InputContainer) -> VideoStream | None:
    """The stream of moving or still picture; cover art is none."""
    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic and stream.codec_context is not None:
            stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
            return stream
    return None


def sound_streams(container: InputContainer) -> tuple[AudioStream, ...]:
    """The streams of sound that we have a decoder for, in the file's order."""
    return tuple(s for s in container.streams.audio if s.codec_context is not None)


def is_still(container: InputContainer) -> bool:
    """Whether the file is one image rather than a movie."""
    if container.format.name.endswith("_pipe"):
        return True
    return container.metadata.get("major_brand", "").strip() in _STILL_BRANDS


def origin(container: InputContainer) -> Fraction:
    """The container's time that we call 0: its first frame, or its first sound without picture."""
    picture = picture_stream(container)
    if picture is not None:
        return stream_start(picture)
    return min((stream_start(s) for s in sound_streams(container)), default=Fraction(0))


def stream_start(stream: Stream) -> Fraction:
    """The container's time at which a stream is first seen or heard, in seconds."""
    if stream.start_time is None or stream.time_base is None:
        return Fraction(0)
    return stream.start_time * stream.time_base


def _reason(error: BaseException) -> str:
    text = error.strerror if isinstance(error, av.FFmpegError) and error.strerror else str(error)
    return text.strip().rstrip(".").splitlines()[0] if text.strip() else type(error).__name__


def _image_reader(name: str, place: str) -> str | None:
    """FFmpeg's reader for an image file by its first bytes; None for everything else.

    The file called `name` lies at `place`.

    Raises:
        MediaOfflineError: no such file.
        MediaError: not an ordinary file, empty, or no permission.
    """
    try:
        status = os.stat(place)
        if stat.S_ISDIR(status.st_mode):
            raise MediaError(f"{name} is a folder.", hint="Choose a media file in it.")
        if not stat.S_ISREG(status.st_mode):
            raise MediaError(f"{name} is not an ordinary file.", hint="Choose a media file.")
        if status.st_size == 0:
            raise MediaError(f"{name} is empty.", hint="Export or copy it again.")
        with open(place, "rb") as file:
            head = file.read(16)
    except (FileNotFoundError, NotADirectoryError):
        raise MediaOfflineError(
            f"{name} is not there.", hint="Bring the media online or relink it, then try again."
        ) from None
    except PermissionError:
        raise MediaError(
            f"{name} may not be read.", hint="Give yourself permission to read it."
        ) from None
    except (OSError, ValueError) as error:
        raise MediaError(f"{name} cannot be opened: {error}.", hint="Check the path.") from error
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp_pipe"
    for signature, reader in _IMAGE_SIGNATURES:
        if head.startswith(signature):
            return reader
    return None
