"""Writes the film: H.264 and AAC in an MP4 that starts playing at once, by PyAV alone."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from demo_film.paint import Mask
from demo_film.story import FPS, HEIGHT, SAMPLE_RATE, WIDTH

CRF = 24
AUDIO_BITS = 96_000
_BLOCK = SAMPLE_RATE // FPS
"""Samples encoded beside each frame, so that sound and picture interleave."""


def write(path: Path, pictures: Iterable[Mask], mix: NDArray[np.float32]) -> None:
    """Encodes uint8 RGB frames [360, 640, 3] and a mix [2, samples] to `path`.

    One encoder thread, because the number of threads changes the bytes x264 writes.
    """
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as film:
        video = film.add_stream("libx264", rate=FPS)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        video.thread_count = 1
        video.options = {
            "crf": str(CRF),
            "preset": "slower",
            "x264-params": "aq-mode=3:aq-strength=0.9:deblock=1,0:keyint=120:threads=1",
        }
        context = video.codec_context
        context.color_range = 1
        context.colorspace = context.color_primaries = context.color_trc = 1
        audio = film.add_stream("aac", rate=SAMPLE_RATE, layout="stereo")
        audio.bit_rate = AUDIO_BITS
        for index, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            frame = frame.reformat(
                format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG"
            )
            frame.pts, frame.time_base = index, Fraction(1, FPS)
            film.mux(video.encode(frame))
            block = np.ascontiguousarray(mix[:, index * _BLOCK : (index + 1) * _BLOCK])
            sound = av.AudioFrame.from_ndarray(block, format="fltp", layout="stereo")
            sound.sample_rate, sound.pts = SAMPLE_RATE, index * _BLOCK
            sound.time_base = Fraction(1, SAMPLE_RATE)
            film.mux(audio.encode(sound))
        film.mux(video.encode(None))
        film.mux(audio.encode(None))
