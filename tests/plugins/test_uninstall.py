"""Uninstalling: what was set up goes, takes and what others made stay."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from musiscene_core.codec import to_json, write_atomically
from musiscene_core.environments.places import STAMP, Stamp
from musiscene_plugins.cli import uninstall
from musiscene_plugins.cli.main import main
from tests.support.daemons import Home, request


def files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.skipif(sys.platform != "linux", reason="looks where Linux has its units")
def test_takes_stay_to_the_byte_and_what_was_set_up_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = Home(tmp_path / "home")
    monkeypatch.setenv("MUSISCENE_HOME", str(home.folder))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    with home.connect() as daemon:
        daemon.score(request())
    data = home.folder / "data"
    takes = files(data / "takes")
    assert takes
    unit = tmp_path / "config/systemd/user/musiscened.service"
    unit.parent.mkdir(parents=True)
    unit.touch()
    assert main(["setup", "resolve", "--json"]) == 0
    (script, *_) = json.loads(capsys.readouterr().out)["scripts"]
    others = Path(script).with_name("Others.lua")
    others.touch()
    made, by_hand, left = (data / "environments" / name for name in ("gpu", "mine", ".gpu.new"))
    for folder in (made, by_hand, left):
        folder.mkdir(parents=True)
    write_atomically(made / STAMP, to_json(Stamp(recipe="gpu", digest="x")))
    (home.folder / "cache").mkdir(exist_ok=True)

    assert main(["uninstall"]) == 2
    assert "run it again with --yes" in capsys.readouterr().err
    assert unit.exists()
    assert main(["uninstall", "--yes", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {str(unit), script, str(made), str(left)} < set(told["removed"])
    assert told["kept"] == str(data)
    assert home.pid == 0
    gone = (unit, Path(script), made, left, *(home.folder / kind for kind in ("log", "cache")))
    assert [path for path in gone if path.exists()] == []
    assert others.exists()
    assert list((tmp_path / "config").iterdir()) == []
    assert by_hand.exists()
    assert files(data / "takes") == takes
    assert main(["uninstall", "--yes"]) == 0
    assert files(data / "takes") == takes


def test_it_says_what_takes_the_program_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for mark, tool in (("uv-receipt.toml", "uv tool"), ("pipx_metadata.json", "pipx")):
        (tmp_path / tool).mkdir()
        (tmp_path / tool / mark).touch()
        monkeypatch.setattr(sys, "prefix", str(tmp_path / tool))
        assert uninstall.how_to_remove() == f"{tool} uninstall musiscene"
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert uninstall.how_to_remove() == f'"{sys.executable}" -m pip uninstall musiscene'
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert uninstall.how_to_remove().startswith("deleting the folder")
