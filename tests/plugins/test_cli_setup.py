"""`musiscene setup`, as it is typed: the real recipe, and a folder that lacks its packages."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from musiscene_core.environments.recipe import Recipe
from musiscene_plugins.cli.main import main
from tests.support.wheels import make_wheel


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MUSISCENE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_what_is_not_there_can_be_neither_checked_nor_removed(capsys) -> None:
    assert main(["setup", "audiocraft", "--verify"]) == 2
    assert "Run `musiscene setup audiocraft`" in capsys.readouterr().err
    assert main(["setup", "audiocraft", "--remove"]) == 0
    assert "none to remove" in capsys.readouterr().out
    assert main(["setup", "opera"]) == 2
    assert "They are gpu, audiocraft, resolve" in capsys.readouterr().err


def test_an_interpreter_or_folder_that_does_not_do_is_refused(tmp_path: Path, capsys) -> None:
    assert main(["setup", "audiocraft", "--packages", str(tmp_path / "none")]) == 2
    assert "is no folder" in capsys.readouterr().err
    named = ["setup", "audiocraft", "--json", "--python", str(tmp_path / "nothing")]
    assert main(named) == 2
    error = json.loads(capsys.readouterr().err)["error"]
    assert "needs Python 3.11 or 3.12 or 3.13" in error["message"]


def test_one_is_made_with_its_licence_said_first(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    packages = tmp_path / "packages"
    make_wheel(packages, "drums_one", source="BEAT = 4\n")
    band = Recipe(
        name="band",
        title="a band",
        pythons=(sys.version_info[1],),
        requirements=("drums_one==1.0",),
        imports=("drums_one",),
        disk_bytes=30_000_000,
        licence="Play as you like.",
    )
    monkeypatch.setattr("musiscene_plugins.cli.setup.RECIPES", {"band": lambda *_, **__: band})
    assert main(["setup", "band", "--yes", "--packages", str(packages)]) == 0
    said = capsys.readouterr()
    assert said.out.index("about 0.0 GB of") < said.out.index("Play as you like.")
    assert "is ready" in said.out
    assert "Installing drums_one 1.0 (1 of 1)" in said.err
    assert main(["setup", "band", "--verify"]) == 0
    (module,) = (home / "data/environments/band").glob("[Ll]ib/**/drums_one.py")
    module.write_text("BEAT = 5\n")
    assert main(["setup", "band", "--verify"]) == 2
    assert "drums_one has a damaged drums_one.py" in capsys.readouterr().err
    assert main(["setup", "band", "--repair", "--packages", str(packages)]) == 0
    assert "Mended: drums_one 1.0." in capsys.readouterr().out
    assert main(["setup", "band", "--remove", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"removed": True}


def test_the_childs_file_runs_in_pythons_that_audiocraft_needs() -> None:
    """audiocraft's own Python is older than ours; both files must be read by 3.9's grammar."""
    import ast

    import musiscene_daemon.engines.audiocraft.engine as engine

    here = Path(engine.__file__).parent
    for file in (here / "audiocraft_child.py", here.parent / "apart/musiscene_child.py"):
        ast.parse(file.read_text(encoding="utf-8"), feature_version=(3, 9))
