"""An engine for MusiScene: a fifth that swells towards the middle of the scene."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from musiscene_core.cue import STEM_ROLES
from musiscene_core.progress import Portion, Progress
from musiscene_core.protocol import EngineInfo
from musiscene_core.request import ScoreRequest
from musiscene_core.take import Provenance, Take
from musiscene_daemon.engines.delivery import Made, deliver

RATE = 32_000


class DroneEngine:
    interface = 1  # of MusiScene's engines; another one is refused by name

    def describe(self) -> EngineInfo:
        return EngineInfo(
            name="drone",
            version="1",
            description="A fifth that swells towards the middle.",
            max_length_s=600.0,
            stems=STEM_ROLES,
            hit_points=False,
            licence="CC0-1.0",
            commercial_use=True,
        )

    def score(
        self, request: ScoreRequest, seed: int, name: str, folder: Path, progress: Progress
    ) -> Take:
        length = round(request.length_seconds * RATE)
        root = 55.0 * 2 ** ((request.tonic or seed % 12) / 12)
        time = np.arange(length) / RATE
        audio = np.zeros(length, np.float32)
        for number, ratio in enumerate((1, 1.5, 2, 3)):
            progress("Bowing", 0.5 * number / 4)  # raises where the user cancelled: let it
            audio += np.sin(2 * np.pi * root * ratio * time) / (1 + number)
        audio *= 0.2 * np.hanning(length) + 0.02
        provenance = Provenance(
            engine="drone", engine_version="1", seed=seed, licence="CC0-1.0", commercial_use=True
        )
        made = Made(audio[np.newaxis], RATE, provenance)
        return deliver(request, made, name, folder, Portion(progress, 0.5, 1.0))
