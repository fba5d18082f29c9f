"""The ffmpeg filter graph of a preview: every clip cut to whole frames, scaled and joined."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from musiscene_core.media import _open
from musiscene_core.media._decode import decoded_from
from musiscene_core.media.probe import MediaInfo
from musiscene_core.timecode import FrameRate

_WIDE = Fraction(16, 9)
_RUN_UP = Fraction(1)
"""Seconds before a keyframe to aim at: searching MPEG-TS for a keyframe itself misses it."""

_DECODER_THREADS = 2


@dataclass(frozen=True)
class PictureSegment:
    """A stretch of picture in the preview; segments follow each other without gaps.

    Attributes:
        path: of a movie or image; None for black.
        source_start: file time in seconds shown first.
        length: seconds; rounded so that segments begin and end on frames of the preview.
    """

    path: str | Path | None
    source_start: Fraction
    length: Fraction


def preview_graph(
    picture: Sequence[PictureSegment],
    cuts: Sequence[int],
    infos: dict[str, MediaInfo],
    rate: FrameRate,
    height: int,
    mix: Path,
    partial: Path,
) -> Any:
    """The ffmpeg-python output node that writes the preview.

    Args:
        picture: the segments.
        cuts: the preview's frame at which each begins, and at last its length.
        infos: what the files of the segments hold, by path.
        rate: frames a second of the preview.
        height: of the preview in pixels.
        mix: WAV file of its sound.
        partial: the .mp4 to write.
    """
    import ffmpeg

    height = _even(Fraction(height))
    shape = next((_shape(infos[str(s.path)]) for s in picture if s.path is not None), _WIDE)
    frame = (_even(height * shape), height)
    clips = [
        _clip(segment, last - first, infos, rate, frame)
        for segment, first, last in zip(picture, cuts, cuts[1:], strict=False)
        if last > first
    ]
    video = ffmpeg.concat(*clips, v=1, a=0) if len(clips) > 1 else clips[0]
    # Joining counts in microseconds; whole frames again.
    video = video.filter("settb", f"{rate.denominator}/{rate.numerator}").filter("setpts", "N")
    return ffmpeg.output(
        video,
        ffmpeg.input(f"file:{mix}", f="wav").audio,
        f"file:{os.path.abspath(partial)}",
        r=f"{rate.numerator}/{rate.denominator}",
        vcodec="libx264",
        preset="veryfast",
        crf=21,
        pix_fmt="yuv420p",
        acodec="aac",
        audio_bitrate="192k",
        video_track_timescale=_timescale(rate),
        movflags="+faststart",
    ).global_args("-copyts", "-hide_banner", "-loglevel", "error")


def _clip(
    segment: PictureSegment,
    frames: int,
    infos: dict[str, MediaInfo],
    rate: FrameRate,
    size: tuple[int, int],
) -> Any:
    """`frames` frames of one segment from time 0, scaled into the preview's `size`."""
    import ffmpeg

    width, height = size
    fps = f"{rate.numerator}/{rate.denominator}"
    if segment.path is None:
        stream = ffmpeg.input(f"color=black:s={width}x{height}:r={fps}", f="lavfi").video
    else:
        info = infos[str(segment.path)]
        shape = _shape(info)
        across, down = min(width, _even(height * shape)), min(height, _even(width / shape))
        stream = _source(segment, info)
        stream = stream.filter("fps", fps=fps, start_time=0, round="near")
        stream = stream.filter("scale", across, down, flags="area").filter("setsar", 1)
        stream = stream.filter("pad", width, height, "(ow-iw)/2", "(oh-ih)/2")
        stream = stream.filter("tpad", stop=-1, stop_mode="clone")
    stream = stream.filter("format", "yuv420p").filter("setsar", 1)
    return stream.filter("trim", end_frame=frames).filter("setpts", "N")


def _source(segment: PictureSegment, info: MediaInfo) -> Any:
    """The segment's picture, with the instant shown first at time 0."""
    import ffmpeg

    path = os.path.abspath(segment.path or "")
    options: dict[str, Any] = {
        "protocol_whitelist": "file",
        "format_whitelist": _open.CONTAINERS,
        "threads": _DECODER_THREADS,
    }
    if info.is_still:
        if info.format.endswith("_pipe"):
            options["f"] = info.format
        return ffmpeg.input(f"file:{path}", **options).video.filter("setpts", "PTS-STARTPTS")
    index, wanted, seek = _entry(path, segment.source_start)
    if seek > 0:
        # Times stay the file's own (-copyts): what ffmpeg would count from differs by version.
        options |= {"ss": f"{float(seek):.6f}", "noaccurate_seek": None}
    source = ffmpeg.input(f"file:{path}", **options)
    return source[str(index)].filter("setpts", f"PTS-({float(wanted):.6f})/TB")


def _entry(path: str, start: Fraction) -> tuple[int, Fraction, Fraction]:
    """How ffmpeg comes to show file time `start` of a movie.

    Returns:
        The picture's stream index; the container's own time of `start`; how far to seek so that
        the keyframe before it is met (0 or less: not at all).
    """
    with _open.open_media(path) as container:
        stream = _open.picture_stream(container)
        if stream is None or stream.time_base is None:
            raise _open.unreadable(path)
        begin = Fraction(container.start_time or 0, av.time_base)
        wanted = start + _open.origin(container)
        timestamp = math.floor(wanted / stream.time_base)
        keyframe = next(decoded_from(container, stream, timestamp, lambda t: t <= timestamp), None)
        if keyframe is None:
            raise _open.unreadable(path)
        seek = (keyframe.pts or 0) * stream.time_base - begin - _RUN_UP
        return stream.index, wanted, seek


def _even(length: Fraction) -> int:
    return max(2, 2 * round(length / 2))


def _shape(info: MediaInfo) -> Fraction:
    assert info.video is not None
    return Fraction(info.video.width, info.video.height) * info.video.pixel_aspect


def _timescale(rate: FrameRate) -> int:
    return rate.numerator * max(1, 10_000 // rate.numerator)
