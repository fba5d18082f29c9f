"""The environment for models: the right torch for each machine, and this very MusiScene in it."""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path

import msgspec
import pytest
from packaging.requirements import Requirement

from musiscene_core import __version__
from musiscene_core.codec import to_json, write_atomically
from musiscene_core.environments import torches
from musiscene_core.environments.models import ENGINES, models_recipe
from musiscene_core.environments.ourselves import own_wheel
from musiscene_core.environments.pip import Source
from musiscene_core.environments.places import STAMP, Stamp, interpreter_of, stamp_of
from musiscene_core.environments.recipe import Recipe
from musiscene_core.environments.recipes import recipe_as
from musiscene_core.environments.torches import build_for
from musiscene_core.errors import RequestError
from musiscene_daemon.environments import find
from musiscene_plugins.cli.main import main
from tests.support.daemons import Home, wait_until
from tests.support.environments import make_environment
from tests.support.wheels import make_wheel

ROOT = Path(__file__).resolve().parents[2]


def names(recipe: Recipe) -> set[str]:
    return {Requirement(text).name for text in recipe.requirements}


def test_every_package_is_pinned_and_cuda_is_left_out_where_it_is_of_no_use() -> None:
    cuda, cpu = models_recipe("cuda", system="linux"), models_recipe("cpu", system="linux")
    for recipe in (cuda, cpu):
        pins = [Requirement(text) for text in recipe.requirements]
        assert all([one.operator for one in pin.specifier] == ["=="] for pin in pins)
        assert recipe.requirements[-1] == f"musiscene=={__version__}"
        assert {"torch", "transformers", "peft", "numpy", "pyzmq", "faster-whisper"} < names(recipe)
    assert {"nvidia-cudnn-cu13", "triton"} < names(cuda)
    assert not any(name.startswith(("nvidia", "cuda", "triton")) for name in names(cpu))
    assert cuda.digest != cpu.digest
    torch = next(text for text in cuda.requirements if text.startswith("torch=="))
    assert torch in (ROOT / "packaging/constraints.txt").read_text().splitlines()


def test_torch_comes_from_where_the_machines_build_is() -> None:
    at = {
        (system, build): models_recipe(build, system=system).indexes.get("torch", "")
        for system, build in (("linux", "cuda"), ("linux", "cpu"), ("win32", "cuda"))
    }
    assert at["linux", "cuda"] == ""
    assert at["linux", "cpu"].endswith("/whl/cpu")
    assert at["win32", "cuda"].endswith("/whl/cu130")
    assert models_recipe("cpu", system="win32").indexes == {}
    assert models_recipe("mps", system="darwin").indexes == {}
    with pytest.raises(RequestError, match="Which ROCm"):
        models_recipe("rocm", system="linux")
    assert models_recipe("rocm", torch_index="https://x/rocm", system="linux").indexes == {
        "torch": "https://x/rocm"
    }
    for build, system in (("cuda", "darwin"), ("mps", "linux"), ("rocm", "darwin")):
        with pytest.raises(RequestError, match="no torch for"):
            models_recipe(build, torch_index="x", system=system)
    source = Source(
        "https://mirror", indexes={"torch": "https://own"}, ours={"musiscene": Path("/w/m.whl")}
    )
    assert source.options("torch==2.13.0") == ["--index-url", "https://own"]
    assert source.options("tqdm==1; python_version > '3'") == ["--index-url", "https://mirror"]
    assert source.options("musiscene==0.1.0") == ["--no-index", "--find-links", "/w"]


@pytest.mark.skipif(sys.platform != "linux", reason="looks for the driver as on Linux")
def test_the_machine_says_which_build_it_wants(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert build_for("darwin", "arm64") == "mps"
    assert build_for("darwin", "x86_64") == "cpu"
    assert build_for("win32") == "cpu"
    monkeypatch.setattr(torches, "_KFD", str(tmp_path / "kfd"))
    assert build_for("linux") == "cpu"
    (tmp_path / "kfd").touch()
    assert build_for("linux") == "rocm"
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\n")
    (tmp_path / "nvidia-smi").chmod(0o700)
    assert build_for("linux") == "cuda"


def test_our_own_wheel_has_all_of_us_in_it(tmp_path: Path) -> None:
    with zipfile.ZipFile(own_wheel(tmp_path)) as wheel:
        held = set(wheel.namelist())
        assert wheel.testzip() is None
        entries = wheel.read(f"musiscene-{__version__}.dist-info/entry_points.txt").decode()
    assert "musiscene.captioners" in entries
    assert {
        "musiscene_core/environments/locks/models.txt",
        "musiscene_daemon/worker.py",
        "musiscene_plugins/cli/demo_film.mp4",
        "musiscene_training/cli.py",
    } <= held
    assert not any("__pycache__" in name for name in held)


def test_its_worker_runs_by_its_own_interpreter_and_takes_engines_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUSISCENE_HOME", str(tmp_path / "home"))
    home = Home(tmp_path / "home")
    place = make_environment(home, "gpu")
    stamp = Stamp(recipe="gpu", digest="x", engines=ENGINES, inside=True, variant="cpu")
    write_atomically(place / STAMP, to_json(stamp))
    (found,), _ = find(tmp_path / "home/data")
    assert found.python == interpreter_of(place)
    with home.connect() as client:
        wait_until(lambda: "musicgen" in {one.name for one in client.engines()}, within_s=30)
        where = {one.name: one.environment for one in client.engines()}
        captioners = {one.name: one.environment for one in client.status().captioners}
        assert (where["musicgen"], where["composer"]) == ("gpu", "main")
        assert (captioners["mullama"], captioners["signals"]) == ("gpu", "main")
        assert client.status().broken_engines == ()
    assert main(["daemon", "stop"]) == 0
    # One of engines of ours without MusiScene in it is driven from our own.
    write_atomically(place / STAMP, to_json(msgspec.structs.replace(stamp, inside=False)))
    (found,), _ = find(tmp_path / "home/data")
    assert found.python == Path(sys.executable)


@pytest.mark.slow
def test_it_is_made_with_this_musiscene_in_it_checked_mended_and_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Real pip and our real wheel; in torch's place a tiny package."""
    monkeypatch.setenv("MUSISCENE_HOME", str(tmp_path / "home"))
    make_wheel(tmp_path / "packages", "torch_in_small", source="HERE = True\n")
    recipe = msgspec.structs.replace(
        models_recipe("cpu", torch_index="x"),
        pythons=(sys.version_info[1],),
        requirements=("torch_in_small==1.0", f"musiscene=={__version__}"),
        imports=("torch_in_small", "musiscene_core"),
        disk_bytes=1_000_000,
    )
    monkeypatch.setattr("musiscene_plugins.cli.setup.RECIPES", {"gpu": lambda *_, **__: recipe})
    words = ["setup", "gpu", "--json", "--packages", str(tmp_path / "packages")]
    assert main(words) == 0
    place = Path(json.loads(capsys.readouterr().out)["folder"])
    stamp = stamp_of(place)
    assert stamp is not None
    assert (stamp.inside, stamp.variant, stamp.engines) == (True, "cpu", ENGINES)
    (module,) = place.glob("[Ll]ib/**/site-packages/musiscene_core/paths.py")
    whole = module.read_bytes()
    module.write_bytes(b"broken = True\n")
    assert main(["setup", "gpu", "--verify"]) == 2
    assert "musiscene has a damaged" in capsys.readouterr().err
    assert main([*words, "--repair"]) == 0
    assert module.read_bytes() == whole
    assert main(["setup", "gpu", "--remove"]) == 0
    assert not place.exists()


def test_the_stamp_leads_back_to_its_recipe(tmp_path: Path) -> None:
    recipe = models_recipe("cpu")
    stamp = Stamp(recipe="gpu", digest=recipe.digest, variant="cpu", inside=True)
    again = recipe_as(stamp)
    assert again is not None
    assert again.digest == recipe.digest
    assert recipe_as(msgspec.structs.replace(stamp, variant="quantum")) is None
    assert recipe_as(msgspec.structs.replace(stamp, recipe="opera")) is None
    craft = recipe_as(msgspec.structs.replace(stamp, recipe="audiocraft"))
    assert craft is not None
    assert craft.name == "audiocraft"
    assert interpreter_of(tmp_path) is None
