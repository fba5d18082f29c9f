"""Speakers told apart by pyannote, where its package and a pipeline in a folder are.

Run with pyannote.audio 4.0 and a tiny pipeline of random weights. The package is no extra of
MusiScene: it brings thirty others. Three things that it does by itself are kept from it here:
telling its makers how it is used, fetching models, and running whatever class a folder names.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from musiscene_core.errors import EngineError, MusiSceneError
from musiscene_core.progress import Progress, silent
from musiscene_core.spotting.speech.model import SAMPLE_RATE, Floats, Turn

CONFIG = "config.yaml"
_PIPELINES = (
    "pyannote.audio.pipelines.SpeakerDiarization",
    "pyannote.audio.pipelines.speaker_diarization.SpeakerDiarization",
)
_MODELS = ("segmentation", "embedding", "plda")
_WITHIN = "$model/"
_LARGEST_CONFIG = 1 << 20
_TELLING_APART = "Telling speakers apart"
_HINT = "Download the whole pipeline again, such as pyannote/speaker-diarization-community-1."


class Pyannote:
    """One pipeline, loaded once it has to hear something. Not for several threads."""

    def __init__(self, folder: Path, progress: Progress = silent) -> None:
        """Know the pipeline in `folder`; `progress` is asked while it listens."""
        self._folder = folder
        self._progress = progress
        self._pipeline: Any = None

    @property
    def name(self) -> str:
        """The folder's name."""
        return self._folder.name

    def turns(self, samples: Floats) -> Sequence[Turn]:
        """See Diariser; raises CancelledError where `progress` does."""
        if self._pipeline is None:
            self._pipeline = self._loaded()
        import torch

        heard = {"waveform": torch.from_numpy(samples)[None], "sample_rate": SAMPLE_RATE}
        try:
            found = self._pipeline(heard, hook=self._heed)
            found = getattr(found, "speaker_diarization", found)
            return [
                Turn(float(turn.start), float(turn.end), str(who))
                for turn, _, who in found.itertracks(yield_label=True)
            ]
        except MusiSceneError:
            raise
        # What a pipeline of another version makes of sound is of no fixed type.
        except Exception as error:
            raise EngineError(f"pyannote failed: {_first_line(error)}", hint=_HINT) from error

    def _heed(self, step: str, *_: object, **how_far: Any) -> None:
        """A hook as pyannote calls it."""
        done, total = how_far.get("completed") or 0, how_far.get("total") or 1
        self._progress(_TELLING_APART, min(1.0, done / total))

    def _loaded(self) -> Any:
        check_pipeline(self._folder)
        os.environ["PYANNOTE_METRICS_ENABLED"] = "false"
        try:
            from pyannote.audio import Pipeline

            with _only_weights():
                return Pipeline.from_pretrained(str(self._folder / CONFIG))
        # Its own packages may not fit the torch that is here, which shows in errors of any type.
        except Exception as error:
            raise EngineError(
                f"The pipeline in {self._folder} cannot be loaded: {_first_line(error)}", hint=_HINT
            ) from error


def check_pipeline(folder: Path) -> None:
    """See that a folder holds a diarisation pipeline, whole, and that pyannote.audio is here.

    Raises:
        EngineError: it does not, or would have something fetched or run that is not pyannote's.
    """
    path = folder / CONFIG
    if not path.is_file():
        raise EngineError(f"{folder} holds no {CONFIG} of pyannote.", hint=_HINT)
    if importlib.util.find_spec("pyannote") is None:
        raise EngineError(
            "Telling speakers apart by model needs pyannote.audio.",
            hint="pip install pyannote.audio, then restart the daemon.",
        )
    read = _config(path)
    pipeline = read.get("pipeline")
    name = pipeline.get("name") if isinstance(pipeline, dict) else None
    if name not in _PIPELINES or "preprocessors" in read:
        raise EngineError(f"{path} describes no plain diarisation but {str(name)[:80]!r}.")
    params = pipeline.get("params") if isinstance(pipeline, dict) else None
    for part in _MODELS:
        value = params.get(part) if isinstance(params, dict) else None
        if value is None and part == "plda" and _version().startswith("3."):
            continue
        if not isinstance(value, str) or not _place(folder, value).exists():
            raise EngineError(
                f"{path} wants a model for {part} that is not in the folder, and nothing is "
                "fetched here.",
                hint=_HINT,
            )


def _place(folder: Path, value: str) -> Path:
    within = value.removeprefix(_WITHIN)
    return folder / within if within != value else Path(value)


def _config(path: Path) -> dict[str, Any]:
    import yaml

    try:
        if path.stat().st_size > _LARGEST_CONFIG:
            raise EngineError(f"{path} is too large for a pipeline's settings.", hint=_HINT)
        read = yaml.safe_load(path.read_bytes())
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise EngineError(f"{path} cannot be read.", hint=_HINT) from error
    return read if isinstance(read, dict) else {}


def _version() -> str:
    try:
        return importlib.metadata.version("pyannote.audio")
    except importlib.metadata.PackageNotFoundError:
        return ""


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).partition("\n")[0][:300]


@contextmanager
def _only_weights() -> Iterator[None]:
    """Have torch read weights and what pyannote notes of its tasks; nothing else in a checkpoint.

    Whatever the package asks of it: it asks for all to be run.
    """
    import torch
    from pyannote.audio.core.task import Problem, Resolution, Specifications
    from torch.torch_version import TorchVersion

    name = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"
    before = os.environ.get(name)
    os.environ[name] = "1"
    try:
        noted = [Specifications, Problem, Resolution, TorchVersion]
        with torch.serialization.safe_globals(noted):
            yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
