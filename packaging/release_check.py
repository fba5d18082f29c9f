"""Would a release do? From a clean clone: built, installed beside others, used, upgraded, removed.

    python packaging/release_check.py [--python PATH] [--keep FOLDER]

In a home folder of its own, as in a fresh container. Asserts on the way that

- the wheel holds nothing but our five packages;
- a package that has top-level modules `daemon`, `gui`, `plugins` and `training` is not touched, nor
  is any other file that was in the environment before;
- the demo runs, and the doctor finds nothing broken that is ours;
- an upgrade while the daemon runs leaves no file of the older version, and the next command has a
  daemon of the newer one;
- `musiscene uninstall` and pip leave nothing but the data folder, every take in it byte for byte:
  no other file in the home, runtime or temporary folder, and no empty folder of ours.

Exits with 0 where all of it holds. Takes some minutes, and the package index.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NEIGHBOUR_MODULES = ("daemon", "gui", "plugins", "training")
OURS = {
    *("musiscene_core", "musiscene_daemon", "musiscene_gui", "musiscene_plugins"),
    "musiscene_training",
}
NEXT_VERSION = "0.99.0"
_SCRIPTS = "Scripts" if os.name == "nt" else "bin"
_OUR_FOLDERS = r"musiscene|davinci|systemd|matplotlib"
_ONLY_OLD = "musiscene_core/only_in_the_old_version.py"


class Machine:
    """A home folder and a virtual environment that nobody else uses."""

    def __init__(self, folder: Path, python: str) -> None:
        self.home, self.place = folder / "home", folder / "place"
        self.home.mkdir()
        kept = ("PATH", "LANG", "SYSTEMROOT")
        self.environment = {name: os.environ[name] for name in kept if name in os.environ}
        self.passing = (folder / "runtime", folder / "temporary")
        for place in self.passing:
            place.mkdir(mode=0o700)
        # What pip is told where it runs, such as an index, holds here too.
        self.environment |= {k: v for k, v in os.environ.items() if k.startswith(("PIP_", "SSL_"))}
        self.environment |= {"HOME": str(self.home), "USERPROFILE": str(self.home)}
        self.environment["XDG_RUNTIME_DIR"] = str(self.passing[0])
        self.environment |= dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(self.passing[1]))
        self.run([python, "-m", "venv", str(self.place)])
        self.bin = self.place / _SCRIPTS
        self.python = str(self.bin / "python")

    def run(self, command: Sequence[str], *, codes: Sequence[int] = (0,)) -> str:
        """Run a command as this machine's user; returns what it said."""
        done = subprocess.run(
            list(command),
            env=self.environment,
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if done.returncode not in codes:
            raise SystemExit(f"{' '.join(command)}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def pip(self, *words: str) -> None:
        self.run([self.python, "-m", "pip", "--quiet", "--disable-pip-version-check", *words])

    def musiscene(self, *words: str, codes: Sequence[int] = (0,)) -> str:
        return self.run([str(self.bin / "musiscene"), *words], codes=codes)

    @property
    def packages(self) -> Path:
        code = "import sysconfig; print(sysconfig.get_path('purelib'))"
        return Path(self.run([self.python, "-c", code]).strip())

    def ours(self) -> set[str]:
        """Files and folders of the environment that are MusiScene's by their names."""
        names = (path.relative_to(self.place).as_posix() for path in self.place.rglob("*"))
        return {name for name in names if "musiscene" in name}

    def strays(self, kept: Sequence[Path]) -> list[Path]:
        """What lies about that is not in `kept`: every file, and folders that are ours by name."""
        return [
            path
            for place in (self.home, *self.passing)
            for path in place.rglob("*")
            if not any(path.is_relative_to(folder) for folder in kept)
            and (path.is_file() or re.search(_OUR_FOLDERS, path.name.lower()))
        ]


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below `folder`, without what Python compiled."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def build(clone: Path, into: Path, python: str) -> Path:
    """The wheel of a checkout."""
    command = [python, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", str(into), str(clone)]
    subprocess.run(command, check=True)
    (wheel,) = into.glob("musiscene-*.whl")
    return wheel


def neighbour(folder: Path) -> Path:
    """A project with top-level modules of names that a careless MusiScene would take."""
    folder.mkdir()
    for name in NEIGHBOUR_MODULES:
        (folder / f"{name}.py").write_text(f"WHOSE = 'the neighbour, {name}'\n")
    modules = ", ".join(f'"{name}.py"' for name in NEIGHBOUR_MODULES)
    (folder / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
        '[project]\nname = "the-neighbour"\nversion = "1.0"\n'
        f"[tool.hatch.build.targets.wheel]\nonly-include = [{modules}]\n"
    )
    return folder


def changed(before: dict[str, str], folder: Path) -> set[str]:
    """Which of the files that `folder` had before are others now, or gone."""
    return set(before.items()) - set(digests(folder).items())


def next_version(clone: Path) -> None:
    """Make of the clone a later version, in which one module is gone."""
    (clone / _ONLY_OLD).unlink()
    for path in (clone / "pyproject.toml", clone / "musiscene_core/__init__.py"):
        text = path.read_text(encoding="utf-8")
        assert '"0.1.0"' in text, path
        path.write_text(text.replace('"0.1.0"', f'"{NEXT_VERSION}"', 1), encoding="utf-8")


def check(work: Path, python: str) -> None:
    """Do all of it; raises AssertionError or SystemExit where something does not hold."""
    clone = work / "clone"
    subprocess.run(["git", "clone", "--quiet", "--no-local", str(ROOT), str(clone)], check=True)
    (clone / _ONLY_OLD).write_text('"""Gone in the next version."""\n')
    wheel = build(clone, work / "old", python)
    with zipfile.ZipFile(wheel) as archive:
        top = {name.split("/")[0] for name in archive.namelist()}
    assert {name for name in top if not name.endswith(".dist-info")} == OURS, top
    _say(f"built {wheel.name}, {wheel.stat().st_size / 1e6:.1f} MB")

    machine = Machine(work, python)
    machine.pip("install", str(neighbour(work / "neighbour")))
    theirs = digests(machine.place)
    modules = {f"{name}.py" for name in NEIGHBOUR_MODULES}
    assert modules <= {Path(name).name for name in theirs}, theirs
    constraints = str(clone / "packaging/constraints.txt")
    began = time.monotonic()
    machine.pip("install", "-c", constraints, str(wheel))
    _say(f"installed in {time.monotonic() - began:.0f} s beside {len(theirs)} files of another's")
    assert not changed(theirs, machine.place)
    whose = machine.run([machine.python, "-c", "import daemon; print(daemon.WHOSE)"])
    assert whose.strip() == "the neighbour, daemon"

    # Not ours, but of pip and of what it asks on its way.
    there = set(machine.strays(()))

    began = time.monotonic()
    machine.musiscene("demo", "--output", str(machine.home / "demo"))
    (mix,) = (machine.home / "demo").rglob("take-1/mix.wav")
    assert mix.stat().st_size > 1_000_000
    _say(f"the demo took {time.monotonic() - began:.0f} s")
    report = json.loads(machine.musiscene("doctor", "--json", codes=(0, 1)))
    broken = [one for one in report["findings"] if one["state"] == "broken"]
    assert not broken, broken
    found = machine.musiscene("takes", "--json")
    kept = _takes(machine.home)
    assert kept

    assert (machine.packages / _ONLY_OLD).exists()
    next_version(clone)
    machine.pip("install", "-c", constraints, str(build(clone, work / "new", python)))
    assert not (machine.packages / _ONLY_OLD).exists()
    infos = [path.name for path in machine.packages.glob("musiscene-*.dist-info")]
    assert infos == [f"musiscene-{NEXT_VERSION}.dist-info"], infos
    assert machine.musiscene("takes", "--json") == found
    status = json.loads(machine.musiscene("daemon", "start", "--json"))
    assert status["version"] == NEXT_VERSION, status["version"]
    assert _takes(machine.home) == kept
    _say(f"upgraded to {NEXT_VERSION}: nothing of the older left, its takes are there")

    machine.musiscene("setup", "resolve")
    if sys.platform == "linux":
        # Elsewhere it would be the service of whoever runs this.
        machine.musiscene("daemon", "install")
    machine.musiscene("uninstall", "--yes")
    machine.pip("uninstall", "--yes", "musiscene")
    left = machine.ours()
    assert not left, left
    assert not changed(theirs, machine.place)
    assert _takes(machine.home) == kept
    data = next(path for path in machine.home.rglob("takes") if path.is_dir()).parent
    strays = machine.strays((data, machine.home / "demo", machine.home / ".cache/pip"))
    assert there.issuperset(strays), set(strays) - there
    _say(f"removed: nothing left but {len(kept)} files of takes, as they were")


def _takes(home: Path) -> dict[str, str]:
    return {name: digest for name, digest in digests(home).items() if "/musiscene/takes/" in name}


def _say(text: str) -> None:
    print(f"ok  {text}", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Check, in a temporary folder unless one is named."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--python", default=sys.executable, help="what to install with")
    parser.add_argument("--keep", metavar="FOLDER", help="an empty folder to work in, and keep")
    given = parser.parse_args(arguments)
    if given.keep:
        work = Path(given.keep).absolute()
        work.mkdir(parents=True)
        check(work, given.python)
        return
    with tempfile.TemporaryDirectory(prefix="musiscene-release-") as folder:
        check(Path(folder), given.python)


if __name__ == "__main__":
    main()
