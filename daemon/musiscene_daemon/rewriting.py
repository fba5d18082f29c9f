"""What was heard of a sound and what is seen beside it, written into one text by a scribe."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from musiscene_core.brief import Caption
from musiscene_core.captioning.directing import directed
from musiscene_core.captioning.heard import HeardSection, OnText
from musiscene_core.captioning.request import ListenRequest
from musiscene_core.captioning.strategies import (
    SceneWords,
    conditions_prompt,
    fusion_prompt,
    sentences,
)
from musiscene_core.captioning.writing import written
from musiscene_core.errors import RequestError
from musiscene_core.progress import Portion, Progress
from musiscene_core.spotting.describe import by_rule
from musiscene_daemon.scribe import Scribe

FROM_BOTH = ("fusion", "music_conditions")
"""Strategies that go by what is heard and what is seen."""


def check_seen(request: ListenRequest) -> None:
    """Refuse a strategy for which the request does not say enough of the picture.

    Raises:
        RequestError: it needs one, or words for one.
    """
    if request.strategy == "video":
        raise RequestError(
            "A sound shows nothing.", hint="Caption a movie, or the brief of a range."
        )
    if request.strategy in FROM_BOTH and not request.seen.strip():
        raise RequestError(
            f"The strategy {request.strategy.replace('_', ' ')!r} also needs to know what is seen.",
            hint="Say it with --seen, or caption a movie or the brief of a range instead.",
        )


def rewritten(
    answers: Sequence[HeardSection],
    request: ListenRequest,
    scribe: Scribe,
    on_text: OnText,
    progress: Progress,
) -> tuple[HeardSection, ...]:
    """The sections with their captions written anew, as the request's strategy wants them.

    Raises:
        EngineError: a language model had to write and could not.
    """
    made = []
    for number, heard in enumerate(answers):
        part = Portion(progress, number / len(answers), (number + 1) / len(answers))
        captions = tuple(
            _written(caption.text, request, scribe, Pieces(on_text, number, place), part)
            for place, caption in enumerate(heard.captions)
        )
        made.append(msgspec.structs.replace(heard, captions=captions))
    return tuple(made)


class Pieces:
    """Tells of the text for one question about one section."""

    def __init__(self, on_text: OnText, section: int, question: int) -> None:
        self._on_text = on_text
        self._place = section, question

    def __call__(self, piece: str, *, anew: bool = False) -> None:
        """See OnPiece."""
        self._on_text(*self._place, piece, anew=anew)


def _written(
    music: str, request: ListenRequest, scribe: Scribe, on_piece: Pieces, progress: Progress
) -> Caption:
    seen = request.seen.strip()

    def prompt() -> str:
        if request.strategy == "fusion":
            return fusion_prompt(seen, music)
        return conditions_prompt(SceneWords(images=sentences(seen), temp_music=music))

    def rules(note: str) -> Caption:
        return by_rule(f"{music} It goes with this picture: {seen}", note)

    asking = written if request.strategy == "fusion" else directed
    return scribe.write(prompt, rules, on_piece, progress, asking=asking)
