"""Speakers told apart by pyannote, where its package and a pipeline in a folder are.

Written to the documented interface of pyannote.audio 3 and 4; it could not be run here.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from musiscene_core.errors import EngineError
from musiscene_core.spotting.speech.model import SAMPLE_RATE, Floats, Turn

CONFIG = "config.yaml"
_HINT = "Its own message may say more; without it, speakers are told apart by their sound."


class Pyannote:
    """One pipeline, loaded."""

    def __init__(self, folder: Path) -> None:
        """Load the pipeline in `folder`.

        Raises:
            EngineError: there is none, or nothing to run it with.
        """
        if not (folder / CONFIG).is_file():
            raise EngineError(f"{folder} holds no {CONFIG} of pyannote.", hint=_HINT)
        if importlib.util.find_spec("pyannote") is None:
            raise EngineError("Telling speakers apart by model needs pyannote.audio.", hint=_HINT)
        from pyannote.audio import Pipeline

        self._folder = folder
        try:
            with _only_weights():
                self._pipeline: Any = Pipeline.from_pretrained(str(folder / CONFIG))
        except Exception as error:
            raise EngineError(
                f"The pipeline in {folder} cannot be loaded: {error}", hint=_HINT
            ) from error

    @property
    def name(self) -> str:
        """The folder's name."""
        return self._folder.name

    def turns(self, samples: Floats) -> Sequence[Turn]:
        """See Diariser."""
        import torch

        heard = {"waveform": torch.from_numpy(samples)[None], "sample_rate": SAMPLE_RATE}
        try:
            found = self._pipeline(heard)
            found = getattr(found, "speaker_diarization", found)
            return [
                Turn(float(turn.start), float(turn.end), str(who))
                for turn, _, who in found.itertracks(yield_label=True)
            ]
        except (RuntimeError, ValueError, AttributeError) as error:
            raise EngineError(f"pyannote failed: {error}", hint=_HINT) from error


@contextmanager
def _only_weights() -> Iterator[None]:
    """Have torch refuse checkpoints that would run code, whatever the package asks of it."""
    name = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"
    before = os.environ.get(name)
    os.environ[name] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
