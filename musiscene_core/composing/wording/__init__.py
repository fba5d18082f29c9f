"""What the captions ask of the music, read from their words.

The request's held fields lead over the words, the words over the scene. Whose words count:

- A caption made from signals repeats what the brief says with confidences: not read.
- A model's caption of the picture or of an imagined scene, unedited: its moods only.
- A model's other captions: read, but what is not understood is prose, not a wish, and not told.
- Whatever a user wrote or edited: read whole; what is not understood is told, except in a
  description of the picture.
"""

from __future__ import annotations

from dataclasses import replace

from musiscene_core.brief import Caption
from musiscene_core.composing.wording.places import Places
from musiscene_core.composing.wording.reading import read
from musiscene_core.composing.wording.wishes import Asked, TempoAsked, Unknown, Wishes
from musiscene_core.request import ScoreRequest
from musiscene_core.temp_tempo import wished

__all__ = ["Asked", "TempoAsked", "Unknown", "Wishes", "read_wishes", "steering_caption"]

_DESCRIPTIONS = ("video", "scene_imagination")


def steering_caption(request: ScoreRequest) -> Caption:
    """The caption that the request's strategy puts in charge."""
    caption: Caption = getattr(request.brief.captions, request.caption_strategy)
    return caption


def read_wishes(request: ScoreRequest) -> Wishes:
    """The wishes in the steering caption."""
    caption = steering_caption(request)
    users = caption.edited or caption.origin == "user"
    if caption.origin == "signals" and not users:
        return Wishes()
    wishes = read(wished(caption.text), Places(request.brief))
    describes = request.caption_strategy in _DESCRIPTIONS
    if describes and not users:
        return Wishes(asked=tuple(wishes.of("mood")))
    if describes or not users:
        return replace(wishes, unknown=())
    return wishes
