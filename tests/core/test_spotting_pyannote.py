"""A diarisation pipeline in a folder: what is asked of it before anything of it is loaded."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import numpy as np
import pytest

from musiscene_core.errors import CancelledError, EngineError
from musiscene_core.spotting.speech.pyannote import Pyannote, check_pipeline

pytest.importorskip("yaml", reason="the extra 'models' is not installed")

NAME = "pyannote.audio.pipelines.SpeakerDiarization"
WHOLE = "{segmentation: $model/segmentation, embedding: $model/embedding, plda: $model/plda}"


def pipeline(folder: Path, *, name: str = NAME, params: str = WHOLE, further: str = "") -> Path:
    for part in ("segmentation", "embedding", "plda"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    text = f"pipeline: {{name: {name}, params: {params}}}\n{further}"
    (folder / "config.yaml").write_text(text)
    return folder


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package that is installed, and cannot be imported: its libraries do not fit."""
    root = tmp_path / "packages" / "pyannote" / "audio"
    root.mkdir(parents=True)
    (root / "__init__.py").write_text('raise OSError("Could not load this library: x.so\\nmore")\n')
    for name in [name for name in sys.modules if name.partition(".")[0] == "pyannote"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(tmp_path / "packages")
    monkeypatch.setenv("PYANNOTE_METRICS_ENABLED", "true")
    return root


def test_a_whole_folder_is_taken_and_nobody_is_told_of_its_use(
    tmp_path: Path, package: Path
) -> None:
    folder = pipeline(tmp_path / "pipe")
    check_pipeline(folder)
    with pytest.raises(EngineError, match=r"cannot be loaded: Could not load .*x\.so") as caught:
        Pyannote(folder).turns(np.zeros(16_000, np.float32))
    assert "more" not in caught.value.message
    assert os.environ["PYANNOTE_METRICS_ENABLED"] == "false"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"name": "subprocess.Popen", "params": "{args: [touch, x]}"}, "subprocess"),
        ({"further": "preprocessors: {audio: {name: os.system}}"}, "no plain diarisation"),
        ({"params": WHOLE.replace("$model/embedding", "pyannote/wespeaker")}, "for embedding"),
        ({"params": "{segmentation: $model/segmentation}"}, "for embedding"),
        ({"params": WHOLE.replace("$model/plda", "{checkpoint: a/b}")}, "for plda"),
        ({"params": "[]"}, "for segmentation"),
        ({"further": "]"}, "cannot be read"),
        ({"further": "#" * (1 << 20)}, "too large"),
    ],
)
def test_what_would_run_or_fetch_something_is_refused(
    tmp_path: Path, package: Path, changed: dict[str, str], said: str
) -> None:
    folder = pipeline(tmp_path / "pipe", **changed)
    with pytest.raises(EngineError, match=said):
        check_pipeline(folder)


def test_a_folder_without_one_and_a_missing_package_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(EngineError, match=r"holds no config\.yaml"):
        check_pipeline(tmp_path)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(EngineError, match=r"needs pyannote\.audio") as caught:
        check_pipeline(pipeline(tmp_path))
    assert "pip install" in caught.value.hint


@pytest.mark.models
@pytest.mark.slow
def test_a_pipeline_of_random_weights_hears_turns_and_calls_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    try:
        import pyannote.audio  # noqa: F401
    except (ImportError, OSError) as error:
        pytest.skip(f"pyannote.audio does not run here: {str(error)[:60]}")
    from tests.support.tiny_pyannote import tiny_pyannote

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("it calls someone")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    folder = tiny_pyannote(tmp_path / "pipe")
    heard: list[float] = []
    diariser = Pyannote(folder, lambda _, fraction: heard.append(fraction))
    sound = np.random.default_rng(0).normal(0, 0.1, 3 * 16_000).astype(np.float32)
    turns = diariser.turns(sound)
    assert all(0 <= turn.start_s < turn.end_s <= 3.1 for turn in turns)
    assert heard
    assert all(0 <= fraction <= 1 for fraction in heard)

    def stop(_stage: str, _fraction: float) -> None:
        raise CancelledError("enough")

    with pytest.raises(CancelledError):
        Pyannote(folder, stop).turns(sound)
