"""Environments of engines: made, broken off, gone on with, checked, mended, removed. Real pip."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from packaging.requirements import Requirement

from musiscene_core.environments import building
from musiscene_core.environments.audiocraft import audiocraft_recipe
from musiscene_core.environments.interpreters import find_interpreter
from musiscene_core.environments.models import models_recipe
from musiscene_core.environments.ourselves import standins_requirement
from musiscene_core.environments.pip import Source
from musiscene_core.environments.places import folder_of, interpreter_of, stamp_of
from musiscene_core.environments.recipe import Recipe, packaged
from musiscene_core.environments.recipes import RECIPES
from musiscene_core.errors import CancelledError, InputError, OutputError, RequestError
from tests.support.daemons import ROOT, alive, wait_until
from tests.support.wheels import make_sdist, make_wheel

RECIPE = Recipe(
    name="band",
    title="a band",
    pythons=(sys.version_info[1],),
    requirements=("drums_one==1.0", "bass_two==1.0", "horn_three==1.0; python_version < '3'"),
    imports=("drums_one", "bass_two"),
    disk_bytes=1_000_000,
    licence="Play as you like.",
    engines=("band",),
)
HERE = Path(sys.executable)
SLOW_BACKEND = (
    "import os, time\n"
    "def build_wheel(*_, **__):\n"
    "    open(os.environ['BUILDING'], 'w').write(str(os.getpid()))\n"
    "    time.sleep(60)\n"
    "prepare_metadata_for_build_wheel = build_wheel\n"
)


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    make_wheel(tmp_path / "packages", "drums_one", source="BEAT = 4\n")
    make_wheel(tmp_path / "packages", "bass_two", source="import drums_one\n")
    return tmp_path / "packages"


def build(tmp_path: Path, packages: Path, recipe: Recipe = RECIPE, **options: object) -> Path:
    source = Source(folder=packages)
    return building.build(recipe, python=HERE, source=source, data=tmp_path / "data", **options)


def module_in(folder: Path, name: str) -> Path:
    (found,) = folder.glob(f"[Ll]ib/**/site-packages/{name}.py")
    return found


def says(python: Path, code: str) -> str:
    return subprocess.run([python, "-E", "-c", code], capture_output=True, text=True).stdout.strip()


def test_it_is_made_checked_mended_and_removed(tmp_path: Path, packages: Path) -> None:
    told: list[tuple[str, float]] = []
    place = build(tmp_path, packages, progress=lambda *step: told.append(step))
    assert place == tmp_path / "data/environments/band"
    python = interpreter_of(place)
    assert python is not None
    assert says(python, "import bass_two; print(bass_two.drums_one.BEAT)") == "4"
    stages = list(dict.fromkeys(stage for stage, _ in told))
    assert stages == [
        "Making the environment",
        "Installing drums_one 1.0 (1 of 3)",
        "Installing bass_two 1.0 (2 of 3)",
        "Installing horn_three 1.0 (3 of 3)",
        "Checking the environment",
        "Done",
    ]
    assert [done for _, done in told] == sorted(done for _, done in told)
    stamp = stamp_of(place)
    assert stamp is not None
    assert (stamp.engines, stamp.digest) == (("band",), RECIPE.digest)
    assert [path.name for path in place.parent.iterdir() if path.is_dir()] == ["band"]

    data = tmp_path / "data"
    assert building.problems(RECIPE, data=data) == {}
    module_in(place, "drums_one").write_text("BEAT = 5\n")
    module_in(place, "bass_two").unlink()
    assert building.problems(RECIPE, data=data) == {
        "drums_one==1.0": "has a damaged drums_one.py",
        "bass_two==1.0": "lacks bass_two.py",
    }
    source = Source(folder=packages)
    assert building.repair(RECIPE, source=source, data=data) == ("drums_one 1.0", "bass_two 1.0")
    assert building.problems(RECIPE, data=data) == {}
    assert building.repair(RECIPE, source=source, data=data) == ()

    assert building.remove(RECIPE, data)
    assert not place.exists()
    assert not building.remove(RECIPE, data)
    with pytest.raises(InputError, match="no environment 'band'") as raised:
        building.problems(RECIPE, data=data)
    assert raised.value.hint == "Run `musiscene setup band`."


@pytest.mark.slow
def test_a_try_that_fails_is_gone_on_with_and_keeps_what_worked(
    tmp_path: Path, packages: Path
) -> None:
    place = build(tmp_path, packages)
    python = interpreter_of(place)
    newer = msgspec.structs.replace(
        RECIPE, requirements=("drums_one==2.0", "bass_two==2.0"), imports=("bass_two",)
    )
    make_wheel(packages, "drums_one", "2.0", "BEAT = 3\n")
    (packages / "bass_two-2.0-py3-none-any.whl").write_bytes(b"PK\x03\x04 half a wheel")
    with pytest.raises(InputError, match=r"bass_two==2\.0 could not be installed") as raised:
        build(tmp_path, packages, newer)
    assert "goes on where it stopped" in raised.value.hint
    assert says(python, "import drums_one; print(drums_one.BEAT)") == "4"

    make_wheel(packages, "bass_two", "2.0", "import a_library_nobody_has\n")
    begun = module_in(place.with_name(".band.new"), "drums_one").stat().st_mtime_ns
    told: list[str] = []
    with pytest.raises(InputError, match="bass_two does not load: ModuleNotFoundError"):
        build(tmp_path, packages, newer, progress=lambda stage, _: told.append(stage))
    assert not any("drums_one" in stage or "Making" in stage for stage in told)
    assert module_in(place.with_name(".band.new"), "drums_one").stat().st_mtime_ns == begun
    assert says(python, "import drums_one; print(drums_one.BEAT)") == "4"

    make_wheel(packages, "bass_two", "2.0", "import drums_one\n")
    build(tmp_path, packages, newer)
    assert says(interpreter_of(place), "import drums_one; print(drums_one.BEAT)") == "3"
    assert not list(place.parent.glob(".band.old"))


@pytest.mark.slow
@pytest.mark.parametrize("host", ["127.0.0.1:9", "nowhere.invalid"])
def test_without_a_connection_it_says_so_and_goes_on_when_there_is_one(
    tmp_path: Path, packages: Path, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_RETRIES", "1")
    away = Source(mirror=f"https://{host}/simple")
    data = tmp_path / "data"
    words = r"drums_one==1\.0 could not be fetched: .* out of reach"
    with pytest.raises(InputError, match=words) as raised:
        building.build(RECIPE, python=HERE, source=away, data=data)
    assert "Check the connection, or name another index with --mirror." in raised.value.hint
    assert "it goes on where it stopped" in raised.value.hint
    begun = folder_of("band", data).with_name(".band.new")
    made = (begun / "pyvenv.cfg").stat().st_mtime_ns
    place = build(tmp_path, packages)
    assert (place / "pyvenv.cfg").stat().st_mtime_ns == made
    assert says(interpreter_of(place), "import bass_two; print(bass_two.drums_one.BEAT)") == "4"


@pytest.mark.slow
def test_an_index_that_is_not_secure_is_said_to_be_refused(tmp_path: Path) -> None:
    plain = Source(mirror="http://nowhere.invalid/simple")
    with pytest.raises(InputError, match=r"nowhere\.invalid/simple is not secure"):
        building.build(RECIPE, python=HERE, source=plain, data=tmp_path / "data")


@pytest.mark.slow
def test_a_package_that_is_not_there_is_named(tmp_path: Path, packages: Path) -> None:
    newer = msgspec.structs.replace(RECIPE, requirements=("drums_one==9.9",))
    with pytest.raises(InputError, match=r"drums_one==9\.9 is not in .*packages"):
        build(tmp_path, packages, newer)


@pytest.mark.slow
def test_one_that_is_killed_leaves_no_pip_behind_and_is_gone_on_with(
    tmp_path: Path, packages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (packages / "bass_two-1.0-py3-none-any.whl").unlink()
    sdist = make_sdist(packages, "bass_two", SLOW_BACKEND)
    marker = tmp_path / "building"
    monkeypatch.setenv("BUILDING", str(marker))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    code = (
        "from tests.core.test_environments_building import build\n"
        "from pathlib import Path\n"
        f"build(Path({str(tmp_path)!r}), Path({str(packages)!r}))\n"
    )
    killed = subprocess.Popen([sys.executable, "-c", code])
    wait_until(lambda: marker.exists() and marker.read_text(), within_s=60)
    pips = [int(pid) for pid in children_of(killed.pid)]
    assert pips
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    wait_until(lambda: not any(map(alive, pips)), within_s=5)
    if alive(int(marker.read_text())):
        os.kill(int(marker.read_text()), signal.SIGKILL)
    place = folder_of("band", tmp_path / "data")
    assert not place.exists()

    sdist.unlink()
    make_wheel(packages, "bass_two", source="import drums_one\n")
    told: list[str] = []
    build(tmp_path, packages, progress=lambda stage, _: told.append(stage))
    assert "Installing bass_two 1.0 (2 of 3)" in told
    assert not any("drums_one" in stage for stage in told)


def children_of(pid: int) -> list[str]:
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    if not listed.exists():
        pytest.skip("the system does not list a process's children")
    return listed.read_text().split()


@pytest.mark.slow
def test_cancelling_ends_pip_at_once(
    tmp_path: Path, packages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (packages / "bass_two-1.0-py3-none-any.whl").unlink()
    make_sdist(packages, "bass_two", SLOW_BACKEND)
    marker = tmp_path / "building"
    monkeypatch.setenv("BUILDING", str(marker))

    def cancel(stage: str, fraction: float) -> None:
        if marker.exists() and marker.read_text():
            raise CancelledError("Enough.")

    began = time.monotonic()
    with pytest.raises(CancelledError):
        build(tmp_path, packages, progress=cancel)
    assert time.monotonic() - began < 50
    os.kill(int(marker.read_text()), signal.SIGKILL)


def test_a_disk_without_room_is_refused_before_anything_is_made(
    tmp_path: Path, packages: Path
) -> None:
    huge = msgspec.structs.replace(RECIPE, disk_bytes=10**18)
    with pytest.raises(OutputError, match=r"needs 1000000000\.0 GB"):
        build(tmp_path, packages, huge)
    assert not list((tmp_path / "data/environments").glob(".band.new"))


def test_what_a_try_has_taken_counts_as_room(
    tmp_path: Path, packages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = folder_of("band", tmp_path / "data").with_name(".band.new")
    begun.mkdir(parents=True)
    (begun / "half a package").write_bytes(bytes(700_000))
    left = shutil.disk_usage(tmp_path)._replace(free=400_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: left)
    assert building.check_room(RECIPE, folder_of("band", tmp_path / "data")) == 1_100_000
    (begun / "half a package").unlink()
    with pytest.raises(OutputError, match=r"has 0\.0 GB left"):
        building.check_room(RECIPE, folder_of("band", tmp_path / "data"))


@pytest.mark.slow
def test_a_file_too_large_for_the_disk_is_gone_on_with(tmp_path: Path, packages: Path) -> None:
    if shutil.which("prlimit") is None:
        pytest.skip("no way to limit a file's size here")
    make_wheel(packages, "drums_one", source=f"BEAT = 4\nJUNK = '{'x' * 4_000_000}'\n")
    code = (
        "import resource, signal, sys\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "from tests.core.test_environments_building import build\n"
        "from pathlib import Path\n"
        f"build(Path({str(tmp_path)!r}), Path({str(packages)!r}))\n"
    )
    # No file of more than 3.5 MB: pip ends with "File too large" as it would with "No space left".
    limited = subprocess.run(
        ["prlimit", "--fsize=3500000", sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert "drums_one==1.0 could not be installed" in limited.stderr
    assert "goes on where it stopped" in limited.stderr
    build(tmp_path, packages)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, packages: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/environments").write_text("a file stands here")
    with pytest.raises(OutputError, match="file stands where a folder is needed"):
        build(tmp_path, packages)


def test_an_interpreter_that_does_not_do_is_named(tmp_path: Path) -> None:
    other = msgspec.structs.replace(RECIPE, pythons=(3,))
    with pytest.raises(InputError, match=r"is Python 3\.\d+\.\d+; band needs Python 3\.3"):
        find_interpreter(other, HERE)
    with pytest.raises(InputError, match="is no Python"):
        find_interpreter(RECIPE, tmp_path / "nothing")
    with pytest.raises(InputError, match="none was found") as raised:
        find_interpreter(other)
    assert "--python" in raised.value.hint
    assert find_interpreter(RECIPE)[1].startswith(f"3.{sys.version_info[1]}.")


def test_two_do_not_change_one_environment(tmp_path: Path, packages: Path) -> None:
    def again(stage: str, fraction: float) -> None:
        build(tmp_path, packages)

    with pytest.raises(OutputError, match="is at work on 'band'"):
        build(tmp_path, packages, progress=again)


def test_audiocrafts_recipe_pins_all_it_installs() -> None:
    recipe = audiocraft_recipe("cpu", torch_index="x", system="linux")
    pins = [Requirement(text) for text in recipe.requirements]
    assert all([one.operator for one in pin.specifier] == ["=="] for pin in pins)
    assert [pin.name for pin in pins[:2]] == ["setuptools", "wheel"]
    assert [pin.name for pin in pins[-2:]] == ["musiscene-standins", "audiocraft"]
    assert not {"torchaudio", "xformers", "triton"} & {pin.name for pin in pins}
    models = {Requirement(text).name for text in models_recipe("cpu", torch_index="x").requirements}
    shared = {str(pin) for pin in pins if pin.name in models}
    assert shared <= set(map(str, map(Requirement, models_recipe("cpu").requirements)))
    assert packaged("audiocraft", RECIPES) is audiocraft_recipe
    with pytest.raises(RequestError, match="no environment called 'opera'"):
        packaged("opera", RECIPES)


def test_what_no_index_has_comes_from_its_address_or_the_folder(tmp_path: Path) -> None:
    away = Source(archives={"drums_one": "https://nowhere.invalid/drums.zip"})
    assert away.wanted("drums_one==1.0") == "drums_one @ https://nowhere.invalid/drums.zip"
    assert away.wanted("bass_two==1.0") == "bass_two==1.0"
    here = replace(away, folder=tmp_path)
    assert here.wanted("drums_one==1.0") == "drums_one==1.0"
    newer = {"drums_one": "https://nowhere.invalid/drums-2.zip"}
    other = msgspec.structs.replace(RECIPE, archives=newer)
    assert other.digest != RECIPE.digest


def test_the_stand_ins_are_a_package_that_is_checked_and_mended(tmp_path: Path) -> None:
    """Made by us, offered by no index."""
    packages = tmp_path / "packages"
    packages.mkdir()
    recipe = msgspec.structs.replace(
        RECIPE, requirements=(standins_requirement(),), imports=("xformers",)
    )
    place = build(tmp_path, packages, recipe)
    (module,) = place.glob("[Ll]ib/**/site-packages/torchaudio/transforms.py")
    whole = module.read_bytes()
    module.write_bytes(b"broken = True\n")
    data = tmp_path / "data"
    wrong = "has a damaged torchaudio/transforms.py"
    assert building.problems(recipe, data=data) == {standins_requirement(): wrong}
    assert building.repair(recipe, source=Source(folder=packages), data=data)
    assert module.read_bytes() == whole
