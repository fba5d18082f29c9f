"""Captions written anew for a brief that was edited meanwhile.

By rules, from the brief's own signals (describe.py, conditions.py); what a captioner or a language
model writes is put beside it by whoever may ask those. A brief comes from outside: one that says
too little, or nonsense, is refused in words.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from musiscene_core.brief import DIMENSIONS, Captions, SceneBrief
from musiscene_core.errors import RequestError
from musiscene_core.request import CaptionStrategy
from musiscene_core.spotting.conditions import conditions
from musiscene_core.spotting.describe import by_rule, captions, with_edits_marked


def by_rules(brief: SceneBrief) -> Captions:
    """The captions that rules write from a brief: all but the imagined scene.

    Raises:
        RequestError: the brief says too little to write from.
    """
    with _described(brief):
        known = brief.timeline.length_seconds, brief.shots, brief.curves, brief.dialogue
        made = captions(*known, brief.temp_track, brief.emotion_curve)
        return msgspec.structs.replace(made, music_conditions=by_rule(conditions(brief)))


def marked(brief: SceneBrief) -> SceneBrief:
    """A brief from a file, with what its user changed marked as edited.

    Raises:
        RequestError: it says too little to tell, or nonsense.
    """
    with _described(brief):
        return with_edits_marked(brief)


def kept(written: Captions, name: CaptionStrategy) -> bool:
    """Whether this caption has words that a user wrote or changed."""
    caption = getattr(written, name)
    return bool(caption.text and (caption.edited or caption.origin == "user"))


@contextmanager
def _described(brief: SceneBrief) -> Iterator[None]:
    _check_describable(brief)
    try:
        yield
    except (ValueError, IndexError, KeyError, ArithmeticError) as error:
        # Its numbers come from a file: whatever they break is the file's fault.
        raise _senseless("its numbers make no sense") from error


def _check_describable(brief: SceneBrief) -> None:
    points, curves = brief.emotion_curve.points, brief.curves
    if not points:
        raise _senseless("it has no emotion curve")
    if any(len(point.weights) != len(DIMENSIONS) for point in points):
        raise _senseless(f"its feelings do not have {len(DIMENSIONS)} weights each")
    if not all(math.isfinite(number) for point in points for number in point.weights):
        raise _senseless("its feelings have no numbers")
    if curves is None:
        return
    if sum(max(0, shot.end_frame - shot.start_frame) for shot in brief.shots) == 0:
        raise _senseless("it has a picture but no shots")
    if not curves.motion.values or not all(map(math.isfinite, curves.motion.values)):
        raise _senseless("its motion curve has no numbers")


def _senseless(reason: str) -> RequestError:
    return RequestError(
        f"No captions can be written from this brief: {reason}.", hint="Spot the range again."
    )
