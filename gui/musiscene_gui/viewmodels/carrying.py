"""What a user did to a brief, taken over to another one: of the range spotted anew.

Who has written a caption and then moves Out by a frame has not written another one.
"""

from __future__ import annotations

from dataclasses import replace as changed_to

from msgspec.structs import replace

from musiscene_core.brief import Caption, EmotionCurve, SceneBrief
from musiscene_gui.viewmodels.hits import Hit, candidates
from musiscene_gui.viewmodels.wishes import STRATEGIES

_SAME_SCENE = 0.5
"""Ranges that share less of the shorter one are of two scenes."""


def same_scene(old: SceneBrief, new: SceneBrief) -> bool:
    """Whether two briefs are so far of one range that what was said of one goes for the other."""
    before, after = old.timeline.record, new.timeline.record
    shared = before.overlap(after)
    if shared is None or old.timeline.rate != new.timeline.rate:
        return False
    return shared.length >= _SAME_SCENE * min(before.length, after.length)


def with_words(brief: SceneBrief, words: dict[str, Caption]) -> SceneBrief:
    """`brief` with the captions in `words` in place of its own."""
    return replace(brief, captions=replace(brief.captions, **words))


def edits_of(brief: SceneBrief) -> dict[str, Caption]:
    """The captions that a user edited."""
    named = {name: getattr(brief.captions, name) for name in STRATEGIES}
    return {name: caption for name, caption in named.items() if caption.edited}


def carried_hits(old: SceneBrief, held: tuple[Hit, ...], new: SceneBrief) -> tuple[Hit, ...]:
    """The candidates of `new`, with what was held in `old` held at the same record frame."""
    shift = old.timeline.record.start - new.timeline.record.start
    frames = {hit.frame + shift: hit.label for hit in held if hit.held}
    return held_among(new, frames)


def held_among(brief: SceneBrief, frames: dict[int, str]) -> tuple[Hit, ...]:
    """The candidates of a brief, those at `frames` held, and those at no candidate added.

    Args:
        brief: whose candidates.
        frames: cue frames to hold, and what to call one that is no candidate; those outside the
            range are left out.
    """
    points = candidates(brief)
    there = {hit.frame for hit in points}
    known = (changed_to(hit, held=hit.frame in frames) for hit in points)
    added = [
        Hit(frame, label, held=True)
        for frame, label in sorted(frames.items())
        if frame not in there and 0 <= frame < brief.timeline.record.length
    ]
    return (*known, *added)


def carried_curve(old: SceneBrief, new: SceneBrief) -> EmotionCurve:
    """The curve of `new`, with what was drawn in `old` where both are of the same time."""
    drawn, curve = old.emotion_curve, new.emotion_curve
    if not (drawn.edited and drawn.points):
        return curve
    frames = new.timeline.record.start - old.timeline.record.start
    later_s, length_s = frames / float(old.timeline.rate.fps), old.timeline.length_seconds
    points = []
    for point in curve.points:
        then = point.time_s + later_s
        if 0 <= then < length_s:
            said = drawn.at(then)
            point = replace(point, valence=said.valence, arousal=said.arousal)
        points.append(point)
    return replace(curve, points=tuple(points), edited=True)
