"""An engine of somebody else's: installed from its own package, and as it may go wrong."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from musiscene_core.codec import read_json
from musiscene_core.cue import STEM_ROLES
from musiscene_core.errors import EngineError
from musiscene_core.protocol import connect
from musiscene_core.take import Take
from tests.plugins.test_cli_end_to_end import Desk
from tests.support.daemons import ROOT, Home, request
from tests.support.engine_package import installed

BROKEN = {
    "torn": "import a_library_that_nobody_has\n",
    "rude": "raise SystemExit(3)\n",
    "late": "class Engine:\n    interface = 2\n",
    "shy": "class Engine:\n    def describe(self):\n        return None\n",
    "angry": "class Engine:\n    def __init__(self):\n        raise RuntimeError('no licence')\n",
    "deadly": "import os\nos.write(2, b'strings snap\\n')\nos._exit(9)\n",
}


def add_broken(target: Path) -> None:
    """One package whose six engines fail, each in its own way."""
    about = target / "broken_bands-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Name: broken-bands\nVersion: 1.0\n")
    lines = [f"{name} = broken_{name}:Engine" for name in BROKEN]
    (about / "entry_points.txt").write_text("\n".join(["[musiscene.engines]", *lines]))
    for name, source in BROKEN.items():
        (target / f"broken_{name}.py").write_text(source)


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("hatchling", reason="building the package takes hatchling")
    return installed(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def desk(target: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    made = Desk(tmp_path_factory.mktemp("desk"))
    made.environment |= {"PYTHONPATH": os.pathsep.join((str(ROOT), str(target)))}
    yield made
    assert made.run("daemon", "stop").returncode == 0


def test_the_guide_shows_the_package_that_is_tested() -> None:
    guide = (ROOT / "docs/engines.md").read_text(encoding="utf-8")
    shown = re.findall(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```", guide, re.DOTALL)
    assert [Path(name).name for name, _ in shown] == ["pyproject.toml", "musiscene_drone.py"]
    lines = 0
    for name, text in shown:
        assert text == (ROOT / name).read_text(encoding="utf-8")
        lines += text.count("\n")
    assert lines <= 60


def test_an_installed_engine_is_listed_and_scores_from_the_command_line(desk: Desk) -> None:
    listed = desk.run("engines")
    assert listed.returncode == 0, listed
    assert "drone 1: A fifth that swells towards the middle." in listed.stdout
    wanted = ("score", "film.mp4", "--in", "00:00:01:00", "--out", "00:00:03:12", "--cue", "1m1")
    done = desk.run(*wanted, "--engine", "drone", "--seed", "3", "--output", "out")
    assert done.returncode == 0, done
    take = read_json(desk.folder / "out/1m1/take-1/take.json", Take)
    assert (take.length_samples, take.provenance.engine) == (60 * 2000, "drone")
    assert [stem.role for stem in take.stems] == list(STEM_ROLES)
    assert take.provenance.request_digest


def test_a_model_that_an_engine_does_not_have_is_refused_before_any_work(desk: Desk) -> None:
    done = desk.run("score", "film.mp4", "--engine", "drone:loud", "--output", "none")
    assert done.returncode == 2
    assert "drone has no model called 'loud'" in done.stderr
    assert "Its models: none." in done.stderr
    assert not (desk.folder / "none").exists()


def test_broken_engines_are_listed_with_the_reason_and_the_others_work(
    target: Path, tmp_path: Path, own_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    site.mkdir()
    add_broken(site)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(ROOT), str(target), str(site))))
    with own_home.connect() as client:
        names = [engine.name for engine in client.engines()]
        broken = {one.name: one.reason for one in client.status().broken_engines}
        assert {"composer", "drone", "scripted"} <= set(names)
        assert broken["torn"].startswith("ModuleNotFoundError: No module named 'a_library")
        assert "SystemExit: 3" in broken["rude"]
        assert "interface 2 of engines" in broken["late"]
        assert "gives no EngineInfo" in broken["shy"]
        assert "RuntimeError: no licence" in broken["angry"]
        assert broken["deadly"] == "It ends the process that loads it (code 9): strings snap"
        assert set(broken) == set(BROKEN)
        assert client.score(request())[0][0].name == "take-1"


def test_the_list_is_json_where_asked(desk: Desk) -> None:
    done = desk.run("engines", "--json")
    known = {engine["name"]: engine for engine in json.loads(done.stdout)["engines"]}
    assert known["drone"]["environment"] == "main"
    assert known["composer"]["commercial_use"] is True


def test_an_engine_that_gives_no_sound_fails_its_job_with_the_reason(
    tmp_path: Path, own_home: Home, monkeypatch: pytest.MonkeyPatch, target: Path
) -> None:
    quiet = (target / "musiscene_drone.py").read_text().replace("+ 0.02", "* 0")
    (tmp_path / "quiet_drone.py").write_text(quiet.replace('name="drone"', 'name="quiet"'))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(ROOT), str(tmp_path))))
    arguments = ("--engines-from", "quiet_drone:DroneEngine")
    with connect(daemon_args=arguments) as client, pytest.raises(EngineError, match="gave silence"):
        client.score(request(engine="quiet"))
