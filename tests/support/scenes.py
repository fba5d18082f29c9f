"""Scene briefs made by hand, for tests that compose without watching anything."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from musiscene_core.brief import (
    DIMENSIONS,
    Caption,
    Captions,
    Curve,
    DialogueRegion,
    EmotionCurve,
    EmotionPoint,
    HitPoint,
    PictureCurves,
    SceneBrief,
    Shot,
    TempTrack,
)
from musiscene_core.ranges import FrameRange
from musiscene_core.timecode import FrameRate
from musiscene_core.timeline import TimelineRange


def feeling(time_s: float, valence: float, arousal: float, **weights: float) -> EmotionPoint:
    """An emotion point; weights by dimension name, normalised."""
    values = [weights.get(name, 0.01) for name in DIMENSIONS]
    total = sum(values)
    return EmotionPoint(
        time_s=time_s,
        valence=valence,
        arousal=arousal,
        weights=tuple(value / total for value in values),
    )


def brief_of(
    length_s: float,
    *,
    cuts: Sequence[float] = (),
    rate: str = "24",
    valence: float = 0.0,
    arousal: float = 0.0,
    dialogue: Sequence[tuple[float, float]] = (),
    motion: Sequence[float] = (0.3,),
    temp_track: TempTrack | None = None,
    **weights: float,
) -> SceneBrief:
    """A scene of `length_s` seconds with cuts and dialogue at these seconds, one feeling."""
    exact = FrameRate.parse(rate)
    length = max(1, exact.frame_nearest(length_s))
    cut_frames = [exact.frame_nearest(cut) for cut in cuts]
    edges = [0, *cut_frames, length]
    shots = tuple(
        Shot(start_frame=first, end_frame=last, transition="cut" if first else "start", motion=0.3)
        for first, last in pairwise(edges)
    )
    hop = length_s / len(motion)
    moving = Curve(hop, tuple(motion))
    flat = Curve(hop, (0.0,) * len(motion))
    steps = max(1, int(length_s / 0.5))
    return SceneBrief(
        timeline=TimelineRange(cue="scene", rate=exact, record=FrameRange(0, length)),
        shots=shots,
        curves=PictureCurves(
            motion=moving,
            saliency=flat,
            brightness=flat,
            warmth=flat,
            saturation=flat,
            cut_rate=flat,
        ),
        dialogue=tuple(DialogueRegion(start_s=start, end_s=end) for start, end in dialogue),
        temp_track=temp_track or TempTrack(),
        hit_points=tuple(
            HitPoint(frame=frame, kind="cut", strength=0.8, rank=rank)
            for rank, frame in enumerate(cut_frames, start=1)
        ),
        emotion_curve=EmotionCurve(
            hop_s=0.5,
            points=tuple(feeling(i * 0.5, valence, arousal, **weights) for i in range(steps)),
        ),
        captions=Captions(fusion=Caption("A scene.")),
    )
