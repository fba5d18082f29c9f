"""A caption that a language model writes: asked, cleaned, asked once more, and told how."""

from __future__ import annotations

import msgspec

from musiscene_core.brief import Caption, HowWritten
from musiscene_core.captioning.language.cleaning import clean
from musiscene_core.captioning.language.model import (
    Answer,
    LanguageModel,
    OnPiece,
    Sampling,
    unwatched,
)
from musiscene_core.errors import EngineError
from musiscene_core.progress import Progress, silent

ATTEMPTS = 2


def written(
    prompt: str,
    model: LanguageModel,
    sampling: Sampling,
    *,
    on_piece: OnPiece = unwatched,
    progress: Progress = silent,
) -> Caption:
    """What `model` writes for `prompt`, cleaned.

    An answer that is none (empty, or a refusal) is asked for once more, from the next seed.

    Raises:
        EngineError: the model cannot be asked, or gives no answer.
    """
    reason = ""
    for attempt in range(ATTEMPTS):
        given = msgspec.structs.replace(sampling, seed=sampling.seed + attempt)
        if attempt:
            on_piece("", anew=True)
        answer = model.ask(prompt, given, on_piece=on_piece, progress=progress)
        text, reason = clean(answer.text)
        if text:
            return Caption(text, "model", how=how_written(prompt, answer, given, text))
    raise EngineError(
        f"The language model {model.name} gives no answer: {reason}.", hint="Try another model."
    )


def how_written(
    prompt: str, answer: Answer, sampling: Sampling, text: str, notes: tuple[str, ...] = ()
) -> HowWritten:
    """How `text` came out of `answer`; `notes` is what else a reader must know."""
    if answer.left_machine:
        notes = ("The prompt left this machine.", *notes)
    return HowWritten(
        writer=answer.model,
        place=answer.place,
        prompt=prompt,
        settings=tuple(msgspec.structs.asdict(sampling).items()),
        raw="" if answer.text == text else answer.text,
        wrote=text,
        notes=notes,
    )
