"""The pictures that stand at given cue frames, large enough to be described.

Each is looked up by itself: what a spotting needs are a few dozen among thousands. Shows the same
source frame as playback.py does. Gaps and offline media have none.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from contextlib import closing
from fractions import Fraction
from typing import NamedTuple

from musiscene_core.errors import MediaError
from musiscene_core.media import read_frames
from musiscene_core.spotting.likeness import Image
from musiscene_core.spotting.playback import CLOCK_SLACK
from musiscene_core.spotting.visible import visible_stretches
from musiscene_core.timeline import TimelineRange

WIDTH = 448
"""Pixels across: what vision models take, or more."""


class Source(NamedTuple):
    """A moment of a file.

    Attributes:
        path: the file.
        seconds: file time, exact.
    """

    path: str
    seconds: Fraction


def sources(timeline: TimelineRange, cue_frames: Sequence[int]) -> list[Source | None]:
    """Where the pictures at `cue_frames` come from; None for a gap."""
    stretches = visible_stretches(timeline)
    starts = [stretch.start for stretch in stretches]
    found: list[Source | None] = []
    for frame in cue_frames:
        clip = stretches[bisect_right(starts, frame) - 1].clip
        if clip is None or not clip.media.path:
            found.append(None)
            continue
        seconds = clip.mapping.source_seconds(timeline.record.start + frame)
        found.append(Source(clip.media.path, max(Fraction(0), seconds)))
    return found


def picture(source: Source) -> Image | None:
    """The picture [H, W, 3] uint8 RGB that shows there, WIDTH across; None where there is none."""
    showing: Image | None = None
    end = source.seconds + 2 * CLOCK_SLACK
    reading = read_frames(source.path, source.seconds, end, width=WIDTH)
    try:
        with closing(reading) as frames:
            for frame in frames:
                if showing is None or frame.seconds <= source.seconds + CLOCK_SLACK:
                    showing = frame.image[..., ::-1].copy()
    except MediaError:
        return None
    return showing
