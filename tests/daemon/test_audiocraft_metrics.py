"""audiocraft's metrics over folders of sound: what is asked of the environment, and refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from musiscene_daemon.engines.audiocraft.measuring import main
from tests.support import audiocraft_standin
from tests.support.make_media import make_sound, tone


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    monkeypatch.setenv("MUSISCENE_HOME", str(tmp_path / "home"))
    made, real = tmp_path / "made", tmp_path / "real"
    for folder, length in ((made, 48_000), (real, 24_000)):
        folder.mkdir()
        make_sound(folder / "sea.wav", tone(length, 220.0))
    return made, real


def test_sounds_and_words_are_handed_over_and_the_figure_comes_back(
    folders: tuple[Path, Path], tmp_path: Path, capsys
) -> None:
    made, real = folders
    assert main(["kl", str(made), "--real", str(real)]) == 2
    assert "musiscene setup audiocraft" in capsys.readouterr().err
    audiocraft_standin.install(tmp_path / "home/data")
    # A second against half of one, at 32 kHz.
    for metric in ("kl", "fad"):
        assert main([metric, str(made), "--real", str(real)]) == 0
        assert capsys.readouterr().out == "16000\n"
    (tmp_path / "texts.json").write_text(json.dumps({"sea.wav": "a calm sea"}))
    assert main(["clap", str(made), "--texts", str(tmp_path / "texts.json")]) == 0
    assert capsys.readouterr().out == "0\n"


def test_what_lacks_its_partner_or_words_is_named(
    folders: tuple[Path, Path], tmp_path: Path, capsys
) -> None:
    made, real = folders
    audiocraft_standin.install(tmp_path / "home/data")
    (real / "sea.wav").unlink()
    for arguments, words in (
        (["fad", str(made), "--real", str(real)], "sea.wav has no partner"),
        (["clap", str(made)], "sea.wav has no words"),
        (["kl", str(real), "--real", str(made)], "There are no sounds"),
        (["kl", str(tmp_path / "none")], "cannot be read"),
    ):
        assert main(arguments) == 2
        assert words in capsys.readouterr().err
