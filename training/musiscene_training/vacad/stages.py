"""The stages of a build in their order, and what each is known by.

A stage is a function from a batch of clips to an outcome each, made of settings and a folder: it
can run in any process that sees the folder, on any batch, in any order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

import msgspec

from musiscene_core.codec import digest
from musiscene_core.errors import EngineError
from musiscene_training.evaluate.captions import looks_english
from musiscene_training.vacad import fetching, hearing, watching, wording
from musiscene_training.vacad.clips import Outcome, Work
from musiscene_training.vacad.settings import Settings


class Stage(Protocol):
    """A batch of clips in, an outcome each out, in their order."""

    def __call__(self, works: Sequence[Work]) -> list[Outcome]:
        """Work on a batch.

        Raises:
            MusiSceneError: it cannot work at all; what is wrong with one clip is its outcome.
        """


FETCH, MEASURES, VIDEO, MUSIC, FUSION, MSI = "fetch", "measures", "video", "music", "fusion", "msi"
MAKERS: Mapping[str, Callable[[Settings, Path], Stage]] = MappingProxyType(
    {
        FETCH: fetching.Fetching,
        MEASURES: hearing.Measuring,
        VIDEO: watching.Watching,
        MUSIC: hearing.Hearing,
        FUSION: wording.Fusing,
        MSI: wording.Imagining,
    }
)
ORDER = tuple(MAKERS)
TEXTS = (VIDEO, MUSIC, FUSION, MSI)
"""Stages whose value is a text to be learnt from."""
SAID = MappingProxyType(
    {
        FETCH: "Fetching clips",
        MEASURES: "Measuring the music",
        VIDEO: "Describing pictures",
        MUSIC: "Describing music",
        FUSION: "Writing fusion captions",
        MSI: "Writing scene captions",
    }
)
_NOT_ENGLISH = "It does not look English."


def work_on(name: str, stage: Stage, works: Sequence[Work], settings: Settings) -> list[Outcome]:
    """A batch through a stage; a text that is empty or in another language is heeded."""
    outcomes = stage(works)
    return [_heeded(one, settings) for one in outcomes] if name in TEXTS else list(outcomes)


def known_by(name: str, settings: Settings) -> dict[str, str]:
    """What a stage's outcomes depend on, in words; another value makes another dataset.

    Raises:
        EngineError: the model or captioner is not there.
        InputError: the language model is one that only the daemon can run.
    """
    if name == FETCH:
        return {"command": " ".join(settings.fetch) or "none"}
    if name == MEASURES:
        return {}
    known = {"other languages": settings.other_languages}
    if name == VIDEO:
        seen = {"given": digest(settings.seen)} if settings.seen else {}
        return known | _vision(settings) | seen
    if name == MUSIC:
        return known | {"captioner": hearing.identity(settings.captioner)}
    model = wording.model_of(settings)
    return known | {"writer": wording.RULES if model is None else model.model or "a server's first"}


def _vision(settings: Settings) -> dict[str, str]:
    if not settings.vision:
        return {"vision": watching.SIGNALS}
    from musiscene_core.spotting.vision.folders import look_into

    known = look_into(settings.vision, "vision")
    return {"vision": f"{known.name} {known.known_by[:12]}", "frames": str(settings.frames)}


def _heeded(outcome: Outcome, settings: Settings) -> Outcome:
    if outcome.problem:
        return outcome
    if not outcome.value.strip():
        return Outcome(id=outcome.id, problem="The caption is empty.", writer=outcome.writer)
    if looks_english(outcome.value):
        return outcome
    if settings.other_languages == "drop":
        said = f"{_NOT_ENGLISH} It says: {outcome.value[:120]}"
        return Outcome(id=outcome.id, problem=said, writer=outcome.writer)
    return msgspec.structs.replace(outcome, notes=(*outcome.notes, _NOT_ENGLISH))


def opened(name: str, settings: Settings, build: Path) -> Stage:
    """The stage called `name`, its models loaded.

    Raises:
        EngineError: what it takes is not there.
    """
    try:
        return MAKERS[name](settings, build)
    except ImportError as error:
        raise EngineError(
            f"The stage {name!r} needs the package {error.name}, which is not installed.",
            hint="Run: pip install 'musiscene[train]'",
        ) from error
