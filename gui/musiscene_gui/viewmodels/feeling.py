"""The emotion curve as a user draws it: values between two points of a drag, on its grid."""

from __future__ import annotations

from typing import Literal

from msgspec.structs import replace

from musiscene_core.brief import EmotionCurve

FeelingLine = Literal["arousal", "valence"]
"""How strong a scene feels, or how pleasant; both from -1 to 1."""


def drawn(
    curve: EmotionCurve, line: FeelingLine, start: tuple[float, float], end: tuple[float, float]
) -> EmotionCurve:
    """`curve` with a straight line of one of its two quantities, marked as a user's.

    Args:
        curve: as it is.
        line: which quantity.
        start: cue time in seconds and value, -1 to 1, at which the pointer was.
        end: the same where it is now; may lie before `start`.
    """
    if not curve.points:
        return curve
    (from_s, from_value), (to_s, to_value) = sorted((start, end))
    points = list(curve.points)
    last = len(points) - 1
    first = min(last, max(0, round(from_s / curve.hop_s)))
    final = min(last, max(0, round(to_s / curve.hop_s)))
    for index in range(first, final + 1):
        at = index * curve.hop_s
        share = min(1.0, max(0.0, (at - from_s) / (to_s - from_s))) if to_s > from_s else 1.0
        value = min(1.0, max(-1.0, from_value + share * (to_value - from_value)))
        points[index] = replace(points[index], **{line: value})
    return replace(curve, points=tuple(points), edited=True)
