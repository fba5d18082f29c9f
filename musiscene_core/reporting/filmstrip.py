"""Small pictures along a scene, where its media are at hand.

What cannot be read leaves a gap: a chart without a picture is better than none.
"""

from __future__ import annotations

import logging

import numpy as np
from numpy.typing import NDArray

from musiscene_core.errors import MusiSceneError
from musiscene_core.media import read_frames
from musiscene_core.timeline import TimelineClip, TimelineRange

_log = logging.getLogger(__name__)

Picture = NDArray[np.uint8]
"""[H, W, 3], red green blue."""


def filmstrip(timeline: TimelineRange, count: int, width: int = 160) -> list[Picture | None]:
    """The frames in the middle of `count` equal spans of the range; None where there is none."""
    record = timeline.record
    frames = [record.start + (2 * at + 1) * record.length // (2 * count) for at in range(count)]
    lost: set[str] = set()
    return [_frame(timeline, frame, width, lost) for frame in frames]


def _frame(timeline: TimelineRange, frame: int, width: int, lost: set[str]) -> Picture | None:
    clip = _seen(timeline, frame)
    if clip is None or clip.media.path in lost:
        return None
    at = clip.mapping.source_seconds(frame)
    try:
        for showing in read_frames(clip.media.path, at, at, width=width):
            return np.ascontiguousarray(showing.image[:, :, ::-1])
    except (MusiSceneError, OSError) as error:
        _log.info("no picture of %s: %s", clip.name, error)
        lost.add(clip.media.path)
    return None


def _seen(timeline: TimelineRange, frame: int) -> TimelineClip | None:
    clips = (*timeline.by_role("picture"),)
    seen = [clip for clip in clips if frame in clip.mapping.record and clip.media.path]
    return max(seen, key=lambda clip: clip.track_index, default=None)
