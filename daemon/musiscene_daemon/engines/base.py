"""What engines and captioners are to the daemon. They live in the worker alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from musiscene_core.captioning.generation import Generation
from musiscene_core.captioning.heard import HeardSection, OnText, Section, unheard
from musiscene_core.conforming.earlier import EarlierTake
from musiscene_core.progress import Progress, silent
from musiscene_core.protocol.state import CaptionerInfo, EngineInfo
from musiscene_core.request import ScoreRequest
from musiscene_core.take import Take
from musiscene_daemon.residency.residents import Residents

ENTRY_POINTS = "musiscene.engines"
"""The group under which other distributions register their engines: a class without arguments."""
CAPTIONER_ENTRY_POINTS = "musiscene.captioners"
"""The same for captioners."""
INTERFACE = 1
"""Of engines and captioners; one whose class says another number in `interface` is set aside."""


class Engine(Protocol):
    """Turns a request into takes. Made once per worker, then asked for one take at a time."""

    def describe(self) -> EngineInfo:
        """What it is and can do. Cheap: models are loaded when they are first needed."""

    def score(
        self, request: ScoreRequest, seed: int, name: str, folder: Path, progress: Progress
    ) -> Take:
        """Write one take's files into `folder`.

        Args:
            request: what is wanted; already checked against what `describe` says.
            seed: this take's seed.
            name: this take's name.
            folder: exists and is empty; the take's paths are relative to it.
            progress: hears of each stage; may be called from any thread. What it raises
                must pass through.

        Raises:
            MusiSceneError: what the user can mend. Anything else counts as a mistake of ours.
        """


class Captioner(Protocol):
    """Puts sound into words. Made once per worker; may use models as an engine does."""

    def describe(self) -> CaptionerInfo:
        """What it is and can do, and what it lacks. Cheap: models are loaded when first needed."""

    def answer(
        self,
        sections: Sequence[Section],
        questions: Sequence[str],
        settings: Generation,
        *,
        adapters: Sequence[tuple[str, float]] = (),
        on_text: OnText = unheard,
        progress: Progress = silent,
    ) -> tuple[HeardSection, ...]:
        """Answer every question about every section, hearing each section once.

        What it says of a section never depends on the others, on the other questions, or on how
        it batches them: a model draws each answer from `settings.seed` anew.

        Args:
            sections: in any order, of one file or several; hours of them in bounded memory.
            questions: plain words, none empty.
            settings: how freely to answer, and from which seed.
            adapters: house adapters that `describe` lists, each with its weight.
            on_text: hears of texts as they grow; what it raises must pass through.
            progress: hears how far it is; what it raises must pass through.

        Returns:
            For each section its captions, one a question, each saying how it was written
            (`Caption.how`), or the problem for which it cannot be heard: silent, too short, no
            numbers, unreadable.

        Raises:
            MusiSceneError: nothing can be answered at all: a model is missing or does not fit, or
                a question is too long for it.
        """


@runtime_checkable
class ScoresTogether(Protocol):
    """What an engine is besides, where several takes cost it little more than one."""

    def score_together(
        self,
        request: ScoreRequest,
        takes: Sequence[tuple[int, str, Path]],
        progress: Progress,
    ) -> tuple[Take, ...]:
        """As Engine.score, for several takes: the seed, name and folder of each.

        What a take becomes does not depend on the others.
        """


@runtime_checkable
class Conforms(Protocol):
    """What an engine is besides, where it can keep music that it made before."""

    def conform(
        self,
        request: ScoreRequest,
        seed: int,
        name: str,
        folder: Path,
        earlier: EarlierTake,
        progress: Progress,
    ) -> Take:
        """As Engine.score, keeping what can stay of `earlier`, a take for the range as it was."""


@runtime_checkable
class UsesModels(Protocol):
    """What an engine or a captioner is besides, where it needs models in memory."""

    def use_models(self, residents: Residents) -> None:
        """Keep `residents`, to ask it for models while at work. Told once, before any.

        An engine whose framework knows devices names them here, with `residents.add_devices`.
        """
