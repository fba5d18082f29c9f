"""The music whose style a take shall have: a file that is named, or the temp track."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt

from musiscene_core.media import probe, read_audio
from musiscene_core.request import ScoreRequest

RATE = 32_000
LONGEST_S = 30.0
SHORTEST_S = 1.5
"""The model hears 1.5 to 4.5 s; it chooses where in what it is given."""


def reference(request: ScoreRequest) -> npt.NDArray[np.float32] | None:
    """The middle of that music, [1, n] at RATE, at most LONGEST_S; None where there is none.

    Raises:
        MediaError: it is there and cannot be read.
    """
    if request.music is not None:
        path, stream = request.music.media.path, request.music.media.audio_stream
        length = probe(path).duration
        start = Fraction(0)
    else:
        clips = request.brief.timeline.by_role("temp_track")
        if not clips:
            return None
        clip = max(clips, key=lambda one: one.mapping.record.length)
        path, stream = clip.media.path, clip.media.audio_stream
        rate = request.brief.timeline.rate
        start = clip.mapping.source_seconds(clip.mapping.record.start)
        length = clip.mapping.record.seconds(rate)
    part = min(length, Fraction(LONGEST_S))
    begin = start + (length - part) / 2
    if part < SHORTEST_S:
        return None
    sound = read_audio(path, begin, begin + part, sample_rate=RATE, stream=stream)
    return sound if np.abs(sound).max(initial=0.0) > 1e-4 else None
