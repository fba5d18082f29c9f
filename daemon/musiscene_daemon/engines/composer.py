"""The embedded composer as an engine: always there, free of rights."""

from __future__ import annotations

from pathlib import Path

from musiscene_core.composing import engine
from musiscene_core.conforming.earlier import EarlierTake
from musiscene_core.cue import STEM_ROLES
from musiscene_core.progress import Progress
from musiscene_core.protocol.state import EngineInfo
from musiscene_core.request import ScoreRequest
from musiscene_core.take import Take


class ComposerEngine:
    """Composes by rule and sounds by our own synthesis."""

    def describe(self) -> EngineInfo:
        """What it is and can do."""
        return EngineInfo(
            name=engine.NAME,
            version=engine.VERSION,
            description="Composes with its own rules and synthesis; same seed, same music.",
            max_length_s=engine.MAX_LENGTH_S,
            stems=STEM_ROLES,
            hit_points=True,
            licence="CC0-1.0",
            commercial_use=True,
            repeatable=True,
            idioms=engine.IDIOM_NAMES,
        )

    def score(
        self, request: ScoreRequest, seed: int, name: str, folder: Path, progress: Progress
    ) -> Take:
        """Compose one take into `folder`."""
        # Takes up to a second to import, which a worker that only spots need not spend.
        from musiscene_core.composing.score import score

        return score(request, seed, name, folder, progress)

    def conform(
        self,
        request: ScoreRequest,
        seed: int,
        name: str,
        folder: Path,
        earlier: EarlierTake,
        progress: Progress,
    ) -> Take:
        """Compose anew only what cannot stay of `earlier`."""
        from musiscene_core.composing.score import score

        return score(request, seed, name, folder, progress, earlier)
