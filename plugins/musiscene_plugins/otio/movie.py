"""A bare movie, or a bare sound file, as a timeline of one clip.

An In of 00:00:04:00 is four seconds in: see musiscene_core.movies for where a movie's timeline
begins, and at which rate it runs. Its first sound stream is heard in full; further ones (A2, A3)
only where the user gives them a role.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import opentimelineio as otio

from musiscene_core.media import probe
from musiscene_core.movies import movie_span
from musiscene_core.ranges import FrameRange
from musiscene_core.timecode import FrameRate
from musiscene_core.timeline import Role
from musiscene_plugins.otio.document import OURS, Document
from musiscene_plugins.otio.exact_time import rational_time, time_range


def movie_document(path: Path, *, rate: FrameRate | None, roles: Mapping[str, Role]) -> Document:
    """A timeline of one clip over the movie or sound file at `path`.

    Raises:
        MediaError: not a movie or sound file, damaged, or without a length.
    """
    info = probe(path)
    exact, frames = movie_span(info, rate)
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
