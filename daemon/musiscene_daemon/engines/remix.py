"""Remixing as an engine: music that exists, fitted to the range."""

from __future__ import annotations

from pathlib import Path

from musiscene_core.progress import Progress
from musiscene_core.protocol.state import EngineInfo
from musiscene_core.remixing import engine
from musiscene_core.request import ScoreRequest
from musiscene_core.take import Take


class RemixEngine:
    """Cuts a music file on its bars until it fits."""

    def describe(self) -> EngineInfo:
        """What it is and can do."""
        return EngineInfo(
            name=engine.NAME,
            version=engine.VERSION,
            description="Fits a music file to the range: on its bars, with its own ending.",
            max_length_s=engine.MAX_LENGTH_S,
            stems=(),
            hit_points=True,
            licence="as the source",
            commercial_use=False,
            reference_audio=True,
            needs_music=True,
        )

    def score(
        self, request: ScoreRequest, seed: int, name: str, folder: Path, progress: Progress
    ) -> Take:
        """Fit the request's music into `folder`."""
        # A worker that never remixes need not load what it takes.
        from musiscene_core.remixing.remix import remix

        return remix(request, seed, name, folder, progress)
