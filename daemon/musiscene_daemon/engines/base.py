"""What an engine is to the daemon. Lives in the worker, never in the socket process."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, runtime_checkable

from musiscene_core.conforming.earlier import EarlierTake
from musiscene_core.progress import Progress
from musiscene_core.protocol.state import EngineInfo
from musiscene_core.request import ScoreRequest
from musiscene_core.take import Take
from musiscene_daemon.residency.residents import Residents

ENTRY_POINTS = "musiscene.engines"
"""The group under which other distributions register their engines: a class without arguments."""


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
    """What an engine is besides, where it needs models in memory."""

    def use_models(self, residents: Residents) -> None:
        """Keep `residents`, to ask it for models while scoring. Told once, before any take.

        An engine whose framework knows devices names them here, with `residents.add_devices`.
        """
