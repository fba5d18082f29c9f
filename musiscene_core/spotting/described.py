"""The picture in words, put together from what its frames show."""

from __future__ import annotations

from collections.abc import Sequence

from musiscene_core.brief import Caption, HowWritten, SceneBrief, SceneFrame
from musiscene_core.spotting.describe import clock

WRITER = "frames"
_MOST = 24
"""Frames that are told at most, spread over the scene."""


def picture_caption(brief: SceneBrief) -> Caption | None:
    """What the frames of a brief show, in order, each with when; None where none is described."""
    told: list[SceneFrame] = []
    for frame in brief.frames:
        words = frame.caption.text.strip()
        if words and not (told and told[-1].caption.text.strip() == words):
            told.append(frame)
    if not told:
        return None
    told = _spread(told)
    fps = float(brief.timeline.rate.fps)
    text = " ".join(f"{clock(frame.frame / fps)} {_sentence(frame)}" for frame in told)
    how = _how(brief, told)
    written = HowWritten(
        writer=how.writer if how else WRITER,
        version=how.version if how else "",
        model=how.model if how else "",
        prompt=how.prompt if how else "",
        wrote=text,
        notes=("Put together from the captions of frames.",),
    )
    return Caption(text, "model", how=written)


def _how(brief: SceneBrief, told: Sequence[SceneFrame]) -> HowWritten | None:
    """How the frames' captions were written: told by each in older briefs, now by their stage."""
    own = (frame.caption.how for frame in told)
    stages = (report.how for report in brief.stages if report.stage == "vision")
    return next((how for how in (*own, *stages) if how is not None), None)


def _sentence(frame: SceneFrame) -> str:
    words = frame.caption.text.strip()
    words = words[0].upper() + words[1:]
    return words if words[-1] in ".!?…" else f"{words}."


def _spread(frames: Sequence[SceneFrame]) -> list[SceneFrame]:
    if len(frames) <= _MOST:
        return list(frames)
    return [frames[place * len(frames) // _MOST] for place in range(_MOST)]
