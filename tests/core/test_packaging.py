"""What a user installs: only our own names, and nothing heavy unless asked for."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import requires
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from musiscene_core.paths import keep_plot_caches

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel_names(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("wheel")
    (path,) = WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"])
    with zipfile.ZipFile(path) as wheel:
        return wheel.namelist()


def test_every_top_level_name_in_the_wheel_is_ours(wheel_names: list[str]) -> None:
    top = {name.split("/")[0] for name in wheel_names}
    packages = {name for name in top if not name.endswith(".dist-info")}
    assert packages == {
        "musiscene_core",
        "musiscene_daemon",
        "musiscene_gui",
        "musiscene_plugins",
        "musiscene_training",
    }


def test_the_wheel_carries_the_demo_film_and_the_licence(wheel_names: list[str]) -> None:
    assert "musiscene_plugins/cli/demo_film.mp4" in wheel_names
    assert "musiscene_plugins/resolve/bridge.lua" in wheel_names
    assert any(name.endswith("licenses/LICENSE") for name in wheel_names)


def test_a_plain_install_brings_no_torch_and_no_qt() -> None:
    plain = [entry for entry in requires("musiscene") or [] if "extra ==" not in entry]
    names = {re.split(r"[\s;<>=\[]", entry)[0].lower() for entry in plain}
    assert len(names) >= 10
    assert not names & {"torch", "transformers", "pyside6", "pyside6-essentials", "librosa"}


def test_clients_load_without_model_frameworks_qt_or_an_editor() -> None:
    code = (
        "import sys, musiscene_plugins.cli.main, musiscene_core.protocol\n"
        "heavy = {'torch', 'transformers', 'PySide6', 'DaVinciResolveScript', 'cv2'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout
    assert printed.strip() == "[]"


@pytest.mark.parametrize("module", ["musiscene_core.models.shelf", "musiscene_core.protocol"])
def test_what_knows_of_each_other_can_be_loaded_first(module: str) -> None:
    subprocess.run([sys.executable, "-c", f"import {module}"], check=True)


@pytest.mark.parametrize("python", ["3.10", "3.11", "3.12", "3.13"])
def test_every_python_has_one_pin_of_a_package_or_none(python: str) -> None:
    lines = (ROOT / "packaging/constraints.txt").read_text(encoding="utf-8").splitlines()
    here = {"python_version": python, "python_full_version": f"{python}.0"}
    pins = [one for one in map(Requirement, lines) if not one.marker or one.marker.evaluate(here)]
    names = [canonicalize_name(one.name) for one in pins]
    assert len(names) == len(set(names))
    # What the default install asks for itself is pinned everywhere.
    plain = [one for one in map(Requirement, requires("musiscene") or []) if not one.marker]
    assert {canonicalize_name(one.name) for one in plain} <= set(names)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.skipif(shutil.which("uv") is None, reason="needs uv")
def test_the_pins_can_be_installed_on_every_system_and_python_from_wheels() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "packaging/lock.py", "--check"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_release_installs_upgrades_and_goes_without_a_trace() -> None:
    """The release check on the last commit; it fetches packages, and says what does not hold."""
    script = ROOT / "packaging/release_check.py"
    done = subprocess.run([sys.executable, script], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing left" in done.stdout


@pytest.mark.parametrize(
    ("frozen", "named", "kept"), [(False, "/mine", True), (True, "/tmp/x", False)]
)
def test_what_plots_keep_lies_where_uninstalling_finds_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, frozen: bool, named: str, kept: bool
) -> None:
    monkeypatch.setenv("MUSISCENE_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "frozen", frozen, raising=False)
    monkeypatch.setenv("MPLCONFIGDIR", named)
    keep_plot_caches()
    ours = str(tmp_path / "cache/matplotlib")
    assert os.environ["MPLCONFIGDIR"] == (named if kept else ours)
    monkeypatch.delenv("MPLCONFIGDIR")
    keep_plot_caches()
    assert os.environ["MPLCONFIGDIR"] == ours
