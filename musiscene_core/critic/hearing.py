"""What was heard of a take, window by window, as places in the plane of valence and arousal.

Measurements come from the captioner "signals", which notes them beside its words.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from musiscene_core.brief import EmotionCurve
from musiscene_core.captioning.heard import HeardSection, Section
from musiscene_core.critic.critique import Felt
from musiscene_core.timeline import MediaReference

WINDOW_S = 12.0
"""Long enough for a tempo and a key to be found, short enough to follow a scene."""
# What is measured, each 0 where it says nothing:
#   key: valence as spotting.describe_sound has it, mostly by major and minor
#   density: logarithm of the onsets a second
#   colour: logarithm of the spectrum's centre over a middling one
#   range: of loudness, in tens of LU; takes are mastered to one loudness, so its mean says nothing
#   tempo: -0.5 (60 BPM or less) to 0.5 (160 or more), weighted by confidence
# Fitted by ridge regression to 63 composed takes of nine moods; see docs/benchmarks.md.
VALENCE = {"key": 0.74, "density": -0.14, "colour": -0.18, "range": -0.15, "tempo": 0.22}
VALENCE_BASE = 0.38
AROUSAL = {"key": 0.18, "density": 0.42, "colour": 0.58, "range": -0.62, "tempo": 0.31}
AROUSAL_BASE = -0.04
_MIDDLING_HZ, _DARKEST_HZ = 1200.0, 300.0
_SPARSEST = 0.3


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
        span = section.section
        place = place_of({name: float(value) for name, value in how.settings})
        found.append(Felt(span.start_s, span.end_s, *place))
    return tuple(found)


def place_of(figures: Mapping[str, float]) -> tuple[float, float]:
    """Valence and arousal of music of which "signals" measured `figures`."""
    signals = _signals(figures)
    return (
        _weighted(signals, VALENCE, VALENCE_BASE),
        _weighted(signals, AROUSAL, AROUSAL_BASE),
    )


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


def _signals(figures: Mapping[str, float]) -> dict[str, float]:
    """What says something, by the figures that were noted; one of 0 was not."""
    bpm = figures.get("tempo_bpm", 0.0)
    fast = max(-0.5, min(0.5, (bpm - 110) / 100)) if bpm else 0.0
    hertz = figures.get("brightness_hz", _MIDDLING_HZ)
    return {
        "key": figures.get("valence", 0.0),
        "density": math.log(max(_SPARSEST, figures.get("onsets_per_s", 0.0))),
        "colour": math.log(max(_DARKEST_HZ, hertz) / _MIDDLING_HZ),
        "range": figures.get("loudness_range_lu", 0.0) / 10,
        "tempo": fast * figures.get("tempo_confidence", 0.0),
    }


def _weighted(signals: Mapping[str, float], weights: Mapping[str, float], base: float) -> float:
    total = base + math.fsum(weight * signals[name] for name, weight in weights.items())
    return max(-1.0, min(1.0, total))
