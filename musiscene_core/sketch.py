"""A scene from words alone: what a brief would say had somebody shown a picture that feels so.

"tense, then triumphant" has two parts of one length; the feeling turns towards the end of the
first, and the turn is a moment the music may meet. The words themselves become the music
conditions, and whoever makes the music says which of them it does not understand. Knows the words
in feelings.py only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from musiscene_core.brief import (
    DIMENSIONS,
    Caption,
    Captions,
    EmotionCurve,
    EmotionPoint,
    HitPoint,
    SceneBrief,
    Shot,
    TempTrack,
)
from musiscene_core.feelings import PLACES, WORDS
from musiscene_core.ranges import FrameRange
from musiscene_core.request import ComposeRequest, MusicWish, ScoreRequest
from musiscene_core.timeline import TimelineRange

_HOP_S = 0.5
_MAX_POINTS = 1200
_TURN_S = 2.0
"""A feeling turns into the next one over at most this long."""
_TURN_SHARE = 0.25
"""And over at most this share of a part."""
_UNDERTONE = 0.02
"""Weight of a dimension that no word names, beside 1 for one that a word does."""
_TURN_STRENGTH = 0.7
_MAX_CUE = 60

_NEXT = re.compile(
    r"(?:[\s,;.]*(?:\band\s+then\b|\bthen\b|\bfollowed\s+by\b|\bturn(?:ing|s)\b"
    r"|\bbecom(?:ing|es)\b|->|→|;|\n)[\s,;.]*)+",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]+")
_NOT = frozenset({"no", "not", "without", "never", "less", "nothing"})


@dataclass(frozen=True)
class Part:
    """A part of a mood.

    Attributes:
        words: as they were given.
        weights: [13], summing to 1; None where no word names a feeling.
    """

    words: str
    weights: npt.NDArray[np.float64] | None


def parts_of(mood: str) -> tuple[Part, ...]:
    """The parts of a mood, in order; at least one."""
    texts = [text.strip(" \t,.") for text in _NEXT.split(mood)]
    return tuple(Part(text, _weights(text)) for text in texts if text) or (Part(mood, None),)


def sketch(request: ComposeRequest) -> SceneBrief:
    """The brief of a scene without picture or sound that feels as the request's mood says."""
    parts = parts_of(request.mood)
    turns = [index * request.frames // len(parts) for index in range(1, len(parts))]
    record = FrameRange(0, request.frames)
    return SceneBrief(
        timeline=TimelineRange(
            cue=request.cue or " ".join(request.mood.split())[:_MAX_CUE],
            rate=request.rate,
            record=record,
        ),
        shots=(Shot(start_frame=0, end_frame=request.frames, transition="start"),),
        curves=None,
        dialogue=(),
        temp_track=TempTrack(),
        hit_points=_hit_points(parts, turns),
        emotion_curve=_emotion(parts, float(request.length_seconds)),
        captions=Captions(music_conditions=Caption(request.mood.strip(), "user", edited=True)),
    )


def as_score_request(request: ComposeRequest) -> ScoreRequest:
    """The request to score the sketch, steered by the mood's own words."""
    shared = {name: getattr(request, name) for name in MusicWish.__struct_fields__}
    return ScoreRequest(brief=sketch(request), caption_strategy="music_conditions", **shared)


def _weights(text: str) -> npt.NDArray[np.float64] | None:
    words = [word.lower() for word in _WORD.findall(text)]
    named = [
        DIMENSIONS.index(WORDS[word])
        for before, word in zip(["", *words], words, strict=False)
        if word in WORDS and before not in _NOT
    ]
    if not named:
        return None
    weights = np.full(len(DIMENSIONS), _UNDERTONE)
    np.add.at(weights, named, 1.0)
    total: npt.NDArray[np.float64] = weights / weights.sum()
    return total


def _hit_points(parts: Sequence[Part], turns: Sequence[int]) -> tuple[HitPoint, ...]:
    # In a cue shorter than its parts are many, several turns fall on one frame, or on the first.
    named = {frame: part.words for frame, part in zip(turns, parts[1:], strict=True) if frame}
    return tuple(
        HitPoint(frame=frame, kind="marker", strength=_TURN_STRENGTH, rank=rank, label=label)
        for rank, (frame, label) in enumerate(named.items(), start=1)
    )


def _emotion(parts: Sequence[Part], length_s: float) -> EmotionCurve:
    neutral = np.full(len(DIMENSIONS), 1.0 / len(DIMENSIONS))
    rows: list[npt.NDArray[np.float64]] = []
    for part in parts:
        # Words that say nothing go on with what was before.
        before = rows[-1] if rows else neutral
        rows.append(before if part.weights is None else part.weights)
    part_s = length_s / len(parts)
    turn_s = min(_TURN_S, _TURN_SHARE * part_s)
    starts = np.arange(1, len(parts)) * part_s
    knots = np.column_stack((starts - turn_s, starts)).ravel()
    held = np.repeat(np.stack(rows), 2, axis=0)[1:-1]
    hop = max(_HOP_S, length_s / _MAX_POINTS)
    times = np.arange(max(1, int(np.ceil(length_s / hop - 1e-9)))) * hop
    if knots.size:
        weights = np.stack([np.interp(times, knots, column) for column in held.T], axis=1)
    else:
        weights = np.repeat(rows[0][None], times.size, axis=0)
    plane = weights @ np.array([PLACES[name] for name in DIMENSIONS])
    return EmotionCurve(
        hop_s=hop,
        points=tuple(
            EmotionPoint(
                time_s=round(float(time_s), 3),
                valence=round(float(valence), 4),
                arousal=round(float(arousal), 4),
                weights=tuple(round(float(weight), 4) for weight in row),
            )
            for time_s, (valence, arousal), row in zip(times, plane, weights, strict=True)
        ),
    )
