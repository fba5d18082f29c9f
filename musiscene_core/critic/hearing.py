"""What was heard of a take, window by window, as places in the plane of valence and arousal.

Measurements come from the captioner "signals", which notes them beside its words.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from musiscene_core.brief import EmotionCurve
from musiscene_core.captioning.heard import HeardSection, Section
from musiscene_core.timeline import MediaReference

WINDOW_S = 12.0
"""Long enough for a tempo and a key to be found, short enough to follow a scene."""
_STRETCH, _CENTRE = 2.4, 0.4
"""Takes are mastered to one loudness, which leaves the measured arousal between about 0 and 0.75:
fitted to composed takes of nine moods, whose own arousal goes from -0.8 to 0.9."""


class Felt(msgspec.Struct, frozen=True):
    """What a stretch of music feels like.

    Attributes:
        start_s: cue time in seconds.
        end_s: cue time in seconds.
        valence: -1 (unpleasant) to 1 (pleasant).
        arousal: -1 (calm) to 1 (excited).
    """

    start_s: float
    end_s: float
    valence: float
    arousal: float


def windows(path: str, length_s: float) -> tuple[Section, ...]:
    """A take's mix in windows of about WINDOW_S, to be listened to one by one."""
    count = max(1, round(length_s / WINDOW_S))
    media = MediaReference(name="mix", path=path)
    return tuple(
        Section(media=media, start_s=length_s * index / count, end_s=length_s * (index + 1) / count)
        for index in range(count)
    )


def felt(sections: Sequence[HeardSection]) -> tuple[Felt, ...]:
    """Where each window that could be heard lies."""
    found = []
    for section in sections:
        how = section.captions[0].how if section.captions else None
        if how is None:
            continue
        # A figure of 0 is not noted.
        figures = {name: float(value) for name, value in how.settings}
        arousal = _STRETCH * (figures.get("arousal", 0.0) - _CENTRE)
        span = section.section
        found.append(
            Felt(
                span.start_s,
                span.end_s,
                figures.get("valence", 0.0),
                max(-1.0, min(1.0, arousal)),
            )
        )
    return tuple(found)


def distance(wanted: EmotionCurve, heard: Sequence[Felt]) -> float:
    """Mean distance in the plane between the brief's curve and what was heard, by time; 0 to 2.8.

    Args:
        wanted: with at least one point.
        heard: at least one window.
    """
    total = 0.0
    length = 0.0
    for window in heard:
        points = [
            point for point in wanted.points if window.start_s <= point.time_s < window.end_s
        ] or [wanted.at(window.start_s)]
        valence = math.fsum(point.valence for point in points) / len(points)
        arousal = math.fsum(point.arousal for point in points) / len(points)
        span = window.end_s - window.start_s
        total += span * math.hypot(valence - window.valence, arousal - window.arousal)
        length += span
    return total / length
