"""A build whose pictures a real vision model describes: a tiny BLIP-2 with random weights."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the extra 'models' is not installed")
pytest.importorskip("transformers", reason="the extra 'models' is not installed")

from musiscene_core.errors import EngineError
from musiscene_core.spotting.vision.loading import quiet
from musiscene_training.vacad.clips import Clip, Outcome, Work
from musiscene_training.vacad.settings import Settings
from musiscene_training.vacad.stages import VIDEO, known_by
from musiscene_training.vacad.watching import Watching
from tests.support.clips import make_clip
from tests.support.make_media import make_sound, tone
from tests.support.tiny_vision import tiny_blip

pytestmark = pytest.mark.models


def test_frames_are_described_and_sounds_alone_are_told(tmp_path: Path) -> None:
    with quiet():
        folder = tiny_blip(tmp_path / "blip")
    make_clip(tmp_path / "a.mp4")
    make_sound(tmp_path / "b.wav", tone(48_000, 220))
    works = [
        Work(clip=Clip(id=name, source=name), done={"fetch": Outcome(id=name, value=name)})
        for name in ("a.mp4", "b.wav")
    ]
    settings = Settings(vision=str(folder), frames=2)
    seen, unseen = Watching(settings, tmp_path)(works)
    assert seen.value
    assert seen.writer == "blip"
    assert seen.value[0] == seen.value[0].upper()
    assert "has no picture" in unseen.problem
    assert known_by(VIDEO, settings)["vision"].startswith("blip ")
    with pytest.raises(EngineError, match="no model that can be read"):
        known_by(VIDEO, Settings(vision=str(tmp_path)))
