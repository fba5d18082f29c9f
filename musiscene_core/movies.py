"""A movie, or parts of movies, as a range to score: what an editor would hand over of it.

The range begins at record frame 0 whatever start timecode a file carries. It runs at the movie's
own rate (even an odd one such as 179/6); a movie of variable rate, whose frames no timeline could
name, gets the broadcast rate nearest to its average. A sound file gets 24 unless told otherwise.
The movie's first sound stream is heard in full, as dialogue and music in one, unless its music is
given beside it: then for its dialogue alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from musiscene_core.errors import MediaError
from musiscene_core.media import MediaInfo, probe
from musiscene_core.ranges import FrameRange, SourceMapping
from musiscene_core.timecode import FrameRate
from musiscene_core.timeline import MediaReference, Role, TimelineClip, TimelineRange

SOUND_FILE_RATE = FrameRate(24)
_FINE_RATE = FrameRate(1000)
"""In which the source times of parts count."""
_PARTS_RATE, _SLOWEST_FPS = FrameRate(25), 5


class Part(NamedTuple):
    """A stretch of a file, in its own seconds.

    Attributes:
        path: of the file.
        start: where it begins.
        end: where it ends.
    """

    path: str
    start: Fraction
    end: Fraction


def movie_span(info: MediaInfo, rate: FrameRate | None = None) -> tuple[FrameRate, int]:
    """The rate of a movie's timeline, and its length in frames.

    Args:
        info: of the movie or sound file.
        rate: to take instead of its own.

    Raises:
        MediaError: it has no length.
    """
    video = info.video
    exact = rate or _rate_of(info)
    if video is not None and not video.variable_rate and exact.fps == video.rate.fps:
        frames = video.frame_count
    else:
        frames = max(exact.frame_at(info.duration), 1 if info.duration > 0 else 0)
    if info.is_still or frames < 1:
        raise MediaError(
            f"{info.path} has no length to score.",
            hint="Give a movie, a sound file or a timeline.",
        )
    return exact, frames


def movie_range(path: Path, cue: str, temp_track: Part | None = None) -> TimelineRange:
    """The whole of a movie or sound file.

    Args:
        path: absolute.
        cue: what the cue is called.
        temp_track: music that lies under it from its beginning; None where its own sound has it.

    Raises:
        MediaError: no movie or sound file, damaged, or without a length.
    """
    info = probe(path)
    rate, frames = movie_span(info)
    whole = SourceMapping(
        record=FrameRange(0, frames), record_rate=rate, source_start=0, source_rate=rate
    )
    clips = []
    if info.video is not None:
        clips.append(_clip(path, whole, "V1", "picture"))
    if info.audio:
        clips.append(_clip(path, whole, "A1", "mixed" if temp_track is None else "dialogue"))
    if temp_track is not None:
        clips.append(_placed(temp_track, 0, frames, rate, "A2", "temp_track"))
    return TimelineRange(cue=cue, rate=rate, record=FrameRange(0, frames), clips=tuple(clips))


def parts_range(
    cue: str, pictures: Sequence[Part], temp_track: Part | None = None
) -> TimelineRange:
    """Parts of movies, one after the other, silent but for music that is given.

    Args:
        cue: what the cue is called.
        pictures: what is seen, in order.
        temp_track: music that lies under it from its beginning.

    Raises:
        MediaError: the first file is no movie, or is damaged.
    """
    first = probe(pictures[0].path).video
    rate = first.rate if first is not None and first.rate.fps >= _SLOWEST_FPS else _PARTS_RATE
    clips: list[TimelineClip] = []
    place = 0
    for part in pictures:
        clips.append(_placed(part, place, None, rate, "V1", "picture"))
        place = clips[-1].mapping.record.end
    if temp_track is not None:
        clips.append(_placed(temp_track, 0, place, rate, "A1", "temp_track"))
    return TimelineRange(cue=cue, rate=rate, record=FrameRange(0, place), clips=tuple(clips))


def _rate_of(info: MediaInfo) -> FrameRate:
    if info.video is None:
        return SOUND_FILE_RATE
    return info.video.rate.nearest_broadcast() if info.video.variable_rate else info.video.rate


def _placed(
    part: Part, start: int, most: int | None, rate: FrameRate, track: str, role: Role
) -> TimelineClip:
    """A part from record frame `start` on, of `most` frames at most."""
    frames = max(1, rate.frame_nearest(part.end - part.start))
    mapping = SourceMapping(
        record=FrameRange.from_length(start, frames if most is None else min(frames, most)),
        record_rate=rate,
        source_start=_FINE_RATE.frame_nearest(part.start),
        source_rate=_FINE_RATE,
    )
    return _clip(Path(part.path), mapping, track, role)


def _clip(path: Path, mapping: SourceMapping, track: str, role: Role) -> TimelineClip:
    media = MediaReference(path=str(path), name=path.name)
    return TimelineClip(name=path.stem, media=media, mapping=mapping, track=track, role=role)
