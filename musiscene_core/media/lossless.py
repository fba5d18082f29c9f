"""Sound of any form as the 24-bit samples of a WAV file of ours, where nothing of them was lost.

FLAC, ALAC, AIFF and WAV files of other widths hold the same samples; whoever compares them must
not go by their bytes. What lossy forms decode to is no whole number of 24 bits, and is none here.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

from musiscene_core.errors import MediaError
from musiscene_core.media._open import DecodeError, open_media, sound_streams, unreadable

_FULL = 1 << 23


class SoundTold(NamedTuple):
    """What a sound file says.

    Attributes:
        codec: FFmpeg's name of how its first sound is written.
        tags: of the container and of the sound, together.
    """

    codec: str
    tags: dict[str, str]


def sound_told(path: Path) -> SoundTold:
    """How the sound at `path` is written, and its tags.

    Raises:
        MediaOfflineError: no such file.
        MediaError: no sound file that can be read.
    """
    with open_media(path) as container:
        streams = sound_streams(container)
        if not streams:
            raise MediaError(f"{path} has no sound.", hint="Name a sound file.")
        tags = {**container.metadata, **streams[0].metadata}
        return SoundTold(streams[0].codec_context.name, tags)


def pcm24_sha256(path: Path) -> str:
    """SHA-256 of the samples at `path` as packed 24-bit PCM, little-endian; empty where lossy.

    Raises:
        MediaOfflineError: no such file.
        MediaError: it cannot be decoded.
    """
    digest = hashlib.sha256()
    with open_media(path) as container:
        streams = sound_streams(container)
        if not streams:
            return ""
        try:
            for frame in container.decode(streams[0]):
                whole = _whole(frame)
                if whole is None:
                    return ""
                digest.update(whole.astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3].tobytes())
        except DecodeError as error:
            raise unreadable(str(path)) from error
    return digest.hexdigest()


def _whole(frame: AudioFrame) -> NDArray[np.int32] | None:
    """The samples of `frame`, channels in turn, as whole numbers of 24 bits; None where not so."""
    data: NDArray[Any] = frame.to_ndarray()
    flat = (data.T if frame.format.is_planar else data).reshape(-1)
    if flat.dtype == np.int16:
        return flat.astype(np.int32) << 8
    if flat.dtype == np.int32:
        return None if np.any(flat & 0xFF) else flat >> 8
    if flat.dtype.kind == "f":
        scaled = flat.astype(np.float64) * _FULL
        inside = (scaled >= -_FULL) & (scaled < _FULL)
        if np.all(inside) and np.array_equal(scaled, np.rint(scaled)):
            return scaled.astype(np.int32)
    return None
