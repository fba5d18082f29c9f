"""A bare movie, or a bare sound file, as a timeline of one clip.

The timeline begins at 00:00:00:00 whatever start timecode the file carries, so an In of
00:00:04:00 is four seconds in. It runs at the movie's own rate (even an odd one such as 179/6);
a movie of variable rate, whose frames no timeline could name, gets the broadcast rate nearest to
its average. A sound file gets 24 unless told otherwise. The movie's first sound stream is heard
in full, as dialogue and music in one; further ones (A2, A3) only where the user gives them a role.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import opentimelineio as otio

from musiscene_core.errors import MediaError
from musiscene_core.media import MediaInfo, probe
from musiscene_core.ranges import FrameRange
from musiscene_core.timecode import FrameRate
from musiscene_core.timeline import Role
from musiscene_plugins.otio.document import OURS, Document
from musiscene_plugins.otio.exact_time import rational_time, time_range

SOUND_FILE_RATE = FrameRate(24)


def movie_document(path: Path, *, rate: FrameRate | None, roles: Mapping[str, Role]) -> Document:
    """A timeline of one clip over the movie or sound file at `path`.

    Raises:
        MediaError: not a movie or sound file, damaged, or without a length.
    """
    info = probe(path)
    exact = rate or _rate_of(info)
    frames = _length(info, exact)
    if info.is_still or frames < 1:
        raise MediaError(
            f"{path} has no length to score.", hint="Give a movie, a sound file or a timeline."
        )
    timeline = otio.schema.Timeline(path.stem)
    timeline.metadata[OURS] = {"rate": f"{exact.numerator}/{exact.denominator}"}
    float_rate = float(exact.fps)
    timeline.global_start_time = rational_time(0, float_rate)
    if info.video is not None:
        timeline.tracks.append(_track("V1", "Video", path, frames, float_rate, stream=0))
    for stream in range(len(info.audio)):
        label = f"A{stream + 1}"
        if stream == 0 or label.lower() in roles:
            timeline.tracks.append(_track(label, "Audio", path, frames, float_rate, stream=stream))
    return Document(
        path=path,
        root=timeline,
        timeline=timeline,
        rate=exact,
        float_rate=float_rate,
        record=FrameRange(0, frames),
        format="movie",
    )


def _rate_of(info: MediaInfo) -> FrameRate:
    if info.video is None:
        return SOUND_FILE_RATE
    return info.video.rate.nearest_broadcast() if info.video.variable_rate else info.video.rate


def _length(info: MediaInfo, rate: FrameRate) -> int:
    """Whole frames of `rate` in the picture, or in the sound where there is no picture."""
    video = info.video
    if video is not None and not video.variable_rate and rate.fps == video.rate.fps:
        return video.frame_count
    return max(rate.frame_at(info.duration), 1 if info.duration > 0 else 0)


def _track(name: str, kind: str, path: Path, frames: int, rate: float, *, stream: int) -> Any:
    whole = time_range(0, frames, rate)
    media = otio.schema.ExternalReference(target_url=str(path), available_range=whole)
    media.name = path.name
    clip = otio.schema.Clip(path.stem, media, whole)
    if stream:
        clip.metadata[OURS] = {"audio_stream": stream}
    track = otio.schema.Track(name, kind=kind)
    track.append(clip)
    return track
