"""`musiscene watching`: models are chosen by folder, kept, shown and forgotten."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from musiscene_core.spotting.chosen import WatchingModels, chosen
from musiscene_plugins.cli.main import main


def test_models_are_chosen_kept_and_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MUSISCENE_HOME", str(tmp_path / "home"))
    for name, file in (("eyes", "config.json"), ("ears", "model.bin")):
        (tmp_path / name).mkdir()
        (tmp_path / name / file).write_text("{}")
    assert main(["watching", "use", "--vision", str(tmp_path / "eyes")]) == 0
    assert main(["watching", "use", "--speech", str(tmp_path / "ears"), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (shown["vision"], shown["speech"]) == (str(tmp_path / "eyes"), str(tmp_path / "ears"))
    assert main(["watching", "use", "--speech", str(tmp_path / "eyes")]) == 2
    assert chosen().speech == str(tmp_path / "ears")
    assert main(["watching", "forget"]) == 0
    assert chosen() == WatchingModels()
