"""A real Whisper, tiny and random: the way from a folder to lines; and folders that are none."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from musiscene_core.errors import EngineError
from musiscene_core.spotting.speech.whisper import NEEDED, Whisper, check_folder

pytest.importorskip("torch", reason="the extra 'models' is not installed")
pytest.importorskip("faster_whisper", reason="the extra 'speech' is not installed")

from tests.support.tiny_whisper import converted, saved_whisper

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved_whisper(tmp_path_factory.mktemp("saved") / "whisper-tiny")


@pytest.fixture(scope="module")
def folder(saved: Path) -> Path:
    return converted(saved, saved.with_name("faster-whisper-tiny"))


def test_it_hears_each_span_and_says_which_language(folder: Path) -> None:
    model = Whisper(folder)
    assert model.name == "faster-whisper-tiny"
    samples = np.random.default_rng(0).normal(0, 0.1, 16_000 * 3).astype(np.float32)
    segments = list(model.transcribe(samples, [(0.5, 1.5), (2.0, 2.6)]))
    assert segments
    assert {segment.language for segment in segments} == {"en"}
    assert all(segment.start_s >= 0.5 for segment in segments)


def test_a_folder_of_transformers_is_told_how_to_be_converted(saved: Path) -> None:
    with pytest.raises(EngineError, match="as transformers saves it") as raised:
        check_folder(saved)
    assert "ct2-transformers-converter" in raised.value.hint


@pytest.mark.parametrize("name", NEEDED)
def test_what_is_missing_is_named(folder: Path, tmp_path: Path, name: str) -> None:
    copy = shutil.copytree(folder, tmp_path / "copy")
    (copy / name).unlink()
    with pytest.raises(EngineError, match=rf"holds no speech model: {name} missing"):
        Whisper(copy)


@pytest.mark.parametrize("name", NEEDED)
def test_a_truncated_file_is_an_error_of_ours(folder: Path, tmp_path: Path, name: str) -> None:
    copy = shutil.copytree(folder, tmp_path / "copy")
    (copy / name).write_bytes((copy / name).read_bytes()[:40])
    with pytest.raises(EngineError, match="cannot be loaded"):
        Whisper(copy)
