"""A real engine that takes more than it may: memory or time, as the request's caption says.

It never looks at its progress, as a decoder in C would not.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from musiscene_core.errors import EngineError
from musiscene_core.progress import Progress
from musiscene_core.protocol import EngineInfo
from musiscene_core.request import ScoreRequest
from musiscene_core.take import Take

_PATIENCE_S = 30.0


class GreedyEngine:
    """See the module."""

    def describe(self) -> EngineInfo:
        return EngineInfo(
            name="greedy",
            version="1",
            description="Takes all it can get.",
            max_length_s=600.0,
            stems=(),
            hit_points=False,
            licence="CC0-1.0",
            commercial_use=True,
        )

    def score(
        self, request: ScoreRequest, seed: int, name: str, folder: Path, progress: Progress
    ) -> Take:
        progress("Taking", 0.0)
        (folder / "half.wav").write_bytes(b"half")
        until = time.monotonic() + _PATIENCE_S
        held = []
        greed = request.brief.captions.fusion.text
        while time.monotonic() < until:
            if greed == "memory":
                held.append(os.urandom(4 << 20))
        raise EngineError(f"Nobody stopped a job greedy for {greed}.")
